"""Whether a generated statement is borne out by the passages that it cites. Pure; trusts no model.

Checked in this order; the first that fails decides:

1. Its marks name passages that were given, at least one.
2. Section, figure, note and page numbers exist in the documents. One that does not never reaches
   the user, whatever the setting.
3. Words in quotation marks stand in the cited passages, but for NFKC, spaces and punctuation.
4. Numbers, dates, names and acronyms stand there too (`quantities`, `names`).
5. The rest is matched in meaning, piece by piece (MaxSim), is no altered copy of a sentence there,
   and denies nothing that is said there.

What fails 3 to 5 is `not_found`: dropped or marked, as the setting says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from sudachipy import SplitMode

from qa_service.answering.drafts import Draft
from qa_service.answering.names import Names, alias_groups, missing_name
from qa_service.answering.places import find_places
from qa_service.answering.quantities import Figures, find_figures
from qa_service.reading.sentences import split_sentences
from qa_service.retrieval.interaction import PieceIndex
from qa_service.retrieval.language import detect_language
from qa_service.retrieval.static_model import StaticModel
from qa_service.retrieval.terms import fold, morphemes
from qa_service.types import Document, Hit, Support

# Two measures of the rest, from 0 to 1: the share of the statement's piece weight that the cited
# passages match (MaxSim), and the share of its character pairs that stand in them (Japanese about
# Japanese alone). Found on the chapter and on tests/answering/data/paraphrases.toml:
# - the chapter's 102 sentences reach 1.0 and 1.0 in their passage; in the 3,678 pairs with a passage
#   that does not hold them, MaxSim is 0.23 in the median and 0.75 at the 99th percentile, character
#   pairs 0.13 and 0.51; four true negatives in 3,678 pass both, and fail on names and words;
# - ten Japanese paraphrases have 0.69 to 1.0 and 0.58 to 0.87;
# - eighteen English ones have a MaxSim of 0.29 to 0.69 (tenth percentile 0.45), and with other
#   passages 0.15 in the median, 0.39 at the 95th percentile, 0.56 at the 99th.
SAME_LANGUAGE_SHARE = 0.68
SAME_LANGUAGE_PAIRS = 0.6
OTHER_LANGUAGE_SHARE = 0.45
# With this share of the passages' character pairs a Japanese statement is a copy: a word in it that
# they do not have was put in another's place. In freer words, one in six may be the writer's own.
_COPY_PAIRS = 0.8
_COPY_SHARE = 0.9  # of the letters, in order: from here on, no word at all may be another
_OWN_WORDS = 1 / 6
_SYNONYM_SHARE = 0.6  # 公賓 for 国賓: 0.68; 縮小 for 強化: 0.03
# An English sentence around a quote of the passage, without the quote: what is about something else has
# less; "The joint statement says" is too short to be judged.
FRAME_SHARE = 0.25
_FRAME_CHARACTERS = 40
_NAME_CHARACTERS = 12  # 「2+2」: quoted, but a word of the sentence all the same
_CLAUSE_PAIRS = 0.6  # two clauses say the same thing from here on, or its contrary

_OPENING = {
    "「": "」",
    "『": "』",
    "“": "”",
    "„": "“",
    "«": "»",
    '"': '"',
    "＂": "＂",
    "〝": "〟",
    "｢": "｣",
}
# (訳: "…"), (translation: …), （参考訳：…）: the model's own words for a quote in front of it.
_TRANSLATION = re.compile(
    r"[（(]\s*(?:訳|仮訳|参考訳|和訳|英訳|译|번역|translation|translated|lit)\s*[.:：]\s*(?P<words>[^（()）]*)[)）]",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")  # 1,000
_DIGITS = re.compile(r"[0-9]+")
_LETTER = re.compile(r"[^\W\d_]")
_CONTENT = re.compile(
    r"[0-9a-z\u00df-\u024f\u30a1-\u30fa\u3400-\u9fff]"
)  # 9, a, ア, 国: no hiragana
_TURNING = frozenset("不非未無反否")  # 不可能, 非公式
_OWN_COUNTRY = frozenset(["わが国", "我が国", "日本", "米国", "アメリカ", "わが", "本", "我"])
_CLAUSE_END = re.compile(r"[、。，．；;\n]")
# しない, ません, せず, 行わなかった, ではなく, 許容してはならず
_DENIAL = re.compile(
    r"ない|なかった|なく(?!な[りるっ])|なければ|ません|ぬ(?=[。、とがの]|$)|ず(?=[、。に]|$)|ざる"
)
# しなければならない (must), のみならず, 隙のない: no denials of what the clause says.
_NO_DENIAL = re.compile(
    r"な(?:ければ|くては)な(?:らない|らず|りません|らなく(?=な[るっ]))|のみならず|だけで(?:は)?なく|(?:にも)?(?:かか|拘)わらず|問わず|"
    r"(?:隙|切れ目|兆候|絶え間)の?ない|少なくない|ほかならない|やむを得(?:ない|ず)|まず|必ず|いず|はず|たゆまず|絶えず|先ず|[みも]ならず"
)
_ENGLISH_DENIAL = re.compile(
    r"\b(?:not|never|no|without|neither|nor|cannot|none)\b|n['’]t\b", re.IGNORECASE
)
_WEAK_DENIAL = re.compile(r"[不非無未難困防禁否拒]|抑止|反対")  # 困難, 防ぐ, 不可
_CONTENT_CLASSES = frozenset(["名詞", "形容詞", "形状詞", "接頭辞"])
_NOT_CONTENT = frozenset(
    ["数詞", "助数詞可能", "非自立可能", "固有名詞", "助動詞語幹", "副詞可能", "形状詞的"]
)
# Words with which a writer speaks of a passage: …と述べている, …とされている, この文書では.
_FRAME_WORDS = frozenset(
    "こと もの ため 旨 文書 白書 記述 説明 明記 記載 言及 指摘 規定 通り とおり 具体的 以下 次 上記 "
    "内容 概要 引用 表現 名称 正式名称 略称 意味 同 本 これ それ 前 後 際 なか 中 等 など 者 的 年 月 日".split()
)


@dataclass(frozen=True, slots=True)
class DraftStatement:
    """A verified statement: its text without marks, and the cited hits' places, from 0, in the
    order in which the model named them, each once."""

    text: str
    passages: tuple[int, ...]
    support: Support


class Verifier:
    """Checks drafts against hits, of which the first `given` were shown to the model.

    `keep_unsupported`: statements that are `not_found` are returned marked so, not dropped.
    """

    def __init__(
        self,
        hits: Sequence[Hit],
        *,
        documents: Mapping[str, Document],
        model: StaticModel,
        given: int | None = None,
        keep_unsupported: bool = False,
    ) -> None:
        self._hits = tuple(hits[:given])
        self._documents = documents
        self._model = model
        self._keep_unsupported = keep_unsupported
        self._known_places: dict[str, frozenset[str]] = {}

    def check(self, draft: Draft) -> DraftStatement | None:
        """The statement, or None when it must not be shown."""
        cited = tuple(mark - 1 for mark in draft.marks if 1 <= mark <= len(self._hits))
        if not cited or not any(character.isalnum() for character in draft.text):
            return None
        evidence = _Evidence([self._hits[place] for place in cited], self._documents, self._model)
        places = find_places(draft.text)
        if not places <= evidence.places:
            known = frozenset[str]().union(
                *(self._places_of(self._hits[place].passage.document_id) for place in cited)
            )
            if not places <= known:
                return None
            support = Support.NOT_FOUND
        else:
            support = _judge(draft.text, evidence)
        if support is Support.NOT_FOUND and not self._keep_unsupported:
            return None
        return DraftStatement(draft.text, cited, support)

    def _places_of(self, document_id: str) -> frozenset[str]:
        """Every section, figure and note number that a document has or names."""
        if document_id not in self._known_places:
            self._known_places[document_id] = document_places(self._documents[document_id])
        return self._known_places[document_id]


def document_places(document: Document) -> frozenset[str]:
    metadata = document.source.metadata
    headings = [heading.number for heading in (metadata.part, metadata.chapter) if heading]
    printed = [
        *headings,
        *(section.number for section in document.sections),
        *(figure.label for figure in document.figures),
        *(reference.label for reference in document.references),
        *(f"注{note.label}" for note in document.notes),
    ]
    return find_places(document.source.text) | find_places("\n".join(printed))


class _Evidence:
    """What the cited passages say, in the forms that the checks need, each made at first use."""

    def __init__(
        self, hits: Sequence[Hit], documents: Mapping[str, Document], model: StaticModel
    ) -> None:
        self._hits = hits
        self._documents = documents
        self._model = model

    @cached_property
    def quotes(self) -> tuple[str, ...]:
        return tuple(hit.citation.quote for hit in self._hits)

    @cached_property
    def text(self) -> str:
        """All that a reader of the citations finds there: words, titles, captions, notes."""
        return "\n".join(text for hit in self._hits for text in _texts(hit))

    @cached_property
    def squeezed(self) -> str:
        return squeeze(self.text)

    @cached_property
    def places(self) -> frozenset[str]:
        labels = "\n".join(
            text
            for hit in self._hits
            for text in (
                hit.citation.label,
                hit.citation.section.number,
                hit.citation.figure.label if hit.citation.figure else "",
                *(f"注{note.label}" for note in hit.citation.notes),
            )
        )
        return find_places(f"{self.text}\n{labels}")

    @cached_property
    def figures(self) -> Figures:
        return find_figures(self.text)

    @cached_property
    def names(self) -> Names:
        documents = dict.fromkeys(hit.passage.document_id for hit in self._hits)
        aliases = (alias.names for id in documents for alias in self._documents[id].aliases)
        return Names(fold(self.text), alias_groups(aliases))

    @cached_property
    def language(self) -> str:
        return detect_language("\n".join(self.quotes))

    @cached_property
    def folded(self) -> str:
        return _letters(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(form for word in content_words(self.text) for form in word.forms)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Letters alone, see `_letters`."""
        return tuple(
            _letters(sentence.of(text))
            for hit in self._hits
            for text in _texts(hit)
            for sentence in split_sentences(text)
        )

    @cached_property
    def clauses(self) -> tuple[str, ...]:
        return tuple(_clauses(self.text))

    def share(self, text: str) -> float:
        """MaxSim: how much of the text's piece weight the passages match, 0 to 1."""
        return float(self._pieces.scores(text)[0])

    @cached_property
    def _pieces(self) -> PieceIndex:
        return PieceIndex.build([self.text], self._model)

    def pairs(self, text: str) -> float:
        """The share of the text's character pairs that stand in the passages, 0 to 1."""
        return _share_in_letters(text, self.folded)


def _texts(hit: Hit) -> Iterator[str]:
    citation = hit.citation
    yield citation.quote
    yield hit.passage.text
    yield citation.section.title
    if citation.figure:
        yield citation.figure.caption
    if citation.box:
        yield citation.box.title
    for note in citation.notes:
        yield note.text


# --- the checks ----------------------------------------------------------------------------------


def _judge(text: str, evidence: _Evidence) -> Support:
    """A statement whose section and figure numbers are the cited passages' own."""
    if any(text in quote for quote in evidence.quotes):
        return Support.EXACT
    parts = _parts(text, evidence.language)
    supports = {_support_of_quote(quote, evidence) for quote in parts.quotes}
    if Support.NOT_FOUND in supports:
        return Support.NOT_FOUND
    support = Support.EXACT if supports == {Support.EXACT} else Support.NORMALISED
    if squeeze(text) in evidence.squeezed:
        return support
    language = detect_language(parts.outside if _LETTER.search(parts.outside) else text)
    stands = (
        not find_figures(text).missing_from(evidence.figures)
        and not missing_name(text, evidence.names, language=language)
        and _content_stands(text, parts, language, evidence)
    )
    return support if stands else Support.NOT_FOUND


@dataclass(frozen=True, slots=True)
class _Parts:
    """A statement taken apart: its quotes; what stands outside them; and its own words, which are
    those outside and the short quotes, which are names (「2+2」)."""

    quotes: tuple[str, ...]
    outside: str
    own_words: str


def _parts(text: str, language: str) -> _Parts:
    """Marked translations of quotes are in none of the parts. One is believed to be a translation
    only behind a quote and in another language than the passages' (`language`); its numbers and
    names are checked with the statement's.
    """
    quotes: list[str] = []
    outside: list[str] = []
    own: list[str] = []
    place = 0
    while place < len(text):
        translation = _TRANSLATION.match(text, place) if quotes else None
        if translation and detect_language(translation["words"]) != language:
            place = translation.end()
            continue
        closing = _OPENING.get(text[place])
        if closing is None:
            outside.append(text[place])
            own.append(text[place])
            place += 1
            continue
        end = _end_of_quote(text, place, closing)
        quote = text[place + 1 : end].strip()
        if quote:
            quotes.append(quote)
        outside.append(" ")
        own.append(quote if len(quote) <= _NAME_CHARACTERS else " ")
        place = end + 1
    return _Parts(tuple(quotes), "".join(outside), "".join(own))


def _end_of_quote(text: str, start: int, closing: str) -> int:
    """Where the quote that opens at `start` ends; quotes of the same kind in it are part of it. One
    that is never closed goes to the end of the statement."""
    opening, depth = text[start], 0
    for place in range(start + 1, len(text)):
        if text[place] == closing:
            if depth == 0:
                return place
            depth -= 1
        elif text[place] == opening:
            depth += 1
    return len(text)


def _support_of_quote(quote: str, evidence: _Evidence) -> Support:
    if any(quote in source for source in evidence.quotes):
        return Support.EXACT
    squeezed = squeeze(quote)
    if squeezed and squeezed in evidence.squeezed:
        return Support.NORMALISED
    return Support.NOT_FOUND


def squeeze(text: str) -> str:
    """NFKC without spaces and punctuation; marks inside a number stay (1.5 is not 15)."""
    plain = _GROUPED.sub("", unicodedata.normalize("NFKC", text))
    return "".join(
        character
        for place, character in enumerate(plain)
        if not (character.isspace() or unicodedata.category(character)[0] in "PZC")
        or (plain[place - 1 : place].isdigit() and plain[place + 1 : place + 2].isdigit())
    )


def _content_stands(text: str, parts: _Parts, language: str, evidence: _Evidence) -> bool:
    """Whether the passages say what the statement, written in `language`, says."""
    if language != evidence.language:
        return _stands_across_languages(text, parts.outside, evidence)
    share = evidence.share(text)
    if language != "ja":
        return share >= SAME_LANGUAGE_SHARE
    pairs = evidence.pairs(text)
    if share < SAME_LANGUAGE_SHARE or pairs < SAME_LANGUAGE_PAIRS:
        return False
    return not (
        _is_altered_copy(text, evidence)
        or _has_strange_words(parts.own_words, pairs, evidence)
        or _denies(parts.own_words, evidence)
    )


def _stands_across_languages(text: str, outside: str, evidence: _Evidence) -> bool:
    if evidence.share(text) < OTHER_LANGUAGE_SHARE or _denies_english(outside, evidence):
        return False
    # A long frame around a true quote has to be about the same thing, too.
    return len(outside) < _FRAME_CHARACTERS or evidence.share(outside) >= FRAME_SHARE


def _is_altered_copy(text: str, evidence: _Evidence) -> bool:
    """Whether the statement is a sentence of the passages with a word or number put in another's
    place, or turned by 不 or 非. What is left out or said besides is no alteration."""
    own = _letters(text)
    if _DIGITS.search(own) and _DIGITS.sub("", own) in _DIGITS.sub("", evidence.folded):
        return own not in evidence.folded
    source = max(evidence.sentences, key=lambda other: _share_in_letters(text, other), default="")
    matcher = SequenceMatcher(None, source, own, autojunk=False)
    blocks = matcher.get_opcodes()
    kept = sum(end - start for kind, _, _, start, end in blocks if kind == "equal")
    if kept < len(own) * _COPY_SHARE:
        return False
    for kind, start, end, own_start, own_end in blocks:
        before, after = source[start:end], own[own_start:own_end]
        if kind == "replace" and _CONTENT.search(before) and _CONTENT.search(after):
            if not {before, after} <= _OWN_COUNTRY:
                return True
        elif kind == "insert" and after in _TURNING:
            return True
    return False


def _has_strange_words(own_words: str, pairs: float, evidence: _Evidence) -> bool:
    """Whether too many words of the statement have no like in the passages."""
    words = [word for word in content_words(own_words) if word.surface not in _FRAME_WORDS]
    strange = [
        word
        for word in words
        if not word.forms & evidence.words
        and word.surface not in evidence.folded
        and evidence.share(word.surface) < _SYNONYM_SHARE
    ]
    return len(strange) > (0 if pairs >= _COPY_PAIRS else len(words) * _OWN_WORDS)


@dataclass(frozen=True, slots=True)
class _Word:
    surface: str
    forms: frozenset[str]


def content_words(text: str) -> Iterator[_Word]:
    """Nouns and adjectives of Japanese text with their normalised forms, long and short units."""
    for word in morphemes(fold(text)):
        kind = word.part_of_speech()
        if kind[0] not in _CONTENT_CLASSES or kind[1] in _NOT_CONTENT or kind[2] in _NOT_CONTENT:
            continue
        parts = [word, *word.split(SplitMode.A, add_single=False)]
        yield _Word(word.surface(), frozenset(part.normalized_form() for part in parts))


def _denies(text: str, evidence: _Evidence) -> bool:
    """Whether a clause denies what its likest clause in the passages asserts, or the reverse."""
    for clause in _clauses(text):
        best = max(
            evidence.clauses,
            key=lambda other: _share_in_letters(clause, _letters(other)),
            default="",
        )
        alike = _share_in_letters(clause, _letters(best)) >= _CLAUSE_PAIRS
        denied = _is_denied(clause)
        if denied != _is_denied(best) and (alike or denied):
            return True
    return False


def _is_denied(clause: str) -> bool:
    return _DENIAL.search(_NO_DENIAL.sub("", clause)) is not None


def _denies_english(text: str, evidence: _Evidence) -> bool:
    """Only whether the statement denies while the passages deny nothing at all."""
    return _ENGLISH_DENIAL.search(text) is not None and not any(
        _is_denied(clause) or _WEAK_DENIAL.search(clause) for clause in evidence.clauses
    )


def _clauses(text: str) -> Iterator[str]:
    for clause in _CLAUSE_END.split(text):
        if len(_letters(clause)) > 3:
            yield clause


def share_of_pairs(text: str, other: str) -> float:
    """The share of the text's neighbouring characters that stand as neighbours in `other`, 0 to 1;
    case, width, spaces and punctuation do not count."""
    return _share_in_letters(text, _letters(other))


def _share_in_letters(text: str, letters: str) -> float:
    own = _letters(text)
    pairs = [own[place : place + 2] for place in range(len(own) - 1)]
    return sum(pair in letters for pair in pairs) / len(pairs) if pairs else 0.0


def _letters(text: str) -> str:
    return "".join(character for character in fold(text) if character.isalnum())
