"""Where each passage stands, and where the passages of each numbered element are.

Made once when an index is loaded, so that a search over many passages need not ask each of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_service.reading.numbering import UNITS, Label, find_place, heading_number
from qa_service.retrieval.language import primary_language
from qa_service.retrieval.terms import fold
from qa_service.types import Document, Filters, Passage, PassageKind, Reference, Section

Rows = tuple[int, ...]
Steps = tuple[str, ...]
_KINDS = tuple(PassageKind)
# Chapter 2 and 第2章 are one step
ENGLISH_UNITS = {"part": "部", "chapter": "章", "section": "節", "article": "条"}


@dataclass(frozen=True, slots=True)
class Elements:
    """`places[codes[row]]` is (document id, section id) of a row's passage, `languages` the different
    languages of the documents (ja, not ja-JP), `spoken[row]` the place of its own there, `kinds[row]`
    that of its kind in PassageKind.

    `figures` gives the rows of a figure's passages by its number (`3-2-1-1`) and id, `references`
    those of the 参照 lines that name an element by its canonical id, `notes` and `footnotes` by printed number,
    `sections` by steps (`("1節", "1", "3")`, a section's own and those below it), `titles` by a
    section's title (see `titled`). `units` are those that a document, by its id, numbers its parts with: 章, 節, 条.
    """

    codes: NDArray[np.int64]
    places: tuple[tuple[str, str], ...]
    languages: tuple[str, ...]
    spoken: NDArray[np.int16]
    kinds: NDArray[np.int8]
    figures: Mapping[str, Mapping[str, Rows]]
    references: Mapping[str, Rows]
    referenced: Mapping[str, tuple[Reference, ...]]
    notes: Mapping[str, Rows]
    footnotes: Mapping[str, Rows]
    sections: Mapping[tuple[str, ...], Rows]
    units: Mapping[str, frozenset[str]]
    titles: Mapping[str, Rows]

    @classmethod
    def of(cls, documents: Iterable[Document], passages: Sequence[Passage]) -> Elements:
        by_id = {document.id: document for document in documents}
        numbers: dict[tuple[str, str], int] = {}
        codes = [
            numbers.setdefault((passage.document_id, passage.section_id), len(numbers))
            for passage in passages
        ]
        language_of = {
            id: primary_language(document.source.metadata.language)
            for id, document in by_id.items()
        }
        languages = tuple(sorted(set(language_of.values())))
        steps = {id: _steps(document) for id, document in by_id.items()}
        return cls(
            codes=np.array(codes, dtype=np.int64),
            places=tuple(numbers),
            languages=languages,
            spoken=np.array(
                [languages.index(language_of[passage.document_id]) for passage in passages],
                dtype=np.int16,
            ),
            kinds=np.array([_KINDS.index(passage.kind) for passage in passages], dtype=np.int8),
            figures=_figure_rows(passages),
            references=_reference_rows(by_id, passages),
            referenced=_references(by_id.values()),
            notes=_note_rows(by_id, passages, PassageKind.NOTE),
            footnotes=_note_rows(by_id, passages, PassageKind.FOOTNOTE),
            sections=_section_rows(steps, passages),
            units={id: _units(some.values()) for id, some in steps.items()},
            titles=_title_rows(by_id.values(), passages),
        )

    def is_kind(
        self, *kinds: PassageKind, rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.bool_]:
        """True for passages of one of the kinds, (passages,) or one for each of `rows`."""
        asked = np.array([kind in kinds for kind in _KINDS])
        return asked[self.kinds if rows is None else self.kinds[rows]]

    def in_language(self, languages: Collection[str]) -> NDArray[np.bool_]:
        """(passages,) True for passages of documents in one of the languages."""
        asked = np.array([language in languages for language in self.languages], dtype=np.bool_)
        return asked[self.spoken] if len(asked) else np.zeros(0, dtype=np.bool_)

    def allowed(self, filters: Filters) -> NDArray[np.bool_]:
        """(passages,) True for the passages that pass all filters."""
        passing = np.array([_passes(place, filters) for place in self.places], dtype=np.bool_)
        allowed = passing[self.codes] if len(passing) else np.zeros(0, dtype=np.bool_)
        return allowed & self.is_kind(*filters.kinds) if filters.kinds else allowed

    def titled(self, title: str) -> Rows:
        """The rows of the sections of that title, however it is spelled."""
        return self.titles.get(fold(title), ())

    def holds(self, label: Label) -> bool:
        """Whether a document holds the element itself."""
        return any(label.names(id) for id in self.figures.get("-".join(label.parts), ()))

    def rows_of(self, label: Label) -> Rows:
        """The rows of the passages of a figure or table, in document order."""
        named = self.figures.get("-".join(label.parts), {})
        return tuple(row for id, rows in named.items() if label.names(id) for row in rows)


def _passes(place: tuple[str, str], filters: Filters) -> bool:
    document, section = place
    if filters.documents and document not in filters.documents:
        return False
    return filters.section is None or f"{section}/".startswith(f"{filters.section}/")


def _figure_rows(passages: Sequence[Passage]) -> Mapping[str, Mapping[str, Rows]]:
    found: dict[str, list[int]] = defaultdict(list)
    for row, passage in enumerate(passages):
        if passage.figure_id is not None:
            found[passage.figure_id.partition("~")[0]].append(row)  # a second one is …~2
    by_number: dict[str, dict[str, Rows]] = defaultdict(dict)
    for id, rows in found.items():
        by_number[_number(id)][id] = tuple(rows)
    return by_number


def _number(id: str) -> str:
    """figure-3-2-1-1 -> 3-2-1-1, annex-table-1 -> 1."""
    return id.removeprefix("annex-").partition("-")[2]


def _reference_rows(
    documents: Mapping[str, Document], passages: Sequence[Passage]
) -> Mapping[str, Rows]:
    found: dict[str, list[int]] = defaultdict(list)
    for row, passage in enumerate(passages):
        if passage.kind is PassageKind.REFERENCE:
            for reference in documents[passage.document_id].references:
                if any(s.start <= reference.span.start < s.end for s in passage.spans):
                    found[reference.canonical].append(row)
    return {canonical: tuple(rows) for canonical, rows in found.items()}


def _references(documents: Iterable[Document]) -> Mapping[str, tuple[Reference, ...]]:
    found: dict[str, list[Reference]] = defaultdict(list)
    for document in documents:
        for reference in document.references:
            found[reference.canonical].append(reference)
    return {canonical: tuple(references) for canonical, references in found.items()}


def _note_rows(
    documents: Mapping[str, Document], passages: Sequence[Passage], kind: PassageKind
) -> Mapping[str, Rows]:
    labels = {
        (document.id, note.id): note.label
        for document in documents.values()
        for note in document.notes
    }
    found: dict[str, list[int]] = defaultdict(list)
    for row, passage in enumerate(passages):
        if passage.kind is kind:
            for id in passage.note_ids:
                found[labels.get((passage.document_id, id), "")].append(row)
    return {label: tuple(rows) for label, rows in found.items()}


def _section_rows(
    documents: Mapping[str, Mapping[str, Steps]], passages: Sequence[Passage]
) -> Mapping[Steps, Rows]:
    """Each section's rows by every run of its steps that begins with a unit or a decimal; `documents` are
    their steps, by section id."""
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, passage in enumerate(passages):
        rows[passage.document_id, passage.section_id].append(row)
    found: dict[Steps, list[int]] = defaultdict(list)
    for document, steps in documents.items():
        for section, own in steps.items():
            runs = {
                own[first:last]
                for first in range(len(own))
                if not own[first].isdecimal()
                for last in range(first + 1, len(own) + 1)
            }
            for run in runs:
                found[run] += rows[document, section]
    return {run: tuple(sorted(members)) for run, members in found.items() if members}


def _units(steps: Iterable[Steps]) -> frozenset[str]:
    return frozenset(step[-1] for some in steps for step in some if step[-1] in UNITS)


def _title_rows(documents: Iterable[Document], passages: Sequence[Passage]) -> Mapping[str, Rows]:
    titles = {
        (document.id, section.id): fold(section.title)
        for document in documents
        for section in document.sections
    }
    found: dict[str, list[int]] = defaultdict(list)
    for row, passage in enumerate(passages):
        if title := titles[passage.document_id, passage.section_id]:
            found[title].append(row)
    return {title: tuple(rows) for title, rows in found.items()}


def _steps(document: Document) -> Mapping[str, Steps]:
    """By section id: part and chapter from the metadata, then the numbers from the top down."""
    metadata = document.source.metadata
    above = tuple(
        step
        for heading in (metadata.part, metadata.chapter)
        if heading is not None
        for step in find_place(heading.number)
    )
    steps: dict[str, Steps] = {}
    for section in document.sections:
        parent = steps.get(section.parent_id or "", above)
        steps[section.id] = parent if section.is_lead else _extended(parent, section)
    return steps


def _extended(parent: Steps, section: Section) -> Steps:
    named = find_place(section.own_number)
    if named:
        return (*parent, *named)
    number = heading_number(f"{section.own_number} ") if section.own_number else None
    if number is None:
        return parent
    if number.level == "decimal":
        return (".".join(map(str, number.values)),)  # 1.2.3 says all of its place
    printed = ".".join(map(str, number.values))
    return (*parent, f"{printed}{ENGLISH_UNITS.get(number.level, '')}")
