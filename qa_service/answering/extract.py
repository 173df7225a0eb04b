"""Answers without a language model: the sentences that answer, verbatim, each with its place.

The best passages are cut into units (sentences; a table row, a note, a caption as a whole), each unit
is matched against the question as passages are (shared terms and MaxSim) and weighed with its
passage's own score; the heading or caption above is read with it, since a sentence leaves unsaid what
its paragraph is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from qa_service.answering.definitions import asked_acronyms, explains
from qa_service.answering.of_year import of_year
from qa_service.answering.persons import asks_of_namesake
from qa_service.answering.quantities import find_figures
from qa_service.answering.towns import without_town
from qa_service.answering.units import FURTHER_SHARE, Extract, cut_units, unit_text
from qa_service.reading.numbering import find_articles, normalise
from qa_service.retrieval.asked import without_request
from qa_service.retrieval.index import Index
from qa_service.retrieval.labels import NAMED_ITSELF, NAMED_PART, Named, find_named
from qa_service.retrieval.language import detect_language
from qa_service.retrieval.search import fold_question
from qa_service.retrieval.terms import Lookup, Terms, extract_terms
from qa_service.types import Hit, PassageKind, Span

MAX_STATEMENTS = 3

_PASSAGES_READ = 6
_MIN_CHARACTERS = 8  # 「など。」 answers nothing
# What counts of a unit's score: its passage's, its terms, its pieces, its vector. Found on questions of JaQuAD's
# training part, where the unit that holds the marked answer should come first and vectors find no more, and on English
# sentences of Kyoto articles held back, which should find their Japanese sentence.
_SHARES = (0.45, 0.25, 0.30, 0.0)
_SHARES_TRANSLATED = (0.35, 0.20, 0.20, 0.25)
_OPENING_BONUS = 0.2
_SUBJECT_SHARE = 0.6  # of a box's title, in a question that asks what something is
# 2+2とは何ですか, DICASって何, What is the SCC?, 什么是2+2, 2+2是什么
_DEFINITION = re.compile(
    r"とは(?:何|なに|なん|どのような|どういう|[?？]|$)|って何|什么是|是什么|"
    r"\bwhat(?:'s| is| are)\b|\bdefin|\bmeaning of\b",
    re.IGNORECASE,
)
_DEFINES = re.compile(r"(?:のこと)?をいう[。）)]?\s*$")  # in laws
_PARAGRAPH_NUMBER = re.compile(r"([0-9０-９]{1,3})[ 　\t]")  # 3 市長は、…, ２　前項の…
# いつ, 何年に, when, 什么时候
_ASKS_WHEN = re.compile(
    r"いつ(?!も|でも|か(?!ら))|何[年月日](?!間|以内|以上|以下|ごと|分|目)|什么时候|什麼時候|何时|何時|哪一?年|哪天"
    r"|^\W*when\b|\bwhen\s(?:is|was|were|did|does|do|will|has|have)\b"
    r"|\b(?:what|which)\s(?:year|month|day|date)\b",
    re.IGNORECASE,
)
# 本章では、この報告書は, This chapter describes
_OF_ITSELF = re.compile(
    r"(?:本|この)(?:[章節編書]|報告書?|白書|文書|資料|論文|条例|計画|要綱|要領)(?:で|に[おつ]|は、)"
    r"|\b[Tt]his (?:chapter|section|report|document|paper|plan|guide|manual|act|article)\b"
)
_ITEM_NUMBER = re.compile(
    r"[（(]([0-9０-９]{1,3}|[一二三四五六七八九十]{1,3})[）)]"
)  # (1) 条例 30年
_CHAPTERS = ("部", "編", "章")


def extract(
    index: Index, question: str, hits: Sequence[Hit], *, maximum: int = MAX_STATEMENTS
) -> tuple[Extract, ...]:
    """Up to `maximum` units, in the order that reads best: by passage, best first, and within a
    passage as they stand there. Empty when the hits are, and when what answers tells of other years than the
    question's."""
    units = [
        unit
        for unit in _units(_worth_reading(question, hits))
        if unit.text != index.documents[unit.passage.document_id].source.metadata.title
    ]
    if not units:
        return ()
    units = [unit for unit in units if not asks_of_namesake(question, [unit.text])] or units
    named = find_named(question, index.titles)
    paragraph = _of_paragraph(units, named)
    units = _with_item(paragraph, named) or _explaining(index, question, units) or units
    if named.labels and named.alone:  # a figure is told from its beginning, its notes at the end
        return tuple(sorted(units, key=_place_in_figure)[:maximum])
    as_such = named.whole or (
        named.sections and named.alone and (paragraph or not _asked_paragraphs(named))
    )
    if as_such and hits[0].score >= NAMED_PART:
        # A document or section that is there, by its beginning; a document or chapter also by what it says of itself.
        documents = list(dict.fromkeys(unit.passage.document_id for unit in units))
        units.sort(key=lambda unit: (documents.index(unit.passage.document_id), _start(unit)))
        if named.whole or any(steps[-1].endswith(_CHAPTERS) for steps in named.sections):
            units.sort(key=lambda unit: _OF_ITSELF.search(unit.text) is None)
        return tuple(units[:maximum])
    scored = of_year(index, question, _scored(index, question, hits, units))
    if not scored:
        return ()
    chosen = _choose(scored, maximum)
    if _ASKS_WHEN.search(question):
        chosen = _with_date(chosen, units)[:maximum]
    first_seen: dict[int, int] = {}
    for unit in chosen:
        first_seen.setdefault(unit.hit, len(first_seen))
    return tuple(sorted(chosen, key=lambda unit: (first_seen[unit.hit], _start(unit))))


def _explaining(index: Index, question: str, units: Sequence[Extract]) -> list[Extract]:
    """DICASとは: the units that say what the acronym stands for; empty for another question."""
    acronyms = asked_acronyms(index, question)
    return [unit for unit in units if any(explains(unit.text, each) for each in acronyms)]


def _of_paragraph(units: Sequence[Extract], named: Named) -> list[Extract]:
    """第5条第3項: the units of that paragraph, from that which begins with its number to the next
    number; the first paragraph has none. Empty where no paragraph is named, or it is not there."""
    asked = _asked_paragraphs(named)
    if not asked:
        return []
    found: list[Extract] = []
    number, passage = "1", ""
    for unit in units:
        if unit.passage.section_id != passage:
            number, passage = "1", unit.passage.section_id
        if begins := _PARAGRAPH_NUMBER.match(unit.text):
            number = normalise(begins[1])
        if number in asked:
            found.append(unit)
    return found


def _with_item(paragraph: list[Extract], named: Named) -> list[Extract]:
    """第4条第2項第1号: what leads in and the item; all of the paragraph where no item is named, or it is not there."""
    asked = {step.removesuffix("号") for steps in named.sections for step in steps if "号" in step}
    items = [
        unit
        for unit in paragraph
        if (begins := _ITEM_NUMBER.match(unit.text)) and normalise(begins[1]) in asked
    ]
    return [*paragraph[:1], *items] if items else paragraph


def _asked_paragraphs(named: Named) -> set[str]:
    return {step.removesuffix("項") for steps in named.sections for step in steps if "項" in step}


def _worth_reading(question: str, hits: Sequence[Hit]) -> Sequence[Hit]:
    """The best hits; where the question names an element, that element's passages alone, and where
    it names an article, those that speak of it."""
    if hits and hits[0].score >= NAMED_ITSELF and hits[0].passage.kind is not PassageKind.TABLE:
        return [hit for hit in hits if hit.score >= NAMED_ITSELF]
    if hits and hits[0].score >= NAMED_PART:
        return [hit for hit in hits if hit.score >= NAMED_PART]
    articles = set(find_articles(question))
    speaking = [hit for hit in hits if articles & set(find_articles(hit.passage.text))]
    return (speaking or hits)[:_PASSAGES_READ]


def _units(hits: Sequence[Hit]) -> Iterator[Extract]:
    """Each stretch of the source once, though a table and its row both hold it."""
    seen: set[Span] = set()
    for place, hit in enumerate(hits):
        passage = hit.passage
        if passage.kind is PassageKind.TABLE:
            continue  # its rows are passages of their own
        for content in cut_units(passage):
            spans = content.spans()
            if not spans or spans[0] in seen or len(content) < _MIN_CHARACTERS:
                continue
            seen.add(spans[0])
            yield Extract(place, passage, content, 0.0)


def _scored(
    index: Index, question: str, hits: Sequence[Hit], units: Sequence[Extract]
) -> list[Extract]:
    """Best first."""
    subject = without_request(question)
    subject = without_town(
        subject, index.documents[hits[0].passage.document_id].source.metadata.title
    )
    terms = extract_terms(subject, find_atoms=index.aliases.find)
    texts = [unit_text(unit.passage, unit.content) for unit in units]
    language = detect_language(question)
    looked_up = index.looked_up(language)
    languages = [index.languages[index.rows[unit.passage.id]] for unit in units]
    translated = np.array([each == looked_up for each in languages])
    folded = fold_question(index, subject, language)
    lookup = index.look_up(folded, looked_up) if looked_up else None
    best = max(hit.score for hit in hits) or 1.0
    parts = np.zeros((len(units), len(_SHARES)))
    parts[:, 0] = [hits[unit.hit].score / best for unit in units]
    parts[:, 1] = [
        _coverage(index, terms, text, lookup if across else None)
        for text, across in zip(texts, translated, strict=True)
    ]
    parts[:, 2] = index.interaction_of_texts(subject, texts)
    if translated.any():
        model = index.pieces.model
        cosines = model.encode([unit.text for unit in units]) @ model.encode([folded])[0]
        parts[:, 3] = np.clip(cosines, 0, 1)
    scores = (parts * np.where(translated[:, None], _SHARES_TRANSLATED, _SHARES)).sum(axis=1)
    if _DEFINITION.search(question):
        opens = [
            _DEFINES.search(unit.text) is not None or _opens_explanation(index, terms, unit)
            for unit in units
        ]
        scores += _OPENING_BONUS * np.array(opens)
    order = np.argsort(-scores, kind="stable")
    return [
        Extract(units[place].hit, units[place].passage, units[place].content, float(scores[place]))
        for place in order
    ]


def _coverage(index: Index, asked: Terms, text: str, lookup: Lookup | None) -> float:
    """How much of the question's term weight a text holds, or holds in translation."""
    held = extract_terms(text, find_atoms=index.aliases.find)
    if lookup is None:
        return index.lexical.coverage(asked, held)
    return index.lexical.translated_coverage(lookup, held)


def _opens_explanation(index: Index, asked: Terms, unit: Extract) -> bool:
    """Whether the unit is the beginning of a box that explains what is asked for: a KEY WORD begins
    with the definition, which need not repeat the word."""
    passage = unit.passage
    if passage.box_id is None or unit.content.text != cut_units(passage)[0].text:
        return False
    boxes = index.documents[passage.document_id].boxes
    title = next(box.title for box in boxes if box.id == passage.box_id)
    subject = extract_terms(title, find_atoms=index.aliases.find)
    return index.lexical.coverage(subject, asked) >= _SUBJECT_SHARE


def _choose(scored: Sequence[Extract], maximum: int) -> list[Extract]:
    threshold = scored[0].score * FURTHER_SHARE
    return [unit for unit in scored[:maximum] if unit.score >= threshold]


def _with_date(chosen: list[Extract], units: Sequence[Extract]) -> list[Extract]:
    """With the sentence right before the best one, where that holds a date and none of the chosen does."""
    if any(find_figures(unit.text).dates for unit in chosen):
        return chosen
    best = chosen[0]
    before = [unit for unit in units if unit.hit == best.hit and _start(unit) < _start(best)]
    dated = [unit for unit in before[-1:] if find_figures(unit.text).dates]
    return [best, *dated, *chosen[1:]]


def _place_in_figure(unit: Extract) -> tuple[bool, int]:
    return unit.passage.kind is PassageKind.NOTE, _start(unit)


def _start(unit: Extract) -> int:
    return unit.spans[0].start
