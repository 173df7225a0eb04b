"""A document as one reads it: sections, paragraphs, tables, boxes, notes, as pieces of text.

Every piece knows where in the source it begins, so that a page can mark any stretch of the source
exactly. What the cleaning took out is there too: readings as readings, marks hidden. Values only;
the page's templates write them down.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

from qa_service.reading.mentions import find_mentions
from qa_service.reading.quoting import Quoter
from qa_service.types import (
    Block,
    Box,
    Cell,
    Document,
    Figure,
    MappedText,
    Note,
    Passage,
    PassageKind,
    Reference,
    RepairKind,
    Section,
    Span,
)

_FENCE_CHARACTERS = 200  # longer is no line above a code
# The lines above and below a code: ```toml, ~~~
_FENCE_ABOVE = re.compile(r"(?P<fence>(?:`{3}|~{3})[^\r\n]*)(?:\r\n|[\r\n\f])\s*\Z")
_FENCE_BELOW = re.compile(r"\s*(?:\r\n|[\r\n\f])[ ]{0,3}(?P<fence>(?:`{3}|~{3})[`~]*)")
_KANJI_END = re.compile(r"[\u3400-\u9fff々〆]+$")  # 恫喝 of …による恫喝: what a reading stands over


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a passage begins; `places` are its spans as `488-555,559-596`."""

    id: str
    places: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text from one place. `start` is its offset in the source, None for text that
    stands nowhere there. `hidden` text was taken out by the cleaning."""

    text: str
    start: int | None
    hidden: bool = False
    reading: Piece | None = None  # printed small above this text
    lifted: RepairKind | None = None  # a reading or a name that ran into the sentence
    note: NoteMark | None = None
    link: str | None = None
    unresolved: bool = False  # names something that no document here holds
    anchors: tuple[Anchor, ...] = ()


@dataclass(frozen=True, slots=True)
class NoteMark:
    """A marker in the text: `target` is the note's element, `id` the marker's own."""

    label: str
    target: str
    id: str


@dataclass(frozen=True, slots=True)
class CellView:
    pieces: tuple[Piece, ...]
    column_span: int
    row_span: int


@dataclass(frozen=True, slots=True)
class NoteView:
    id: str
    label: str
    pieces: tuple[Piece, ...]
    backs: tuple[str, ...]  # elements of the markers that point here


@dataclass(frozen=True, slots=True)
class Element:
    """`kind` is `paragraph`, `preformatted`, `references`, `figure`, `box` or `footnote`; what it
    has not is empty."""

    kind: str
    id: str = ""
    pieces: tuple[Piece, ...] = ()
    figure_kind: str = ""
    label: str = ""
    header: tuple[tuple[CellView, ...], ...] = ()
    rows: tuple[tuple[CellView, ...], ...] = ()
    notes: tuple[NoteView, ...] = ()
    elements: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class SectionView:
    id: str
    number: str
    own_number: str
    title: str
    level: int  # of its heading, 2 to 6
    pieces: tuple[Piece, ...]  # the heading; empty for the lead
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class DocumentView:
    sections: tuple[SectionView, ...]
    unplaced: tuple[Anchor, ...]  # passages whose beginning is not shown


def view_document(document: Document, passages: Sequence[Passage]) -> DocumentView:
    """All of the document in reading order; `passages` are its own, whose places get anchors."""
    return _Viewer(document, passages).view()


def section_anchor(section_id: str) -> str:
    """1/1/3 -> section-1-1-3."""
    return f"section-{section_id.replace('/', '-')}"


@dataclass(slots=True)
class _Viewer:
    document: Document
    passages: Sequence[Passage]
    quoter: Quoter = field(init=False)
    cutter: _Cutter = field(init=False)
    notes: dict[str, Note] = field(init=False)
    figures: dict[str, Figure] = field(init=False)
    boxes: dict[str, Box] = field(init=False)
    opened: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.quoter = Quoter(self.document)
        self.cutter = _Cutter(self.document, self.passages)
        self.notes = {note.id: note for note in self.document.notes}
        self.figures = {figure.id: figure for figure in self.document.figures}
        self.boxes = {box.id: box for box in self.document.boxes}

    def view(self) -> DocumentView:
        of_section: dict[str, list[Block]] = defaultdict(list)
        for block in self.document.blocks:
            of_section[block.section_id].append(block)
        sections = tuple(
            self._section(section, of_section[section.id]) for section in self.document.sections
        )
        return DocumentView(sections, self.cutter.unplaced())

    def _section(self, section: Section, blocks: list[Block]) -> SectionView:
        elements: list[Element] = []
        for box_id, run in groupby(blocks, key=lambda block: block.box_id):
            inside = tuple(self._elements(list(run)))
            box = self.boxes.get(box_id or "")
            # A footnote of a box may stand in the section of its marker, and a box go on later.
            if box is None or box.section_id != section.id or box.id in self.opened:
                elements += inside
            else:
                self.opened.add(box.id)
                elements.append(self._box(box, inside))
        return SectionView(
            id=section_anchor(section.id),
            number=section.number,
            own_number=section.own_number,
            title=section.title,
            level=min(section.depth + 1, 6),
            pieces=tuple(self._heading(section.heading)),
            elements=tuple(elements),
        )

    def _box(self, box: Box, inside: tuple[Element, ...]) -> Element:
        heading = tuple(self._heading(box.heading))
        return Element("box", box.id, heading, label=box.kind, elements=inside)

    def _elements(self, blocks: list[Block]) -> Iterator[Element]:
        for figure_id, run in groupby(blocks, key=lambda block: block.figure_id):
            members = list(run)
            if figure_id is not None:
                yield self._figure(self.figures[figure_id], members)
            else:
                yield from map(self._plain, members)

    def _plain(self, block: Block) -> Element:
        if block.kind in (PassageKind.FOOTNOTE, PassageKind.NOTE):
            return Element("footnote", notes=(self._note(block),))
        if block.preformatted:
            return Element("preformatted", pieces=tuple(self._code(block.content)))
        kind = "references" if block.kind is PassageKind.REFERENCE else "paragraph"
        return Element(kind, pieces=tuple(self._pieces(block.content)))

    def _figure(self, figure: Figure, blocks: list[Block]) -> Element:
        caption: list[Piece] = []
        notes: list[NoteView] = []
        others: list[Element] = []
        has_table = False
        for block in blocks:
            if block.kind is PassageKind.CAPTION:
                caption += self._pieces(block.content)
            elif block.kind is PassageKind.NOTE:
                notes.append(self._note(block))
            elif block.kind is PassageKind.TABLE and figure.table is not None:
                has_table = True
            else:
                others.append(self._plain(block))
        table = figure.table if has_table else None
        return Element(
            "figure",
            figure.id,
            tuple(caption),
            figure_kind=figure.kind,
            label=figure.label,
            header=() if table is None else tuple(map(self._row, table.header)),
            rows=() if table is None else tuple(map(self._row, table.rows)),
            notes=tuple(notes),
            elements=tuple(others),
        )

    def _row(self, cells: Sequence[Cell]) -> tuple[CellView, ...]:
        return tuple(
            CellView(tuple(self._pieces(cell.content)), cell.column_span, cell.row_span)
            for cell in cells
        )

    def _note(self, block: Block) -> NoteView:
        pieces = tuple(self._pieces(block.content))
        note = self.notes.get(block.note_ids[0]) if block.note_ids else None
        if note is None:
            return NoteView("", "", pieces, ())
        backs = tuple(_marker_id(note, place) for place in range(len(note.anchors)))
        return NoteView(note.id, note.label, pieces, backs)

    def _heading(self, spans: Sequence[Span]) -> Iterator[Piece]:
        for place, span in enumerate(spans):
            if place:
                yield Piece(" ", None)
            for part, shown in self.quoter.shown(span):
                yield from self.cutter.cut(part.start, part.end, hidden=not shown)

    def _pieces(self, content: MappedText) -> Iterator[Piece]:
        return _over_their_words(self._stretches(content))

    def _code(self, content: MappedText) -> Iterator[Piece]:
        """With its fences, hidden: a quote of a code and the paragraph before it has them too."""
        spans = content.spans()
        first, last = (spans[0].start, spans[-1].end) if spans else (0, 0)
        source = self.document.source.text
        opening = _FENCE_ABOVE.search(source, max(first - _FENCE_CHARACTERS, 0), first)
        closing = _FENCE_BELOW.match(source, last)
        if opening:
            yield from self.cutter.cut(*opening.span("fence"), hidden=True)
        yield from self._pieces(content)
        if closing:
            yield from self.cutter.cut(*closing.span("fence"), hidden=True)

    def _stretches(self, content: MappedText) -> Iterator[Piece]:
        """The words of a text and what was dropped between them, in the order of the source."""
        quoted = iter(self.quoter.spans(content))
        at = end = 0
        for run in content.runs:
            if run.offset is None:
                yield Piece(content.text[run.position : run.position + run.length], None)
                continue
            if not at <= run.offset < end:
                yield from self.cutter.cut(at, end, hidden=True)
                inside = (span for span in quoted if span.start <= run.offset < span.end)
                span = next(inside, Span(run.offset, run.offset + run.length))
                at, end = span.start, span.end
            yield from self.cutter.cut(at, run.offset, hidden=True)
            at = run.offset + run.length
            yield from self.cutter.cut(run.offset, at)
        yield from self.cutter.cut(at, end, hidden=True)


class _Cutter:
    """Cuts stretches of the source where something begins or ends: a passage, a note's marker, a
    reference, a reading."""

    def __init__(self, document: Document, passages: Sequence[Passage]) -> None:
        self._source = document.source.text
        self._hidden = bytearray(len(self._source))
        self._anchors: dict[int, list[Anchor]] = defaultdict(list)
        for passage in passages:
            if passage.spans:
                places = ",".join(f"{span.start}-{span.end}" for span in passage.spans)
                self._anchors[passage.spans[0].start].append(Anchor(passage.id, places))
        self._lifted = {
            span.start: (span, repair.kind)
            for repair in document.repairs
            for span in repair.spans
            if repair.kind in (RepairKind.READING_LIFTED, RepairKind.NAME_LIFTED)
        }
        self._marks = {
            span.start: (span, NoteMark(note.label, note.id, _marker_id(note, place)))
            for note in document.notes
            for place, span in enumerate(note.anchors)
        }
        references = (*find_mentions(document), *document.references)
        self._references = {reference.span.start: reference for reference in references}
        edges = set(self._anchors)
        for span in (
            *(span for span, _ in self._lifted.values()),
            *(span for span, _ in self._marks.values()),
            *(reference.span for reference in self._references.values()),
        ):
            edges |= {span.start, span.end}
        self._edges = sorted(edges)

    def cut(self, start: int, end: int, *, hidden: bool = False) -> Iterator[Piece]:
        """The source from `start` to `end`; nothing when it is empty."""
        while hidden and start < end and self._hidden[start]:
            start += 1  # a mark between two cells is shown with the first
        if start >= end:
            return
        if hidden:
            self._hidden[start:end] = b"\1" * (end - start)
        inner = self._edges[bisect_right(self._edges, start) : bisect_left(self._edges, end)]
        for first, last in pairwise([start, *inner, end]):
            yield self._piece(first, last, hidden)

    def unplaced(self) -> tuple[Anchor, ...]:
        return tuple(anchor for anchors in self._anchors.values() for anchor in anchors)

    def _piece(self, start: int, end: int, hidden: bool) -> Piece:
        piece = Piece(
            self._source[start:end],
            start,
            hidden=hidden,
            anchors=tuple(self._anchors.pop(start, ())),
        )
        if start in self._marks and self._marks[start][0].end >= end:
            return replace(piece, note=self._marks[start][1])
        if hidden and start in self._lifted:
            return replace(piece, hidden=False, lifted=self._lifted[start][1])
        return self._linked(piece, end)

    def _linked(self, piece: Piece, end: int) -> Piece:
        reference = self._reference_at(piece.start or 0, end)
        if reference is None or piece.hidden:
            return piece
        if reference.target_id is None:
            return replace(piece, unresolved=True)
        return replace(piece, link=_reference_link(reference))

    def _reference_at(self, start: int, end: int) -> Reference | None:
        reference = self._references.get(start)
        return reference if reference is not None and reference.span.end >= end else None


def _over_their_words(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Readings over the kanji that they stand behind: 恫喝 with どうかつ above."""
    before: Piece | None = None
    for piece in pieces:
        base = _KANJI_END.search(before.text) if before is not None and not before.hidden else None
        if piece.lifted is not RepairKind.READING_LIFTED or before is None or base is None:
            if before is not None:
                yield before
            before = piece
            continue
        if base.start():
            yield replace(before, text=before.text[: base.start()])
            start = None if before.start is None else before.start + base.start()
            before = replace(before, text=base.group(), start=start, anchors=())
        yield replace(before, reading=piece)
        before = None
    if before is not None:
        yield before


def _marker_id(note: Note, place: int) -> str:
    return f"mark-{note.id}-{place + 1}"


def _reference_link(reference: Reference) -> str:
    target = reference.target_id or ""
    anchor = section_anchor(target) if reference.target_kind == "section" else target
    return f"/documents/{reference.target_document_id}#{anchor}"
