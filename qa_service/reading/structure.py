"""Raw blocks to a Document: sections by their numbers, typed blocks, figures, boxes, notes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from qa_service.reading import mapped_text
from qa_service.reading.classes import (
    BlockClass,
    box_heading,
    classify,
    ends_sentence,
    is_running_text,
)
from qa_service.reading.hierarchy import Hierarchy
from qa_service.reading.markdown import RawBlock, RawKind, read_blocks
from qa_service.reading.names import find_aliases
from qa_service.reading.numbering import Label, label_at_start
from qa_service.reading.references import find_references, resolve_references
from qa_service.reading.repair import Repaired, is_japanese, repair_text
from qa_service.reading.tables import note_markers, read_table
from qa_service.types import (
    Alias,
    Block,
    Box,
    Cell,
    Document,
    Figure,
    FigureKind,
    MappedText,
    Note,
    PassageKind,
    Reference,
    Repair,
    RepairKind,
    Source,
    Span,
    Table,
)

# (注) 1 1990年… / 2 両国… / (注1) …: the numbers that open the items of a note.
_NOTE_OPENING = re.compile(
    r"[(（]注\s?(?P<own>[0-9０-９]*)[)）]\s*(?P<first>[0-9０-９]{1,2}(?=[\s　]))?|※(?P<mark>[0-9０-９]*)|注(?P<bare>[0-9０-９]+)[:：\s]|(?P<source>資料|出典|備考|Source|Note)s?\s?[:：]"
)
_NOTE_ITEM = re.compile(
    r"(?:^|(?<=\n))[ \t　]*(?:[(（]注\s?)?(?P<label>[0-9０-９]{1,2})[)）]?[ \t　.．]+"
)

_FIGURE_KINDS = {
    "photo": FigureKind.PHOTO,
    "table": FigureKind.TABLE,
    "annex-table": FigureKind.TABLE,
}


def read_document(source: Source) -> Document:
    """Everything found in a source; never raises, whatever the text.

    References are resolved inside the document; `references.resolve_references` does it across a
    corpus.
    """
    builder = _Builder(source)
    if source.format == "jsonl":
        builder.add_collection_text()
    else:
        for raw in read_blocks(source.text, plain=source.format == "txt"):
            builder.add(raw)
    return resolve_references([builder.finish()])[0]


@dataclass(slots=True)
class _Draft:
    """A block while it may still grow, by the rest of a paragraph that a page break cut."""

    kind: PassageKind
    content: MappedText
    section_id: str
    figure_id: str | None = None
    box_id: str | None = None
    markers: list[tuple[str, Span]] = field(default_factory=list)
    note_ids: tuple[str, ...] = ()


class _Builder:
    """Takes raw blocks in order and keeps what is open: section, box, figure, cut paragraph."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.hierarchy = Hierarchy(source)
        self.drafts: list[_Draft] = []
        self.figures: list[Figure] = []
        self.boxes: list[Box] = []
        self.notes: list[Note] = []
        self.references: list[Reference] = []
        self.aliases: list[Alias] = []
        self.repairs: list[Repair] = []
        self.open_box: Box | None = None
        self.box_wants_title = False
        self.open_figure: str | None = None  # notes belong to it
        self.captioned = False  # the last figure is a caption whose table may follow
        self.unfinished: _Draft | None = None

    def add_collection_text(self) -> None:
        """A record of a collection: plain paragraphs, nothing else is read into it."""
        text = self.source.text
        self._draft(PassageKind.PARAGRAPH, self._repaired(0, len(text), keep_lines=True))

    def add(self, raw: RawBlock) -> None:
        if raw.kind is RawKind.HEADING:
            self._add_heading(raw)
        elif raw.kind is RawKind.TABLE:
            self._add_table(raw)
        elif raw.kind is RawKind.FOOTNOTE:
            self._add_footnote(raw)
        elif raw.kind is RawKind.MARKUP:
            self.repairs.append(Repair(RepairKind.MARKUP_DROPPED, (raw.span,)))
        else:
            self._add_text(raw)

    def finish(self) -> Document:
        self._bind_notes()
        blocks = tuple(
            Block(d.kind, d.content, d.section_id, d.figure_id, d.box_id, d.note_ids)
            for d in self.drafts
            if d.content.text
        )
        self.aliases += find_aliases(blocks, self.boxes)
        return Document(
            source=self.source,
            sections=self.hierarchy.sections(),
            blocks=blocks,
            figures=tuple(self.figures),
            boxes=tuple(self.boxes),
            notes=tuple(self.notes),
            references=tuple(self.references),
            aliases=tuple(dict.fromkeys(self.aliases)),
            repairs=tuple(self.repairs),
        )

    # --- headings ---------------------------------------------------------------------------------

    def _add_heading(self, raw: RawBlock) -> None:
        title = self._repaired(raw.content.start, raw.content.end, keep_lines=True).text
        marks = (
            Span(raw.span.start, raw.content.start) if raw.content.start > raw.span.start else None
        )
        if marks:
            self.repairs.append(Repair(RepairKind.MARKUP_DROPPED, (marks,)))
        self.unfinished = self.open_figure = None
        self.captioned = False
        if self._opens_box(title, raw) or self._titles_box(title, raw):
            return
        if not title.text:
            return
        if not self.hierarchy.is_numbered(title.text) and self.open_box is not None:
            self._extend_box(raw)
            return
        self.open_box = None
        self.hierarchy.open(title, depth=raw.depth, span=raw.span)

    def _opens_box(self, title: MappedText, raw: RawBlock) -> bool:
        found = box_heading(title.text)
        if found is None:
            return False
        kind, rest = found
        self.open_box = Box(
            f"box-{len(self.boxes) + 1}", kind, rest, self.hierarchy.current_id, (raw.span,)
        )
        self.boxes.append(self.open_box)
        self.box_wants_title = not rest
        return True

    def _titles_box(self, title: MappedText, raw: RawBlock) -> bool:
        """The heading right behind a box's kind is its title, numbered or not."""
        if self.open_box is None or not self.box_wants_title:
            return False
        self.box_wants_title = False
        self._replace_box(
            replace(self.open_box, title=title.text, heading=(*self.open_box.heading, raw.span))
        )
        return True

    def _extend_box(self, raw: RawBlock) -> None:
        assert self.open_box is not None
        self._replace_box(replace(self.open_box, heading=(*self.open_box.heading, raw.span)))

    def _replace_box(self, box: Box) -> None:
        self.open_box = self.boxes[-1] = box

    # --- tables -----------------------------------------------------------------------------------

    def _add_table(self, raw: RawBlock) -> None:
        self.unfinished = None
        self.box_wants_title = False
        table = read_table(self.source.text, raw.span)
        if self.captioned:
            figure = replace(self.figures[-1], kind=FigureKind.TABLE, table=table)
        else:
            figure = self._unlabelled(FigureKind.TABLE, "", table)
        self.figures[-1] = replace(figure, spans=(*figure.spans, raw.span))
        self.captioned = False
        self.open_figure = figure.id
        content = mapped_text.from_source(self.source.text, raw.span.start, raw.span.end)
        self._draft(PassageKind.TABLE, mapped_text.strip(content), figure_id=figure.id)

    def _figure(
        self, label: Label, kind: FigureKind, caption: MappedText, table: Table | None
    ) -> Figure:
        text = caption.text
        title = text[label.end :].strip(" 　\t:：.．]】〕>＞") if text else ""
        ids = {figure.id for figure in self.figures}
        id, again = label.id, 2
        while id in ids:
            id, again = f"{label.id}~{again}", again + 1
        printed = text[label.start : label.end].strip() or label.text
        figure = Figure(id, printed, kind, title, self.hierarchy.current_id, caption.spans(), table)
        self.figures.append(figure)
        return figure

    def _unlabelled(self, kind: FigureKind, caption: str, table: Table | None = None) -> Figure:
        number = sum(figure.id.startswith(f"{kind}-u") for figure in self.figures) + 1
        figure = Figure(
            f"{kind}-u{number}", "", kind, caption, self.hierarchy.current_id, (), table
        )
        self.figures.append(figure)
        return figure

    # --- text -------------------------------------------------------------------------------------

    def _add_text(self, raw: RawBlock) -> None:
        text = raw.content.cut(self.source.text)
        self.box_wants_title = False
        kind = classify(text, gap=raw.gap, after_figure=self.open_figure is not None)
        if kind is BlockClass.NOTE:
            self._add_notes(raw)
            return
        if kind is BlockClass.REFERENCE:
            self._add_reference(raw)
            return
        if kind is BlockClass.LABELLED_CAPTION:
            self._add_caption(raw)
            return
        if kind is BlockClass.CAPTION:
            draft = self._draft(
                PassageKind.CAPTION,
                self._repaired(raw.content.start, raw.content.end, keep_lines=True),
            )
            figure = self._unlabelled(FigureKind.PHOTO, draft.content.text)
            self.figures[-1] = replace(figure, spans=draft.content.spans())
            draft.figure_id = figure.id
            return
        self._add_paragraph(raw)

    def _add_caption(self, raw: RawBlock) -> None:
        """A figure, whose picture is not in the file; a table that follows is its table."""
        draft = self._draft(
            PassageKind.CAPTION, self._repaired(raw.content.start, raw.content.end, keep_lines=True)
        )
        label = label_at_start(draft.content.text)
        assert label is not None  # classify has seen it
        kind = _FIGURE_KINDS.get(label.kind, FigureKind.FIGURE)
        draft.figure_id = self.open_figure = self._figure(label, kind, draft.content, None).id
        self.captioned = True
        self.unfinished = None

    def _add_paragraph(self, raw: RawBlock) -> None:
        repaired = self._repaired(raw.content.start, raw.content.end)
        text = repaired.text
        self.captioned = False
        self.open_figure = None
        if self.unfinished is not None and is_running_text(text.text, continues=True):
            self._continue(self.unfinished, repaired)
            draft = self.unfinished
        else:
            draft = self._draft(PassageKind.PARAGRAPH, repaired)
        goes_on = not ends_sentence(draft.content.text) and is_running_text(draft.content.text)
        self.unfinished = draft if goes_on else None

    def _continue(self, draft: _Draft, rest: Repaired) -> None:
        before, after = draft.content, rest.text
        self.repairs.append(Repair(RepairKind.JOINED, (*before.spans()[-1:], *after.spans()[:1])))
        close = is_japanese(before.text[-1]) or is_japanese(after.text[0])
        between = [] if close else [mapped_text.inserted(" ")]
        draft.markers += rest.markers
        joined = mapped_text.concatenate([before, *between, after])
        again = repair_text(joined)  # a displaced name may only show in the joined sentence
        draft.content = again.text
        self.repairs += again.repairs
        self.aliases += again.aliases

    def _add_reference(self, raw: RawBlock) -> None:
        draft = self._draft(
            PassageKind.REFERENCE, self._repaired(raw.content.start, raw.content.end)
        )
        self.references += find_references(draft.content, self.hierarchy.current_id)

    # --- notes ------------------------------------------------------------------------------------

    def _add_notes(self, raw: RawBlock) -> None:
        text = raw.content.cut(self.source.text)
        opening = _NOTE_OPENING.match(text)
        base = raw.content.start
        label = ""
        if opening:
            label = opening["own"] or opening["first"] or opening["mark"] or opening["bare"] or ""
        starts = [(opening.end() if opening else 0, label)]
        if opening and not opening["source"]:
            starts += [
                (match.end(), match["label"]) for match in _NOTE_ITEM.finditer(text, opening.end())
            ]
        for place, (start, own) in enumerate(starts):
            end = starts[place + 1][0] if place + 1 < len(starts) else len(text)
            if place + 1 < len(starts):
                item = next(m for m in _NOTE_ITEM.finditer(text, start) if m.end() == end)
                end = item.start()
            self._add_note(base + start, base + end, _plain_digits(own))
        opened = Span(base, base + starts[0][0])
        self.repairs.append(Repair(RepairKind.MARKUP_DROPPED, (opened,)))
        for match in _NOTE_ITEM.finditer(text, opening.end() if opening else 0):
            self.repairs.append(
                Repair(RepairKind.MARKUP_DROPPED, (Span(base + match.start(), base + match.end()),))
            )

    def _add_note(self, start: int, end: int, label: str) -> None:
        repaired = self._repaired(start, end)
        if not repaired.text.text:
            return
        owner = self.open_figure or self.hierarchy.current_id.replace("/", "-")
        id = self._unused_note_id(f"note-{owner}-{label or 'x'}")
        draft = self._draft(PassageKind.NOTE, repaired, figure_id=self.open_figure)
        draft.note_ids = (id,)
        self.notes.append(
            Note(id, label, draft.content, PassageKind.NOTE, draft.section_id, self.open_figure, ())
        )

    def _add_footnote(self, raw: RawBlock) -> None:
        repaired = self._repaired(raw.content.start, raw.content.end)
        id = self._unused_note_id(f"footnote-{raw.marker}")
        marks = Span(raw.span.start, max(raw.content.start, raw.span.start + 1))
        self.repairs.append(Repair(RepairKind.MARKUP_DROPPED, (marks,)))
        draft = self._draft(PassageKind.FOOTNOTE, repaired)
        draft.note_ids = (id,)
        self.notes.append(
            Note(id, raw.marker, draft.content, PassageKind.FOOTNOTE, draft.section_id, None, ())
        )

    def _unused_note_id(self, wanted: str) -> str:
        taken = {note.id for note in self.notes}
        id, again = wanted, 2
        while id in taken:
            id, again = f"{wanted}~{again}", again + 1
        return id

    def _bind_notes(self) -> None:
        """Markers in paragraphs to footnotes, (注1) in cells to the notes below the table."""
        anchors: dict[str, list[Span]] = {}
        owners: dict[str, str] = {}
        by_footnote = {n.label: n for n in self.notes if n.kind is PassageKind.FOOTNOTE}
        for draft in self.drafts:
            for tag, span in draft.markers:
                note = by_footnote.get(tag)
                if note is None:
                    continue
                anchors.setdefault(note.id, []).append(span)
                owners.setdefault(note.id, draft.section_id)
                draft.note_ids = tuple(dict.fromkeys((*draft.note_ids, note.id)))
        self.figures = [self._bound_figure(figure, anchors) for figure in self.figures]
        for draft in self.drafts:
            if draft.kind is PassageKind.FOOTNOTE:
                draft.section_id = owners.get(draft.note_ids[0], draft.section_id)
        self.notes = [
            replace(
                note,
                anchors=tuple(anchors.get(note.id, ())),
                section_id=owners.get(note.id, note.section_id),
            )
            for note in self.notes
        ]

    def _bound_figure(self, figure: Figure, anchors: dict[str, list[Span]]) -> Figure:
        own = {note.label: note.id for note in self.notes if note.figure_id == figure.id}
        table = figure.table
        if table is not None and own:
            table = replace(
                table,
                header=tuple(
                    tuple(_bound(cell, own, anchors) for cell in row) for row in table.header
                ),
                rows=tuple(tuple(_bound(cell, own, anchors) for cell in row) for row in table.rows),
            )
        return replace(figure, table=table, note_ids=tuple(own.values()))

    # --- shared -----------------------------------------------------------------------------------

    def _repaired(self, start: int, end: int, *, keep_lines: bool = False) -> Repaired:
        text = mapped_text.from_source(self.source.text, start, end)
        repaired = repair_text(text, keep_lines=keep_lines)
        self.repairs += repaired.repairs
        self.aliases += repaired.aliases
        return repaired

    def _draft(
        self, kind: PassageKind, content: Repaired | MappedText, *, figure_id: str | None = None
    ) -> _Draft:
        text = content.text if isinstance(content, Repaired) else content
        draft = _Draft(
            kind,
            text if isinstance(text, MappedText) else content,  # type: ignore[arg-type]
            self.hierarchy.current_id,
            figure_id,
            self.open_box.id if self.open_box else None,
            list(content.markers) if isinstance(content, Repaired) else [],
        )
        self.drafts.append(draft)
        return draft


def _bound(cell: Cell, own: dict[str, str], anchors: dict[str, list[Span]]) -> Cell:
    ids: list[str] = []
    for label, start, end in note_markers(cell.content.text):
        id = own.get(_plain_digits(label))
        if id is not None:
            ids.append(id)
            anchors.setdefault(id, []).extend(cell.content.spans(start, end))
    return replace(cell, note_ids=tuple(dict.fromkeys(ids)))


def _plain_digits(text: str) -> str:
    return str(int(text)) if text.isdecimal() else text
