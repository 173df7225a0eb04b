"""Raw blocks to a Document: each block to what it is, in order, with what is open kept in mind.

Where a block stands is for `outline`; which figure a table is, for `figures`; which marks point to
a note, for `notes`; what conversion did to a text, for `repair`.
"""

from __future__ import annotations

from dataclasses import replace

from qa_service.reading import mapped_text
from qa_service.reading.classes import BlockClass, classify, ends_sentence, is_running_text
from qa_service.reading.drafts import Draft
from qa_service.reading.figures import Figures
from qa_service.reading.ids import UnusedIds
from qa_service.reading.markdown import RawBlock, RawKind, line_places, read_blocks
from qa_service.reading.names import find_aliases
from qa_service.reading.notes import bind_notes, note_items, plain_label
from qa_service.reading.numbering import label_at_start
from qa_service.reading.outline import HeadingRole, Outline
from qa_service.reading.references import find_references, resolve_references
from qa_service.reading.repair import Repaired, is_japanese, repair_text
from qa_service.reading.tables import read_table
from qa_service.types import (
    Alias,
    Document,
    MappedText,
    Note,
    PassageKind,
    Reference,
    Repair,
    RepairKind,
    Source,
    Span,
)


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


class _Builder:
    """Takes raw blocks in order and keeps what is open: figure, cut paragraph."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.outline = Outline(source)
        self.figures = Figures()
        self.drafts: list[Draft] = []
        self.notes: list[Note] = []
        self.note_ids = UnusedIds()
        self.references: list[Reference] = []
        self.aliases: list[Alias] = []
        self.repairs: list[Repair] = []
        self.open_figure: str | None = None  # notes belong to it
        self.captioned = False  # the last figure is a caption whose table may follow
        self.labelled: MappedText | None = None  # the last heading, where it names a table: 別表第1
        self.unfinished: Draft | None = None

    def add_collection_text(self) -> None:
        """A record of a collection: plain paragraphs, nothing else is read into it."""
        text = self._repaired(Span(0, len(self.source.text)), keep_lines=True)
        self._draft(PassageKind.PARAGRAPH, text)

    def add(self, raw: RawBlock) -> None:
        if raw.kind is RawKind.HEADING:
            self._add_heading(raw)
        elif raw.kind is RawKind.TABLE:
            self._add_table(raw)
        elif raw.kind is RawKind.FOOTNOTE:
            self._add_footnote(raw)
        elif raw.kind is RawKind.CODE:
            self._add_code(raw)
        elif raw.kind is RawKind.MARKUP:
            self._drop(raw.span)
        else:
            self._add_text(raw)

    def finish(self) -> Document:
        for draft in self.drafts:
            if draft.rest:
                self._join(draft)
        bound = bind_notes(self.notes, self.figures.all(), self.drafts)
        blocks = tuple(draft.block() for draft in self.drafts if draft.content.text)
        boxes = self.outline.boxes()
        self.aliases += find_aliases(blocks, boxes)
        return Document(
            source=self.source,
            sections=self.outline.sections(),
            blocks=blocks,
            figures=tuple(bound.figures),
            boxes=boxes,
            notes=tuple(bound.notes),
            references=tuple(self.references),
            aliases=tuple(dict.fromkeys(self.aliases)),
            repairs=tuple(sorted(self.repairs, key=lambda repair: repair.spans[0])),
        )

    # --- headings ---------------------------------------------------------------------------------

    def _add_heading(self, raw: RawBlock) -> None:
        self.unfinished = self.open_figure = None
        self.captioned = False
        heading = self._repaired(raw.content, keep_lines=True)
        title = heading.text.text
        if not title:
            self._drop(raw.span)
            return
        if not raw.caption:
            self._drop(Span(raw.span.start, raw.content.start))
            self._drop(Span(raw.content.end, raw.span.end))  # the closing marks of "## Title ##"
        role = self.outline.take_heading(
            " ".join([title, *self._caption_words(raw)]),
            depth=raw.depth,
            spans=_heading_spans(raw),
        )
        self.labelled = heading.text if label_at_start(title) else None
        if role is HeadingRole.WITHIN_BOX:
            self._draft(PassageKind.PARAGRAPH, heading)
        elif heading.markers:  # nothing to show, but a footnote may be bound to it
            self._draft(PassageKind.PARAGRAPH, replace(heading, text=MappedText("", ())))

    def _caption_words(self, raw: RawBlock) -> list[str]:
        return [raw.caption.cut(self.source.text).strip(" 　")] if raw.caption else []

    # --- tables -----------------------------------------------------------------------------------

    def _add_table(self, raw: RawBlock) -> None:
        self.unfinished = None
        self.outline.take_text()
        read = read_table(self.source.text, raw.span)
        if read.markup:
            self.repairs.append(Repair(RepairKind.MARKUP_DROPPED, read.markup))
        if self.labelled is not None:
            self.figures.add_labelled(self.labelled, section_id=self.outline.section_id)
            self.captioned, self.labelled = True, None
        if self.captioned:
            figure = self.figures.set_table(read.table, raw.span)
        else:
            figure = self.figures.add_table(
                read.table, raw.span, section_id=self.outline.section_id
            )
        self.captioned = False
        self.open_figure = figure.id
        content = mapped_text.strip(self._source(raw.span))
        self._draft(PassageKind.TABLE, Repaired(content), figure_id=figure.id)

    # --- text -------------------------------------------------------------------------------------

    def _add_text(self, raw: RawBlock) -> None:
        self.outline.take_text()
        match classify(raw.content.cut(self.source.text), gap=raw.gap):
            case BlockClass.NOTE:
                self._add_notes(raw)
            case BlockClass.REFERENCE:
                self._add_reference(raw)
            case BlockClass.LABELLED_CAPTION:
                self._add_caption(raw, labelled=True)
            case BlockClass.CAPTION:
                self._add_caption(raw, labelled=False)
            case BlockClass.PARAGRAPH:
                self._add_paragraph(raw)

    def _add_code(self, raw: RawBlock) -> None:
        """Its lines and marks mean something: nothing is repaired."""
        self.outline.take_text()
        self.unfinished = self.open_figure = None
        self.captioned = False
        code = raw.content.cut(self.source.text)
        places = list(line_places(code))
        indent = min(_indent(code[start:end]) for start, end in places if code[start:end].strip())
        first = raw.content.start
        lines = [
            self._source(Span(first + min(start + indent, end), first + end))
            for start, end in places
        ]
        self._draft(
            PassageKind.PARAGRAPH, Repaired(mapped_text.join("\n", lines)), preformatted=True
        )

    def _add_caption(self, raw: RawBlock, *, labelled: bool) -> None:
        """A figure, whose picture is not in the file; a table that follows a label is its table."""
        caption = self._repaired(raw.content, keep_lines=True)
        if not caption.text.text:
            return
        add = self.figures.add_labelled if labelled else self.figures.add_photo
        figure = add(caption.text, section_id=self.outline.section_id)
        self._draft(PassageKind.CAPTION, caption, figure_id=figure.id)
        if labelled:
            self.open_figure = figure.id
            self.captioned = True
            self.unfinished = None

    def _add_paragraph(self, raw: RawBlock) -> None:
        repaired = self._repaired(raw.content)
        text = repaired.text.text
        self.captioned = False
        self.open_figure = None
        if self.unfinished is not None and is_running_text(text, continues=True):
            self._continue(self.unfinished, repaired)
            goes_on = not ends_sentence(text)
        else:
            draft = self._draft(PassageKind.PARAGRAPH, repaired)
            goes_on = is_running_text(text) and not ends_sentence(text)
            self.unfinished = draft
        if not goes_on:
            self.unfinished = None

    def _continue(self, draft: Draft, rest: Repaired) -> None:
        """Keep what a page break cut off; all is joined when the whole document has been read."""
        ends = (*draft.last_part.spans()[-1:], *rest.text.spans()[:1])
        self.repairs.append(Repair(RepairKind.JOINED, ends))
        draft.markers += rest.markers
        draft.rest.append(rest.text)

    def _join(self, draft: Draft) -> None:
        """One text of all parts; a displaced name may only show in the joined sentence."""
        parts = [draft.content]
        for rest in draft.rest:
            close = is_japanese(parts[-1].text[-1]) or is_japanese(rest.text[0])
            parts += [rest] if close else [mapped_text.inserted(" "), rest]
        again = repair_text(mapped_text.concatenate(parts))
        draft.content = again.text
        self.repairs += again.repairs
        self.aliases += again.aliases

    def _add_reference(self, raw: RawBlock) -> None:
        draft = self._draft(PassageKind.REFERENCE, self._repaired(raw.content))
        self.references += find_references(draft.content, self.outline.section_id)

    # --- notes ------------------------------------------------------------------------------------

    def _add_notes(self, raw: RawBlock) -> None:
        base = raw.content.start
        for item in note_items(raw.content.cut(self.source.text)):
            self._drop(Span(base + item.mark.start, base + item.mark.end))
            repaired = self._repaired(Span(base + item.text.start, base + item.text.end))
            if repaired.text.text:
                owner = self.open_figure or self.outline.section_id.replace("/", "-")
                self._add_note(f"note-{owner}-{item.label or 'x'}", item.label, repaired)

    def _add_note(self, wanted_id: str, label: str, repaired: Repaired) -> None:
        id = self.note_ids.unused(wanted_id)
        draft = self._draft(PassageKind.NOTE, repaired, figure_id=self.open_figure)
        draft.note_ids = (id,)
        self.notes.append(
            Note(id, label, draft.content, PassageKind.NOTE, draft.section_id, self.open_figure, ())
        )

    def _add_footnote(self, raw: RawBlock) -> None:
        self._drop(Span(raw.span.start, raw.content.start))
        repaired = self._repaired(raw.content)
        if not repaired.text.text:
            return
        label = plain_label(raw.marker)
        id = self.note_ids.unused(f"footnote-{label}")
        draft = self._draft(PassageKind.FOOTNOTE, repaired)
        draft.note_ids = (id,)
        self.notes.append(
            Note(id, label, draft.content, PassageKind.FOOTNOTE, draft.section_id, None, ())
        )

    # --- shared -----------------------------------------------------------------------------------

    def _source(self, span: Span) -> MappedText:
        return mapped_text.from_source(self.source.text, span.start, span.end)

    def _repaired(self, span: Span, *, keep_lines: bool = False) -> Repaired:
        repaired = repair_text(self._source(span), keep_lines=keep_lines)
        self.repairs += repaired.repairs
        self.aliases += repaired.aliases
        return repaired

    def _drop(self, span: Span) -> None:
        if span:
            self.repairs.append(Repair(RepairKind.MARKUP_DROPPED, (span,)))

    def _draft(
        self,
        kind: PassageKind,
        content: Repaired,
        *,
        figure_id: str | None = None,
        preformatted: bool = False,
    ) -> Draft:
        draft = Draft(
            kind,
            content.text,
            self.outline.section_id,
            figure_id,
            self.outline.box_id,
            list(content.markers),
            preformatted=preformatted,
        )
        self.drafts.append(draft)
        return draft


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _heading_spans(raw: RawBlock) -> tuple[Span, ...]:
    """An article's title stands above its number or within the heading's own place."""
    if raw.caption is None or raw.span.start <= raw.caption.start:
        return (raw.span,)
    return (raw.caption, raw.span)
