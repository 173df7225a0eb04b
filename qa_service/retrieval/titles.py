"""Documents that a question calls by their titles: 青葉市公文書管理条例第4条, the Harbor Resilience Report.

A title may be shortened as one does: without whose it is (公文書管理条例), without its year (防衛白書, Harbor
Resilience Report), a law's to what it is about (公園の設置に関する条例: 公園条例). Another work that is only called
alike is not meant: 横浜市公文書管理条例, 公文書管理条例施行規則, 令和5年版防衛白書.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from unicodedata import normalize

from qa_service.retrieval.english import STOP_WORDS
from qa_service.retrieval.terms import extract_terms
from qa_service.retrieval.western_years import ERA_STARTS
from qa_service.types import Document, Metadata

_JAPANESE = r"\u3005-\u30fa\u30fc-\u30ff\u3400-\u9fff"
_NAME = (
    r"\u30a1-\u30fa\u30fc-\u30ff\u3005\u3400-\u9fff"  # katakana and kanji: of these names are made
)
_SHORTEST = 4  # characters of a Japanese title, but for laws (民法)
_LAW = re.compile(rf"[{_NAME}](?:法|令|条例|規則|憲法)$")
_FEWEST_WORDS = 2  # of a title in Latin letters: notes, AI and Budget are words of any question
_WORD = re.compile(r"[a-z\u00df-\u024f]{2,}")
_BLANKS = re.compile(rf"(?<=[{_JAPANESE}])\s+(?=[{_JAPANESE}])")
_ERA_YEAR = (
    rf"(?:(?:{'|'.join(ERA_STARTS)})(?:元|[0-9]{{1,2}})|(?:1[5-9]|20)[0-9]{{2}})年(?:度版?|版)?"
)
_YEAR_BEFORE = re.compile(rf"^{_ERA_YEAR}の?\s?(?=\S)")  # 令和6年版防衛白書
_YEAR_BEHIND = re.compile(
    rf"(?:[\s,(]{{1,3}}(?:1[5-9]|20)[0-9]{{2}}\)?|[\s(]{{1,2}}{_ERA_YEAR}\)?)$"
)
_OWNER = re.compile(rf"^(?P<owner>[{_NAME}]{{1,9}}?[都道府県市区町村])(?=[{_NAME}]{{2}})")  # 青葉市
# 公園の設置及び管理に関する条例: 公園条例; 個人情報の保護に関する法律: 個人情報保護法
_ABOUT = re.compile(
    rf"^(?P<matter>[{_NAME}]{{2,12}})の(?P<what>[{_NAME}]{{2,6}})?(?:[^、]{{0,30}})に関する(?P<kind>条例|法律|規則)$"
)
_REVISED = re.compile(r"(?:改正|現行)$")  # 改正民法
# A year right beside what is called: that of another edition, perhaps.
_ANY_YEAR = rf"{_ERA_YEAR}|(?:fy\s?)?(?:1[5-9]|20)[0-9]{{2}}"
_BESIDE_BEFORE = re.compile(rf"(?:{_ANY_YEAR})の?\s?[「『\"“]?$")
_BESIDE_BEHIND = re.compile(rf"[」』\"”]?[\s,(]{{0,3}}(?:{_ANY_YEAR})")
# Before what is called: a longer name's beginning, or whose it is (横浜市の, the Boston).
_OTHERS_BEFORE = re.compile(rf"[{_NAME}A-Za-z0-9]の?$")
_NAME_BEFORE = re.compile(r"(?:^|(?<=\s))(?P<word>[A-Z][\w.]*)(?:['’]s)?\s$")
_ASKING = STOP_WORDS | set(
    "summarise summarize show explain describe give tell see name list".split()
)
# Behind it: no other word than that for a part of it (第4条, 図表1).
_OTHERS_BEHIND = re.compile(rf"(?![第図表附別注全])[{_NAME}]|[A-Za-z]")
_QUOTES = (("「", "」"), ("『", "』"), ('"', '"'), ("“", "”"))


@dataclass(frozen=True, slots=True)
class Called:
    """A question with "this document" in the place of a title, the ids of the documents that it may mean, and the
    question without the title; as it is, and none, where it has no title, or two. `editions` are the ids of the other
    editions, where it asks of one; `other_edition`: of one that is not there."""

    question: str
    documents: tuple[str, ...]
    without_title: str
    editions: frozenset[str] = frozenset()
    other_edition: bool = False


@dataclass(frozen=True, slots=True)
class Titles:
    """`documents` gives the ids of those that are called by a name, lower case; `lengths` how long the names are.
    `metadata` is that of each document, by its id."""

    documents: Mapping[str, tuple[str, ...]]
    lengths: tuple[int, ...]
    metadata: Mapping[str, Metadata]

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Titles:
        called: dict[str, list[str]] = {}
        titled = [document for document in documents if not _is_file_name(document)]
        for document in titled:
            for name in _names(document.source.metadata.title):
                called.setdefault(name, []).append(document.id)
        return cls(
            {name: tuple(ids) for name, ids in called.items()},
            tuple(sorted({len(name) for name in called}, reverse=True)),
            {document.id: document.source.metadata for document in titled},
        )

    def find(self, question: str) -> Called:
        """What of the question calls a document, with the year that says which edition is meant."""
        wide = _BLANKS.sub("", normalize("NFKC", question))
        found = list(self._places(wide))
        meant = [place for place in found if place.documents]
        if not meant or any(place.documents != meant[0].documents for place in meant):
            return Called(question, (), question, other_edition=bool(found) and not meant)
        start, end, documents = meant[0].start, meant[0].end, meant[0].documents
        beside = _years_beside(wide, start, end)
        asked = beside | _year_terms(wide[start:end])
        own = frozenset[str]()
        if asked:
            own = own.union(*(_years_of(self.metadata[id]) for id in documents))
        editions = self._editions(documents) if asked & own else frozenset[str]()
        japanese = re.search(f"[{_JAPANESE}]", wide[start:end]) is not None
        if beside & own:
            start, end = _with_years(wide, start, end)
        if (wide[start - 1 : start], wide[end : end + 1]) in _QUOTES:
            start, end = start - 1, end + 1
        before = wide[:start] if japanese else re.sub(r"(?i)\bthe\s$", "", wide[:start])
        this = "この文書" if japanese else "this document"
        return Called(f"{before}{this}{wide[end:]}", documents, f"{before} {wide[end:]}", editions)

    def _places(self, wide: str) -> Iterator[_Place]:
        """What documents are called in a text, the longest name at each place."""
        small = wide.lower()
        if len(small) != len(wide):
            small = wide
        start = 0
        while start < len(small):
            place = next(self._at(small, wide, start), None)
            if place is not None:
                yield place
            start = place.end if place is not None else start + 1

    def _at(self, small: str, wide: str, start: int) -> Iterator[_Place]:
        for length in self.lengths:
            end = start + length
            ids = self.documents.get(small[start:end], ())
            if ids and _stands_for_itself(wide, start, end):
                asked = _years_beside(wide, start, end)
                if _LAW.search(small, start, end):  # it has no editions
                    asked = frozenset()
                yield _Place(start, end, tuple(id for id in ids if self._is_edition(id, asked)))

    def _editions(self, meant: tuple[str, ...]) -> frozenset[str]:
        """The other ones of the documents that are meant."""
        undated = {_undated(self.metadata[id].title) for id in meant}
        alike = {id for name in undated for id in self.documents.get(name, ())}
        return frozenset(alike - {*meant})

    def _is_edition(self, id: str, asked: frozenset[str]) -> bool:
        own = _years_of(self.metadata[id]) if asked else asked
        return not own or bool(asked & own)


@dataclass(frozen=True, slots=True)
class _Place:
    """`documents` is empty where another edition is meant."""

    start: int
    end: int
    documents: tuple[str, ...]


def _with_years(wide: str, start: int, end: int) -> tuple[int, int]:
    """With the years right beside it, which say which edition is meant."""
    before = _BESIDE_BEFORE.search(wide[:start].lower())
    behind = _BESIDE_BEHIND.match(wide[end:].lower())
    return before.start() if before else start, end + (behind.end() if behind else 0)


def _years_beside(wide: str, start: int, end: int) -> frozenset[str]:
    before, behind = wide[:start].lower(), wide[end:].lower()
    found = (_BESIDE_BEFORE.search(before), _BESIDE_BEHIND.match(behind))
    return frozenset[str]().union(*(_year_terms(match.group()) for match in found if match))


def _stands_for_itself(wide: str, start: int, end: int) -> bool:
    """Not a part of another name, nor another's."""
    before = wide[:start]
    if year := _BESIDE_BEFORE.search(before.lower()):
        before = before[: year.start()]
    before = _REVISED.sub("", before)
    if _OTHERS_BEHIND.match(wide, end) or _OTHERS_BEFORE.search(before):
        return False
    name = _NAME_BEFORE.search(before)
    return name is None or (name.start() == 0 and name["word"].lower() in _ASKING)


def _is_file_name(document: Document) -> bool:
    """A file without a title is called by its name: 10.txt."""
    title = document.source.metadata.title
    return title in (
        document.id,
        document.id.rpartition(".")[2],
        PurePath(document.source.path).stem,
    )


def _names(title: str) -> Iterator[str]:
    """What a document of a title may be called, lower case; nothing where that could stand anywhere."""
    plain = _BLANKS.sub("", normalize("NFKC", title)).lower().strip()
    undated = _undated(title)
    owned = _OWNER.match(undated)
    own = undated[owned.end() :] if owned else undated
    short = [own]
    if about := _ABOUT.match(own):
        kind = about["kind"].removesuffix("律")
        short.append(f"{about['matter']}{about['what'] or ''}{kind}")
        if kind != "法":
            short.append(f"{about['matter']}{kind}")
    names = [plain, undated, *short]
    if owned:
        owner = owned["owner"]
        for each in short:
            names += [f"{owner}{each}", f"{owner}の{each}", f"{owner[-1]}{each}"]  # 町税条例
    yield from (name for name in dict.fromkeys(names) if _tells(name))


def _undated(title: str) -> str:
    plain = _BLANKS.sub("", normalize("NFKC", title)).lower().strip()
    return _YEAR_BEHIND.sub("", _YEAR_BEFORE.sub("", plain)).removeprefix("the ")


def _tells(name: str) -> bool:
    if re.search(f"[{_JAPANESE}]", name):
        return len(name) >= _SHORTEST or _LAW.search(name) is not None
    return len(_WORD.findall(name)) >= _FEWEST_WORDS


def _years_of(metadata: Metadata) -> frozenset[str]:
    published = str(metadata.published.year) if metadata.published else ""
    return frozenset[str]().union(*map(_year_terms, (metadata.title, metadata.edition, published)))


@lru_cache(maxsize=4_096)  # documents of a collection may all be called alike
def _year_terms(text: str) -> frozenset[str]:
    """令和6年 and 2024 are one."""
    terms = extract_terms(text).morphemes
    return frozenset(term for term in terms if re.fullmatch("=[0-9]{4}", term))
