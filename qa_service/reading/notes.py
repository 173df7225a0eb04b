"""Notes: the items of a (注) block, and each note bound to the marks that point to it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from qa_service.reading import mapped_text
from qa_service.reading.classes import NOTE_OPENING, SOURCE_LINE
from qa_service.reading.drafts import Draft
from qa_service.reading.numbering import normalise
from qa_service.reading.tables import note_markers
from qa_service.types import Cell, Figure, Note, PassageKind, Span

# " 2 両国次官…" on a line of its own: the number that opens the next item of a note.
_ITEM = re.compile(r"[\r\n\f][ \t　]*(?:[(（]注\s?)?(?P<label>[0-9０-９]{1,2})[)）]?[ \t　.．:：]+")


@dataclass(frozen=True, slots=True)
class NoteItem:
    """One note of a block: its number (empty where it has none), its mark and its text's place."""

    label: str
    mark: Span
    text: Span


def note_items(text: str) -> list[NoteItem]:
    """The notes of a block that opens with (注), or the one of a source line.

    A line opens the next item only with the next number: `2` behind `1`.
    """
    opening = NOTE_OPENING.match(text)
    source = None if opening else SOURCE_LINE.match(text)
    if opening is None:
        label, end = (source["word"], source.end()) if source else ("", 0)
        return [NoteItem(label, Span(0, end), Span(end, len(text)))]
    label = opening["own"] or opening["first"] or opening["mark"] or ""
    label = plain_label(label or opening["bare"] or opening["spaced"] or opening["english"] or "")
    marks = [(label, opening.span())]
    for match in _ITEM.finditer(text, max(opening.end() - 1, 0)):
        number = plain_label(match["label"])
        if label.isdecimal() and number == str(int(label) + 1):
            marks.append((number, match.span()))
            label = number
    ends = [start for _, (start, _) in marks[1:]] + [len(text)]
    return [
        NoteItem(label, Span(*mark), Span(mark[1], max(mark[1], end)))
        for (label, mark), end in zip(marks, ends, strict=True)
    ]


def plain_label(printed: str) -> str:
    """１ and 1 are one number; other marks (*, †) stay as they are."""
    return normalise(printed) if printed.isdecimal() else printed


@dataclass(slots=True)
class Binding:
    """Notes, figures and drafts with their connections found."""

    notes: list[Note]
    figures: list[Figure]


def bind_notes(
    notes: Sequence[Note],
    figures: Sequence[Figure],
    drafts: Iterable[Draft],
) -> Binding:
    """Marks in paragraphs to footnotes, (注1) in cells to the notes below the table.

    A footnote's draft moves to the section of the first mark that points to it.
    """
    anchors: defaultdict[str, list[Span]] = defaultdict(list)
    owners: dict[str, str] = {}
    drafts = list(drafts)
    footnotes = _Footnotes(notes)
    for draft in drafts:
        for label, span in draft.markers:
            note = footnotes.meant_by(plain_label(label), span)
            itself = draft.kind is PassageKind.FOOTNOTE and note is not None
            if note is None or (itself and note.id in draft.note_ids[:1]):
                continue
            anchors[note.id].append(span)
            owners.setdefault(note.id, draft.section_id)
            draft.note_ids = tuple(dict.fromkeys((*draft.note_ids, note.id)))
    by_figure: defaultdict[str | None, dict[str, str]] = defaultdict(dict)
    for note in notes:
        by_figure[note.figure_id].setdefault(note.label, note.id)
    ids_by_figure: defaultdict[str | None, list[str]] = defaultdict(list)
    for note in notes:
        ids_by_figure[note.figure_id].append(note.id)
    bound_figures = [
        replace(
            _bound_figure(figure, by_figure[figure.id], anchors),
            note_ids=tuple(ids_by_figure[figure.id]),
        )
        for figure in figures
    ]
    for draft in drafts:
        if draft.kind is PassageKind.FOOTNOTE:
            draft.section_id = owners.get(draft.note_ids[0], draft.section_id)
    bound_notes = [
        replace(
            note,
            anchors=tuple(anchors.get(note.id, ())),
            section_id=owners.get(note.id, note.section_id),
        )
        for note in notes
    ]
    return Binding(bound_notes, bound_figures)


class _Footnotes:
    """Footnotes by label. Numbers may begin again in each chapter: the next one is meant."""

    def __init__(self, notes: Sequence[Note]) -> None:
        self._notes: defaultdict[str, list[Note]] = defaultdict(list)
        for note in notes:
            if note.kind is PassageKind.FOOTNOTE:
                self._notes[note.label].append(note)

    def meant_by(self, label: str, mark: Span) -> Note | None:
        candidates = self._notes.get(label)
        if not candidates:
            return None
        following = bisect_left(candidates, mark.start, key=_place)
        return candidates[min(following, len(candidates) - 1)]


def _place(note: Note) -> int:
    spans = note.text.spans()
    return spans[0].start if spans else 0


def _bound_figure(
    figure: Figure, own: dict[str, str], anchors: defaultdict[str, list[Span]]
) -> Figure:
    table = figure.table
    if table is None or not own:
        return figure
    header = tuple(tuple(_bound(cell, own, anchors) for cell in row) for row in table.header)
    rows = tuple(tuple(_bound(cell, own, anchors) for cell in row) for row in table.rows)
    return replace(figure, table=replace(table, header=header, rows=rows))


def _bound(cell: Cell, own: dict[str, str], anchors: defaultdict[str, list[Span]]) -> Cell:
    ids: list[str] = []
    for label, start, end in note_markers(cell.content.text):
        id = own.get(plain_label(label))
        if id is not None:
            ids.append(id)
            anchors[id].extend(mapped_text.cut(cell.content, start, end).spans())
    return replace(cell, note_ids=tuple(dict.fromkeys(ids))) if ids else cell
