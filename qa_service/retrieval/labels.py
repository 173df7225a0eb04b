"""Look-ups: a question that names an element of the documents gets that element first.

図表Ⅲ-2-1-1, "Figure III-2-1-1", 資料23, 第1節3, (注)2, 脚注1. A number counts only when a document holds
(or names) an element of that number: 日米安保条約第6条 names no section of this chapter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from qa_service.reading.numbering import Label, find_labels, normalise
from qa_service.retrieval.index import Index
from qa_service.retrieval.terms import extract_terms
from qa_service.types import Passage, PassageKind, Reference

_CERTAIN = 0.9  # a named element's score is above this
NAMED_PART = _CERTAIN + (1 - _CERTAIN) * 1 / 3  # the lowest score of a part of a named element
NAMED_ITSELF = _CERTAIN + (1 - _CERTAIN) * 2 / 3  # and of the very thing that is named
# 注2, (注)2, 注記2, note 2: a note below a table; 脚注1, footnote 1: one of the text.
_NOTE = re.compile(
    r"(?P<foot>脚注|footnote)\s?(?P<first>[0-9０-９]+)|(?:注記?|\bnote)\s?[)）]?\s?(?P<second>[0-9０-９]+)",
    re.IGNORECASE,
)
# 第1節3, 第1節1-3, 第3章第2節, Section 1-3: the printed number of a section.
_SECTION = re.compile(
    r"(?P<printed>(?:第\s?[0-9０-９一二三四五六七八九十Ⅰ-Ⅻ]+\s?[部編章節款条項])+"
    r"(?:\s?の?\s?[0-9０-９]+(?:[-－−‐―][0-9０-９]+)*)?(?:[(（][0-9０-９]+[)）])?)"
    r"|\b(?:section|chapter|article)\s+(?P<english>[0-9]+(?:[-.][0-9]+)*)",
    re.IGNORECASE,
)
_OF_A_TREATY = re.compile(
    r"(?:条約|協定|憲法|法律?|憲章|議定書|規則|[A-Za-z]{3,}の)\s?$"
)  # 日米安保条約第6条


@dataclass(frozen=True, slots=True)
class Named:
    """What a question names, canonical: label ids, a note's number, section numbers."""

    labels: tuple[Label, ...]
    note: str
    footnote: str
    sections: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.labels or self.footnote or self.sections)


def find_named(question: str) -> Named:
    """The elements that a question names, whether they exist or not."""
    note = footnote = ""
    for match in _NOTE.finditer(question):
        if match["foot"]:
            footnote = footnote or normalise(match["first"])
        else:
            note = note or normalise(match["second"])
    sections = []
    for match in _SECTION.finditer(question):
        if not _OF_A_TREATY.search(question[: match.start()]):
            sections.append(_canonical_section(match["printed"] or match["english"]))
    return Named(find_labels(question), note, footnote, tuple(sections))


def raise_named(
    index: Index, question: str, rows: NDArray[np.int64], scores: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The scores with those of named elements' passages lifted to 0.9 and above.

    Among them the question's own words decide; the whole element comes first when the question
    asks for nothing but the element.
    """
    named = find_named(question)
    if not named:
        return scores
    only_named = _asks_for_element_alone(question, named)
    raised = scores.copy()
    for place, row in enumerate(rows):
        passage = index.passages[row]
        strength = _strength(index, passage, named, only_named=only_named)
        if strength:
            raised[place] = _CERTAIN + (1 - _CERTAIN) * (strength + scores[place]) / 3
    return raised


class Place(StrEnum):
    """Where the documents hold the element of a label: as their own, only in a reference to
    another document, or nowhere."""

    HERE = "here"
    REFERENCED = "referenced"
    NOWHERE = "nowhere"


def find_place(index: Index, question: str, label: Label) -> Place:
    """Where the element is. A question that asks for no more than what a reference itself says
    (資料24は何か) is answered by the reference: HERE."""
    referenced: list[Reference] = []
    for document in index.documents.values():
        if any(label.names(figure.id.partition("~")[0]) for figure in document.figures):
            return Place.HERE
        referenced += [each for each in document.references if each.canonical == label.id]
    if not referenced:
        return Place.NOWHERE
    rest = set(extract_terms(question.replace(label.text, " ")).morphemes)
    told = {term for each in referenced for term in extract_terms(each.title).morphemes}
    return Place.REFERENCED if rest - told else Place.HERE


def _strength(index: Index, passage: Passage, named: Named, *, only_named: bool) -> int:
    """0 for a passage of no named element, 2 for the very thing that is named, else 1."""
    document = index.documents[passage.document_id]
    notes = {note.id: note for note in document.notes}
    labels = {notes[id].label for id in passage.note_ids if id in notes}
    if named.footnote and passage.kind is PassageKind.FOOTNOTE and named.footnote in labels:
        return 2
    for label in named.labels:
        if passage.figure_id is not None and label.names(passage.figure_id.partition("~")[0]):
            if named.note:
                return 2 if passage.kind is PassageKind.NOTE and named.note in labels else 1
            whole = passage.kind is PassageKind.TABLE or (
                passage.kind is PassageKind.CAPTION and not _has_table(index, passage)
            )
            return 2 if whole and only_named else 1
        if passage.kind is PassageKind.REFERENCE and any(
            reference.canonical == label.id and reference.label in passage.text
            for reference in document.references
        ):
            return 2 if label.kind == "appendix" else 0
    if named.sections:
        section = next(s for s in document.sections if s.id == passage.section_id)
        printed = _canonical_section(section.number)
        if any(printed == wanted or printed.startswith(f"{wanted}-") for wanted in named.sections):
            return 1
    return 0


def _has_table(index: Index, passage: Passage) -> bool:
    figures = index.documents[passage.document_id].figures
    return any(figure.id == passage.figure_id and figure.table for figure in figures)


def _asks_for_element_alone(question: str, named: Named) -> bool:
    """図表Ⅲ-2-1-1, 図表Ⅲ-2-1-1は何か: nothing but the label and function words."""
    rest = question
    for label in named.labels:
        rest = rest.replace(label.text, " ")
    return not extract_terms(rest).morphemes


def _canonical_section(printed: str) -> str:
    """第１節１−３ -> 1-3 below 1: `1-1-3`; 第三章第二節 -> `3-2`."""
    parts = re.findall(r"[0-9０-９]+|[一二三四五六七八九十]+|[Ⅰ-Ⅻ]", printed)
    return "-".join(normalise(part) for part in parts)
