"""Whether a question is answered, and if not, why: what look-ups decide, and the confidence where they decide nothing.

What a question names by number (a figure, a chapter, an article, a year) and what it asks of a name alone is there
or not, whatever likeness says: a paragraph on the revision of 2015 is no answer to a question about 2030. A look-up
refuses only where the documents number such things as the question does.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from unicodedata import normalize

from qa_service.answering.conversation import is_courtesy
from qa_service.answering.definitions import asked_acronyms, explains
from qa_service.answering.missing_years import names_missing_year, near_best
from qa_service.answering.persons import asks_of_namesake
from qa_service.answering.towns import asks_of_another_town
from qa_service.reading.numbering import find_articles, normalise
from qa_service.retrieval.acronyms import find_acronyms
from qa_service.retrieval.index import Index
from qa_service.retrieval.labels import (
    Named,
    Place,
    article_of,
    find_element,
    find_named,
    find_rows,
    sections_in,
)
from qa_service.retrieval.language import detect_language
from qa_service.retrieval.search import fold_question
from qa_service.retrieval.terms import article_atom, extract_terms, fold, morphemes
from qa_service.types import Reason, SearchResult

_PARAGRAPH = re.compile(r"(?:^|[\s。）)])([0-9０-９]{1,2})[ 　\t]", re.MULTILINE)  # 2 前項の…
_DIGITS = r"[0-9０-９]{1,2}|[一二三四五六七八九十]{1,2}"
_NUMBERED = re.compile(
    rf"(?P<kind>議題|議案|報告事項|論点)\s?第?(?P<number>{_DIGITS})(?![0-9０-９つ点個件])|第(?P<time>{_DIGITS})(?P<times>回)"
)
_ARTICLE = "条"  # which may be another work's, where the document is not named
_MARKS = " ?？。."
_SHORTEST_WORD = 2
_MEANT = 0.25  # probability of a translation that a word alone may stand for


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is why there is no answer, None where there is one; `label` what the documents only refer to."""

    reason: Reason | None
    label: str = ""

    @property
    def answered(self) -> bool:
        return self.reason is None


_ANSWERED = Verdict(None)
_ABSENT = Verdict(Reason.NOT_IN_DOCUMENTS)


def judge(
    index: Index,
    question: str,
    result: SearchResult,
    *,
    documents: Collection[str],
    sufficient: bool,
) -> Verdict:
    """The verdict on a question, with what the search found in `documents`, all where none are given;
    `sufficient` is what the confidence says."""
    if _asks_nothing(question):
        return Verdict(Reason.NO_QUESTION)
    named = find_named(fold_question(index, question, result.language), index.titles)
    if named.other_edition or named.outside(documents):
        return _ABSENT
    documents = named.within(documents)
    for label in named.labels:
        place = find_element(index, label, named)
        if place is Place.REFERENCED:
            return Verdict(Reason.ONLY_REFERENCED, label.text)
        if place is Place.NAMED:
            return Verdict(None, label.text)
        if place is Place.NOWHERE:
            return _ABSENT
    rows = find_rows(index, named, documents)
    found = any(index.rows[hit.passage.id] in rows for hit in result.hits)
    if not found and (named.whole or (named.labels and documents)):
        return _ABSENT  # which document is meant no one knows; the figure stands in another one
    if _names_what_is_not_there(index, question, named, found, result, documents):
        return _ABSENT
    if _is_nothing_but_there(index, question, named, found, result):
        return _ANSWERED
    acronyms = asked_acronyms(index, question)
    if any(explains(hit.passage.text, acronym) for hit in result.hits for acronym in acronyms):
        return _ANSWERED
    if acronyms and fold(question).strip() not in map(fold, acronyms):
        return _ABSENT  # What is NATO?, where the documents only use it
    return _ANSWERED if sufficient else _ABSENT


# --- what is not there -------------------------------------------------------------------------


def _names_what_is_not_there(
    index: Index,
    question: str,
    named: Named,
    found: bool,
    result: SearchResult,
    documents: Collection[str],
) -> bool:
    """第7条, where the documents speak of others alone; 第3章, 脚注9, 2030年, 緑山町, 佐藤健."""
    if not all(index.lexical.holds(article_atom(each)) for each in find_articles(question)):
        return True
    if _names_missing_note(index, named) or _names_missing_paragraph(index, named, documents):
        return True
    if not found and _names_missing_section(index, named, result):
        return True
    if names_missing_year(index, question, result) or _names_missing_number(
        index, question, result
    ):
        return True
    if _is_of_another_town(index, question, result):
        return True
    return asks_of_namesake(question, [hit.passage.text for hit in near_best(result.hits)])


def _names_missing_number(index: Index, question: str, result: SearchResult) -> bool:
    """議題4, 第3回, where what was found has such numbers, but not this one."""
    texts = [index.documents[hit.passage.document_id].source.metadata.title for hit in result.hits]
    texts += ["\n".join((*hit.passage.context, hit.passage.text)) for hit in result.hits]
    told = {each for text in texts for each in _numbered(text)}
    kinds = {kind for kind, _ in told}
    return any(kind in kinds for kind, _ in _numbered(question) - told)


def _numbered(text: str) -> set[tuple[str, str]]:
    return {
        (match["kind"] or match["times"], normalise(match["number"] or match["time"]))
        for match in _NUMBERED.finditer(text)
    }


def _is_of_another_town(index: Index, question: str, result: SearchResult) -> bool:
    if not result.hits:
        return False
    best = index.documents[result.hits[0].passage.document_id]
    texts = ["\n".join((*hit.passage.context, hit.passage.text)) for hit in result.hits]
    return asks_of_another_town(question, best.source.metadata.title, texts)


def _names_missing_note(index: Index, named: Named) -> bool:
    if named.footnote:
        return named.footnote not in index.elements.footnotes
    if not named.note or named.labels:
        return False
    notes = index.elements.notes
    return bool(notes) and named.note not in notes


def _names_missing_paragraph(index: Index, named: Named, documents: Collection[str]) -> bool:
    """第5条第4項, of an article whose numbered paragraphs are three."""
    for steps in named.sections:
        rows = index.elements.sections.get(article_of(steps), ())
        told = [index.passages[row] for row in rows]
        text = "\n".join(
            each.text for each in told if not documents or each.document_id in documents
        )
        numbers = {normalise(number) for number in _PARAGRAPH.findall(text)}
        asked = {step.removesuffix("項") for step in steps if step.endswith("項")}
        if numbers and asked - numbers - {"1"}:
            return True
    return False


def _names_missing_section(index: Index, named: Named, result: SearchResult) -> bool:
    """None of the parts that are named, of a document that has parts of that unit, or that is named, too, and
    has numbered parts; and no passage found in it speaks of them either."""
    meant = {*named.documents} or {hit.passage.document_id for hit in result.hits[:1]}
    units = frozenset[str]().union(*(index.elements.units[each] for each in meant))
    parts = [part for steps in named.sections if (part := article_of(steps))]
    if not named.documents:
        parts = [part for part in parts if part[0][-1:] in units - {_ARTICLE}]
    told = [hit.passage for hit in result.hits]
    if named.documents:
        told = [passage for passage in told if passage.document_id in meant]
    spoken = {steps for passage in told for steps in sections_in(passage.text)}
    return bool(parts and units) and not any(part in spoken for part in parts)


# --- what is there -----------------------------------------------------------------------------


def _is_nothing_but_there(
    index: Index, question: str, named: Named, found: bool, result: SearchResult
) -> bool:
    """The question asks for an element, an article, the document or a name as such, and it is there."""
    if found and (named.labels or named.footnote or named.note or named.alone):
        return True
    if named.alone and find_articles(question):  # 第6条は何を定めていますか, of which they speak
        return True
    return _asks_for_declared_name(index, question) or _is_written(index, question, result)


def _asks_for_declared_name(index: Index, question: str) -> bool:
    """SDCとは何か, "What is the SCC?": nothing but a name that a document itself explains."""
    folded = fold(question)
    rest = index.aliases.without_names(folded)
    return rest != folded and not extract_terms(rest).morphemes


def _is_written(index: Index, question: str, result: SearchResult) -> bool:
    """A word alone that a passage found holds, as it stands or in the passage's language: 木原, Kihara."""
    word = normalize("NFKC", fold_question(index, question, result.language)).strip(_MARKS)
    words = [word] if len(word) >= _SHORTEST_WORD else []
    looked_up = index.looked_up(result.language)
    if looked_up and word.isalpha() and len(list(morphemes(word))) == 1:
        for called in index.look_up(word, looked_up).translations:
            words += [term for term, share in called if share >= _MEANT]
    return any(_stands_in(each, hit.passage.text) for each in words for hit in result.hits)


def _stands_in(word: str, text: str) -> bool:
    """As a word: 京都 is not in 東京都, nor NATO in signatory or nato."""
    text = normalize("NFKC", text)
    if not find_acronyms(word):
        word, text = fold(word), fold(text)
    if not re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", text):
        return False
    held = set(extract_terms(text).morphemes)
    return all(term in held for term in extract_terms(word).morphemes)


def _asks_nothing(question: str) -> bool:
    """？？？, こんにちは, thanks: nothing that could be looked for."""
    if is_courtesy(question):
        return True
    language = detect_language(question)
    if language == "en":
        return not extract_terms(question).characters
    if language in ("ja", "zh"):
        return not extract_terms(question).morphemes
    return not any(character.isalnum() for character in question)
