"""Look-ups: a question that names an element of the documents gets that element first.

図表Ⅲ-2-1-1, "Figure III-2-1-1", 資料23, 第1節3, (注)2, 脚注1, a section by its quoted title. A number
counts only when a document holds (or names) an element of that number, and when it is not another
work's: 日米安保条約第6条 and "Article 1 of the Constitution" name nothing here. A question about a document
as a whole (この文書の概要) names its beginning. What is called by the title of a document is looked for in that one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, islice

from qa_service.reading.numbering import Label, find_labels, find_place, normalise
from qa_service.retrieval.asked import asks_for_whole, asks_nothing_else, terms_of
from qa_service.retrieval.elements import ENGLISH_UNITS
from qa_service.retrieval.index import Index
from qa_service.retrieval.language import QUOTED
from qa_service.retrieval.terms import extract_terms
from qa_service.retrieval.titles import Titles
from qa_service.types import PassageKind

_CERTAIN = 0.9  # a named element's score is above this
NAMED_PART = _CERTAIN + (1 - _CERTAIN) * 1 / 3  # the lowest score of a part of a named element
NAMED_ITSELF = _CERTAIN + (1 - _CERTAIN) * 2 / 3  # and of the very thing that is named
_TOLD = 3  # paragraphs at the beginning of a section
# 注2, (注)2, 注記2, note 2: a note below a table; 脚注1, footnote 1: one of the text. Not 発注30件.
_NOTE = re.compile(
    r"(?P<foot>脚注|footnote)\s?(?P<first>[0-9０-９]{1,4})"
    r"|(?:(?<![\u3400-\u9fff])注記?|(?<!please )\bnote)\s?[)）]?\s?(?P<second>[0-9０-９]{1,4})"
    r"(?![0-9０-９,.]|\s?[件万億円年月日人台社個か％%])",
    re.IGNORECASE,
)
# 第1節3, 第1節1-3, 第3章第2節: units, then perhaps plain numbers below them.
_SECTION = re.compile(
    r"(?P<units>(?:第\s?[0-9０-９一二三四五六七八九十百Ⅰ-Ⅻ]{1,6}\s?[部編章節款条項号](?:の[0-9０-９一二三四五六七八九十]{1,4})?)+)"
    r"(?:\s?の?\s?(?P<below>[0-9０-９]{1,3}(?:[-－−‐―][0-9０-９]{1,3}){0,5}))?"
)
# Section 1.2, Chapter 3, Article 6
_ENGLISH_SECTION = re.compile(
    r"\b(?P<word>part|chapter|section|article)\s+(?P<number>[0-9IVX]{1,5}(?:[-.][0-9]{1,3}){0,5})\b",
    re.IGNORECASE,
)
# この文書1条3項, of a law that is called by its title
_WITHOUT_ORDINAL = re.compile(
    r"((?:この文書|条|項)の?\s?)(?=[0-9〇一二三四五六七八九十百]{1,4}(?:の[0-9]{1,3})?[編章節条項号])"
)
_BETWEEN = re.compile(r",?\s+(?:of\s+|in\s+)?")  # Chapter 2, Section 3; Section 3 of Chapter 2
_ENGLISH_ORDER = [*ENGLISH_UNITS.values()]
# 3.1の内容, 2.3.1には何が: a section by its decimal number, and nothing else that a number may be
_DECIMAL = re.compile(
    r"(?:この文書の?)?\s*(?P<number>[0-9０-９]{1,3}(?:[.．][0-9０-９]{1,3}){1,5})\s?節?"
    r"(?=の(?:内容|概要|要約|要点|説明)|について|には|とは|は何|\s*[?？]?$)"
)
# 条約第6条, 民法典第1条: a name right before the number is that of another work …
_NAME_BEFORE = re.compile(r"[\u30a1-\u30ff\u3400-\u9fffA-Za-z0-9]\s?の?$")
# … but for the words with which one calls the document in hand.
_THIS_WORK_BEFORE = re.compile(r"(?:白書|報告書|本書|文書|計画|本文|同書|この|本)の?$")
# … or, where the documents have titles and it is none of them, the name of a work of its kind: 環境白書第2章
_KIND_OF_WORK_BEFORE = re.compile(r"[\u30a1-\u30ff\u3400-\u9fff](?<!本)(?:白書|報告書|計画)の?$")
# Article 1 of the U.S. Constitution, section 2 of the Affordable Care Act
_NAME_BEHIND = re.compile(
    r"\s+of\s+(?:the\s+)?(?:[A-Z]|[a-z]+\s+(?:act|law|treaty|constitution)\b)"
)
_KIND = re.compile(
    r"条例|要綱|規則|計画|方針|議事録|白書|報告書|要覧|年報|\b(?:ordinance|policy|plan|report|minutes)\b",
    re.IGNORECASE,
)
# Words that ask what it is called.
_TITLE = "題名 題目 表題 標題 タイトル 名称 名前 何 什麼 是什麼 title name called titled"


@dataclass(frozen=True, slots=True)
class Named:
    """What a question names: labels, a note's and a footnote's number, sections as steps, what it
    quotes, which may be a section's title, and by their titles documents, by id, in which the others are meant, or
    another edition of one; `editions` are those that are not meant.

    `rest` is the question without these words; without what it quotes where it names nothing else.
    """

    labels: tuple[Label, ...]
    note: str
    footnote: str
    sections: tuple[tuple[str, ...], ...]
    quoted: tuple[str, ...]
    documents: tuple[str, ...]
    editions: frozenset[str]
    other_edition: bool
    rest: str

    def __bool__(self) -> bool:
        return bool(self.labels or self.footnote or self.sections)

    @property
    def alone(self) -> bool:
        """図表Ⅲ-2-1-1, 図表Ⅲ-2-1-1は何か: nothing but the element is asked for."""
        return asks_nothing_else(self.rest)

    @property
    def whole(self) -> bool:
        """この文書の概要, "What is this document about?": no element, and nothing in the document."""
        return not (self or self.note or self.quoted) and asks_for_whole(self.rest)

    def within(self, documents: Collection[str]) -> Collection[str]:
        """Which of some documents are meant, where none stands for all of the corpus."""
        return frozenset(self.documents or documents)

    def outside(self, documents: Collection[str]) -> bool:
        """The documents that are called by their titles are none of these, none standing for all."""
        return bool(documents and self.documents) and not {*self.documents} & {*documents}


_NO_TITLES = Titles.of(())


def find_named(question: str, titles: Titles = _NO_TITLES) -> Named:
    """The elements that a question names, whether they exist or not."""
    called = titles.find(question)
    question = called.question
    if called.documents:
        question = _WITHOUT_ORDINAL.sub(r"\1第", question)
    note = footnote = ""
    taken: list[tuple[int, int]] = []
    for match in _NOTE.finditer(question):
        taken.append(match.span())
        if match["foot"]:
            footnote = footnote or normalise(match["first"])
        else:
            note = note or normalise(match["second"])
    labels = find_labels(question)
    taken += [(label.start, label.end) for label in labels]
    sections: list[tuple[str, ...]] = []
    for place, steps in _sections(question, titled=bool(titles.documents)):
        sections += steps
        taken.append(place)
    quoted = [match for match in QUOTED.finditer(question) if not find_labels(match.group())]
    if not taken:
        taken = [match.span() for match in quoted]
    inside = tuple(match[match.lastindex or 0] for match in quoted)
    return Named(
        labels,
        note,
        footnote,
        tuple(sections),
        inside,
        called.documents,
        called.editions,
        called.other_edition,
        _without(question, taken),
    )


def find_rows(index: Index, named: Named, documents: Collection[str] = ()) -> Mapping[int, int]:
    """The rows of the named elements that there are: 2 for the very thing that is named, 1 for a
    part of it (a row of a table, a passage of a section). A section as such is told from its beginning, and so is
    the whole of a document. Only of `documents`, if any are given."""
    elements = index.elements
    if named.outside(documents):
        return {}
    documents = named.within(documents)
    if named.whole:
        return dict.fromkeys(_beginning(index, documents or _of_kind(index, named)), 2)
    found: dict[int, int] = {}
    for steps in named.sections:
        rows = elements.sections.get(steps) or elements.sections.get(article_of(steps), ())
        found |= dict.fromkeys(rows, 1)
        if named.alone and steps in elements.sections:
            found |= dict.fromkeys(_first_paragraphs(index, rows), 2)
    for title in named.quoted:
        found |= dict.fromkeys(elements.titled(title), 1)
    for label in named.labels:
        if label.kind == "appendix":
            found |= dict.fromkeys(elements.references.get(label.id, ()), 2)
        for row in elements.rows_of(label):
            found[row] = _strength(index, row, named)
    if named.footnote:
        found |= dict.fromkeys(elements.footnotes.get(named.footnote, ()), 2)
    if named.note and not named.labels:
        found |= dict.fromkeys(elements.notes.get(named.note, ()), 2)
    if not documents:
        return found
    passages = index.passages
    return {
        row: strength for row, strength in found.items() if passages[row].document_id in documents
    }


def _beginning(index: Index, documents: Collection[str]) -> Iterator[int]:
    """The first rows of a single document; none of many, of which no one knows which is meant."""
    meant = documents or index.documents
    if len(meant) == 1:
        rows = (n for n, each in enumerate(index.passages) if each.document_id in meant)
        yield from _first_paragraphs(index, rows)


def _of_kind(index: Index, named: Named) -> tuple[str, ...]:
    """条例の概要: the id of the only document that is called so; none where several are, or none is."""
    kinds = [each.lower() for each in _KIND.findall(named.rest)]
    titles = {id: each.source.metadata.title.lower() for id, each in index.documents.items()}
    called = tuple(id for id, title in titles.items() if any(kind in title for kind in kinds))
    return called if len(called) == 1 else ()


def _first_paragraphs(index: Index, rows: Iterable[int]) -> Iterator[int]:
    """Of each document that the rows, which are in order, belong to."""
    for _, some in groupby(rows, key=lambda row: index.passages[row].document_id):
        told = (row for row in some if index.passages[row].kind is PassageKind.PARAGRAPH)
        yield from islice(told, _TOLD)


def article_of(steps: tuple[str, ...]) -> tuple[str, ...]:
    """第5条第3項, 第5条第2項第1号: the article, whose paragraphs and items are no sections."""
    while steps and steps[-1].endswith(("項", "号")):
        steps = steps[:-1]
    return steps


def raised(score: float, strength: int) -> float:
    """A named element's score: above 0.9, and among its passages in the order of their own."""
    return _CERTAIN + (1 - _CERTAIN) * (strength + score) / 3


class Place(StrEnum):
    """Where the documents hold the element of a label: as their own, only in a reference to
    another document, or nowhere. NAMED: only in a reference, which tells what is asked for."""

    HERE = "here"
    NAMED = "named"
    REFERENCED = "referenced"
    NOWHERE = "nowhere"


def find_element(index: Index, label: Label, named: Named) -> Place:
    """Where the element is. A question that asks for no more than what a reference itself says
    (資料24は何か, 資料24の題名) is answered by the reference; what it says inside is not."""
    if index.elements.holds(label):
        return Place.HERE
    referenced = index.elements.referenced.get(label.id, ())
    if not referenced:
        return Place.NOWHERE
    asked = set(extract_terms(named.rest).morphemes) - terms_of(_TITLE)
    told = {term for each in referenced for term in extract_terms(each.title).morphemes}
    return Place.REFERENCED if asked - told else Place.NAMED


def _strength(index: Index, row: int, named: Named) -> int:
    passage = index.passages[row]
    document = index.documents[passage.document_id]
    if named.note:
        if passage.kind is not PassageKind.NOTE:
            return 1
        labels = {note.label for note in document.notes if note.id in passage.note_ids}
        return 2 if named.note in labels else 1
    if not named.alone:
        return 1
    if passage.kind is PassageKind.CAPTION:  # the whole of a figure whose picture is not here
        figure = next(f for f in document.figures if f.id == passage.figure_id)
        return 1 if figure.table else 2
    return 2 if passage.kind is PassageKind.TABLE else 1


def sections_in(text: str) -> set[tuple[str, ...]]:
    """All sections that a text speaks of, of whatever work."""
    return {steps for _, some in _sections(text, of_others=True) for steps in some}


def _sections(
    question: str, *, of_others: bool = False, titled: bool = False
) -> list[tuple[tuple[int, int], list[tuple[str, ...]]]]:
    """Places in the question, with the steps that they may mean; those of other works only if asked for."""
    found: list[tuple[tuple[int, int], list[tuple[str, ...]]]] = []
    for match in _SECTION.finditer(question):
        before = question[: match.start()]
        named = _NAME_BEFORE.search(before) and not _THIS_WORK_BEFORE.search(before)
        if (named or (titled and _KIND_OF_WORK_BEFORE.search(before))) and not of_others:
            continue
        below = re.split("[-－−‐―]", match["below"]) if match["below"] else []
        printed = re.sub(r"\s", "", match["units"])  # 第 3 章
        if units := find_place(printed):
            found.append((match.span(), [(*units, *(normalise(number) for number in below))]))
    for chain in _english_chains(question):
        if _NAME_BEHIND.match(question, chain[-1].end()) and not of_others:
            continue
        place = (chain[0].start(), chain[-1].end())
        numbers = [[normalise(part) for part in re.split("[-.]", each["number"])] for each in chain]
        kinds = [ENGLISH_UNITS[each["word"].lower()] for each in chain]
        order = sorted(range(len(chain)), key=lambda n: _ENGLISH_ORDER.index(kinds[n]))
        chained = [step for n in order for step in (f"{numbers[n][0]}{kinds[n]}", *numbers[n][1:])]
        decimal = [(".".join(numbers[0]),)] if len(chain) == 1 else []
        found.append((place, [tuple(chained), *decimal]))
    if first := _DECIMAL.match(question):
        number = ".".join(normalise(part) for part in re.split("[.．]", first["number"]))
        found.append((first.span("number"), [(number,)]))
    return found


def _english_chains(question: str) -> Iterator[list[re.Match[str]]]:
    """Chapter 2, Section 3 and Section 3 of Chapter 2 are one place each."""
    chain: list[re.Match[str]] = []
    for match in _ENGLISH_SECTION.finditer(question):
        if chain and not _BETWEEN.fullmatch(question[chain[-1].end() : match.start()]):
            yield chain
            chain = []
        chain.append(match)
    if chain:
        yield chain


def _without(question: str, taken: list[tuple[int, int]]) -> str:
    characters = list(question)
    for start, end in taken:
        characters[start:end] = " " * (end - start)
    return "".join(characters)
