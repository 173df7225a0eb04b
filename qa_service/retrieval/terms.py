"""Text to search terms: what the lexical leg matches exactly.

Four kinds of terms, from the folded text (NFKC, lower case, one dash, no digit grouping):

- **characters**: single characters and pairs of neighbours of Japanese and Chinese writing, and
  whole numbers and Latin words, these in the singular. They find any word in any cutting.
- **morphemes**: SudachiPy's words, long and short units, in their normalised form (取組 = 取り組み,
  サーバ = サーバー), function words dropped.
- **pairs** of morphemes that stand near one another (抑止力の強化: 抑止力~強化), so that what is asked
  together is found together.
- **atoms**: things that must match as a whole or not at all, in one spelling: figure and appendix
  numbers (図表Ⅲ-2-1-1 = Figure III-2-1-1), articles (第七条 = Article 7), years
  (令和6年 = 2024年), months and days (四月十日 = April 10), names that the documents declare to be the same
  (日米安全保障協議委員会 = SCC = 2+2), written with a leading `=`.

The two fields (characters with atoms, morphemes with pairs and atoms) are scored apart and summed: see
`lexical`.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sudachipy import Morpheme, SplitMode

from qa_service.reading.morphemes import tokenizer
from qa_service.reading.numbering import find_articles, find_labels
from qa_service.retrieval.dates import Date, find_dates
from qa_service.retrieval.english import STOP_WORDS, root_of, spell_out_america
from qa_service.retrieval.western_years import western_years

_DASHES = re.compile(r"[\u2010-\u2015\u2212\uFE58\uFE63\uFF0D]|(?<=\d)ー(?=\d)")  # 1−4, 1‐4, 1ー4
# 辺󠄀 (with a selector), 日\u200b米
_INVISIBLE = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")  # 1,000 -> 1000
# A Latin word with its inner marks (e.g., don't), a number (1978, 3.5), 2+2 (2plus2 is an alias), or
# one character of another script.
_TOKEN = re.compile(
    r"\d+(?:\+\d+)+|\d+(?:\.\d+)*|[a-z\u00df-\u024f]+(?:['’.][a-z\u00df-\u024f]+)*|\w"
)
_FOREIGN = re.compile(r"[ァ-ヶー]+|[^\u3040-\u9fff]+")  # オースティン, nato
_WIDE = re.compile(r"[^\x00-\u024f]")

_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")  # 1978, 2024

# What carries no subject is told by its part of speech.
_FUNCTION_CLASSES = frozenset(["助詞", "助動詞", "補助記号", "記号", "空白", "接続詞", "感動詞"])
# 為る, 有る, 居る …: auxiliary verbs that Sudachi marks as 非自立可能.
_LIGHT_WORDS = frozenset(
    "為る 有る 居る 成る 出来る 行く 来る 見る 言う 御 事 物 為 所 時 其の "
    "此の 何 如何 何の 何れ どう どの どこ いつ 誰 何故 幾つ どれ よう 様 の "
    "教える 下さる 就く 於く 因る 対する 関する".split()
)


_PAIR_STEPS = 2  # a pair is a content word and the next, or the next but one
_PAIR_NAMES = 1 << 18
_PAIR_GAP = 2  # other morphemes in each step, about: の強化に向けた


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one text, repeated as often as they occur, in order; `pairs` are its neighbouring
    morphemes, `names` its Japanese names with their readings in katakana."""

    characters: tuple[str, ...]
    morphemes: tuple[str, ...]
    pairs: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()


Translation = tuple[tuple[str, float], ...]
"""Terms that an expression of another language may stand for, with their probabilities, which sum
to 1. A term of several words has spaces between them."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question's expressions in another language."""

    language: str
    translations: tuple[Translation, ...]


AtomFinder = Callable[[str], list[str]]
"""Finds further atoms in a folded text: the names that documents declare (see `aliases`)."""


def extract_terms(text: str, *, find_atoms: AtomFinder | None = None) -> Terms:
    """All terms of `text`; any Unicode text, empty included."""
    plain = western_years(without_invisible(text))
    folded = fold(plain)
    names: list[tuple[str, str]] = []
    units: list[tuple[int, str]] = []
    atoms = [
        *_label_atoms(text),
        *map(article_atom, find_articles(text)),
        *year_atoms(folded),
        *(atom for date in find_dates(without_invisible(text)) for atom in date_atoms(date)),
        *(find_atoms(fold(text)) if find_atoms else ()),
    ]
    return Terms(
        characters=(*_character_terms(fold(spell_out_america(plain))), *atoms),
        morphemes=(*_morpheme_terms(folded, units, names), *atoms),
        pairs=tuple(_pairs(units)),
        names=tuple(names),
    )


def article_atom(number: str) -> str:
    """The term for the article of that number (see `numbering.find_articles`)."""
    return f"=条{number}"


def is_atom(term: str) -> bool:
    """Whether a term stands for a thing in one spelling, the same in all languages."""
    return term.startswith("=")


def year_atoms(folded: str) -> Iterator[str]:
    """In a folded text with western years, `=2024` for 2024年."""
    for match in _YEAR.finditer(folded):
        yield f"={match.group()}"


def date_atoms(date: Date) -> tuple[str, ...]:
    """`=月4` for 4月 and April, and `=月4日10` where the day is named."""
    month = f"=月{date.month}"
    return (month,) if date.day is None else (month, f"{month}日{date.day}")


def without_invisible(text: str) -> str:
    """The text without what only says how to draw or break it: variation selectors, zero-width
    spaces, marks of direction, soft hyphens."""
    return _INVISIBLE.sub("", text)


def fold(text: str) -> str:
    """NFKC, lower case, one form of dash, digit grouping and invisible characters removed: two
    spellings, one string."""
    folded = unicodedata.normalize("NFKC", without_invisible(text)).lower()
    return _GROUPED.sub("", _DASHES.sub("-", folded))


def _character_terms(folded: str) -> Iterator[str]:
    """Latin words and numbers whole; other characters singly and in pairs of neighbours."""
    previous_end, previous = -1, ""
    for match in _TOKEN.finditer(folded):
        token = match.group()
        if _WIDE.match(token):
            yield token
            if previous and previous_end == match.start():
                yield previous + token
            previous_end, previous = match.end(), token
        elif token not in STOP_WORDS:
            yield root_of(token)
            previous = ""


def _morpheme_terms(
    folded: str, units: list[tuple[int, str]], names: list[tuple[str, str]]
) -> Iterator[str]:
    """Normalised content words: each long unit, and its short units where it has several. On the way
    fills `units`, the long ones with their places among all morphemes, and `names`."""
    for place, morpheme in enumerate(morphemes(folded)):
        if not _has_content(morpheme):
            continue
        units.append((place, morpheme.normalized_form().lower()))
        for part in (morpheme, *morpheme.split(SplitMode.A, add_single=False)):
            if _has_content(part):
                yield part.normalized_form().lower()
                if _is_japanese_name(part):
                    names.append((part.surface(), part.reading_form()))


def _pairs(units: Sequence[tuple[int, str]]) -> Iterator[str]:
    """抑止力の強化に向けた: 抑止力 and 強化, 抑止力 and 向ける, 強化 and 向ける. A pair is named by a number that
    few others have ("Feature Hashing", Weinberger et al., ICML 2009): by its words a million different
    pairs of 20,000 passages would take more memory than all else."""
    for step in range(1, _PAIR_STEPS + 1):
        for (left, first), (right, second) in zip(units, units[step:], strict=False):
            if right - left <= _PAIR_GAP * step + 1:
                yield f"~{zlib.crc32(f'{first}~{second}'.encode()) % _PAIR_NAMES}"


def _is_japanese_name(morpheme: Morpheme) -> bool:
    """普天間, さいたま; not オースティン, whose own spelling no reading gives."""
    return morpheme.part_of_speech()[1] == "固有名詞" and not _FOREIGN.fullmatch(morpheme.surface())


def morphemes(folded: str) -> Iterator[Morpheme]:
    """Sudachi refuses inputs over 49,149 bytes, so long texts go through in lines and pieces."""
    for line in folded.split("\n"):
        for start in range(0, len(line), 10_000):
            yield from tokenizer().tokenize(line[start : start + 10_000])


def content_words(text: str) -> Iterator[tuple[str, str]]:
    """The words of `text` as they stand there, each with the form that it is matched by."""
    for morpheme in morphemes(text):
        if _has_content(morpheme):
            yield morpheme.surface(), morpheme.normalized_form().lower()


def content_units(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The long units of `text` as they are matched, each with its short units where it has several."""
    for morpheme in morphemes(fold(text)):
        if _has_content(morpheme):
            parts = morpheme.split(SplitMode.A, add_single=False)
            yield (
                morpheme.normalized_form().lower(),
                tuple(part.normalized_form().lower() for part in parts if _has_content(part)),
            )


def _has_content(morpheme: Morpheme) -> bool:
    if morpheme.part_of_speech()[0] in _FUNCTION_CLASSES:
        return False
    if morpheme.surface() in STOP_WORDS:  # its normalised form is katakana: what -> ホワット
        return False
    form = morpheme.normalized_form()
    return form not in _LIGHT_WORDS and not form.isspace()


def _label_atoms(text: str) -> Iterator[str]:
    for label in find_labels(text):
        yield f"={label.id}"
