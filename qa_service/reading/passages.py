"""A document to passages: what one citation points at.

Paragraphs of about 400 characters of Japanese (1,000 of English), never across a section or a box;
table rows with their headers; whole tables; boxes, notes, footnotes, captions, 参照 lines.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise

from qa_service.reading import mapped_text
from qa_service.reading.quoting import Quoter
from qa_service.reading.sentences import split_sentences
from qa_service.reading.table_rows import row_content
from qa_service.types import (
    Block,
    Document,
    Figure,
    Passage,
    PassageKind,
    Span,
)

PASSAGE_MAX_CHARACTERS_WIDE = 400  # Japanese, Chinese, Korean
PASSAGE_MAX_CHARACTERS = 1_000
_SHORT = 80  # a paragraph this short is read together with its neighbour
_COLLECTION_MAX_CHARACTERS = 2_000  # a record's author has cut it already

_LETTERS = {
    PassageKind.PARAGRAPH: "p",
    PassageKind.TABLE: "t",
    PassageKind.TABLE_ROW: "r",
    PassageKind.CAPTION: "c",
    PassageKind.BOX: "b",
    PassageKind.NOTE: "n",
    PassageKind.FOOTNOTE: "f",
    PassageKind.REFERENCE: "x",
}


def cut_passages(document: Document) -> tuple[Passage, ...]:
    """All passages in reading order. The same document gives the same passages and ids."""
    numbering: Counter[tuple[str, str]] = Counter()
    passages: list[Passage] = []
    quoter = Quoter(document)
    contexts = _Contexts(document)
    for draft in _drafts(document):
        place = draft.section_id.replace("/", "-")
        letter = _LETTERS[draft.kind]
        numbering[place, letter] += 1
        passages.append(
            Passage(
                id=f"{document.id}:{place}:{letter}{numbering[place, letter]}",
                document_id=document.id,
                kind=draft.kind,
                content=draft.content,
                context=contexts.of(draft),
                spans=quoter.spans(draft.content),
                section_id=draft.section_id,
                figure_id=draft.figure_id,
                box_id=draft.box_id,
                note_ids=draft.note_ids,
            )
        )
    return tuple(passages)


def _drafts(document: Document) -> Iterator[Block]:
    figures = {figure.id: figure for figure in document.figures}
    for (kind, *_), run in groupby(document.blocks, key=_neighbourhood):
        blocks = list(run)
        if kind in (PassageKind.PARAGRAPH, PassageKind.BOX):
            yield from _paragraphs(document, blocks)
        elif kind is PassageKind.TABLE:
            for block in blocks:
                yield from _table(figures[block.figure_id or ""], block)
        else:
            yield from blocks


def _neighbourhood(block: Block) -> tuple[PassageKind, str, str | None]:
    return (block.kind, block.section_id, block.box_id)


def _paragraphs(document: Document, blocks: list[Block]) -> Iterator[Block]:
    """Long paragraphs cut at sentence ends, short neighbours put together."""
    if document.source.format == "jsonl":
        limit = _COLLECTION_MAX_CHARACTERS
    else:
        wide = document.source.metadata.language.split("-")[0] in ("ja", "zh", "ko")
        limit = PASSAGE_MAX_CHARACTERS_WIDE if wide else PASSAGE_MAX_CHARACTERS
    anchors = {note.id: note.anchors for note in document.notes}
    pieces = [piece for block in blocks for piece in _cut(block, limit, anchors)]
    group: list[Block] = []
    for piece in pieces:
        length = sum(len(member.content) for member in group)
        short = len(piece.content) < _SHORT or (group and len(group[-1].content) < _SHORT)
        if group and not (short and length + len(piece.content) <= limit):
            yield _together(group)
            group = []
        group.append(piece)
    if group:
        yield _together(group)


def _cut(block: Block, limit: int, anchors: Mapping[str, tuple[Span, ...]]) -> list[Block]:
    """Pieces of about equal length, at sentence ends, none above `limit` where sentences allow.

    A piece has the notes whose markers (`anchors`, by note id) stand in it or right behind it.
    """
    text = block.content.text
    if len(text) <= limit:
        return [block]
    ends = _with_forced_ends([sentence.end for sentence in split_sentences(text)], limit)
    target = len(text) / -(-len(text) // limit)
    cuts, start = [0], 0
    for place, end in enumerate(ends[:-1]):
        following = ends[place + 1]
        if following - start > limit or end - start >= target:
            cuts.append(end)
            start = end
    cuts.append(len(text))
    contents = [
        mapped_text.strip(mapped_text.cut(block.content, first, last))
        for first, last in pairwise(cuts)
        if text[first:last].strip()
    ]
    starts = [min((s.start for s in content.spans()), default=0) for content in contents]
    return [
        Block(
            block.kind,
            content,
            block.section_id,
            block.figure_id,
            block.box_id,
            tuple(
                id
                for id in block.note_ids
                if any(bisect_right(starts, a.start) == place for a in anchors.get(id, ()))
            ),
        )
        for place, content in enumerate(contents, start=1)
    ]


def _with_forced_ends(ends: list[int], limit: int) -> list[int]:
    """A sentence longer than three passages (a list of words, a broken text) is cut as well."""
    forced: list[int] = []
    start = 0
    for end in ends:
        while end - start > 3 * limit:
            start += limit
            forced.append(start)
        forced.append(end)
        start = end
    return forced


def _together(blocks: list[Block]) -> Block:
    first = blocks[0]
    kind = PassageKind.BOX if first.box_id else first.kind
    contents = [block.content for block in blocks]
    notes = tuple(dict.fromkeys(id for block in blocks for id in block.note_ids))
    return Block(
        kind,
        mapped_text.join("\n", contents),
        first.section_id,
        first.figure_id,
        first.box_id,
        notes,
    )


def _table(figure: Figure, block: Block) -> Iterator[Block]:
    """The whole table, then its rows, each readable by itself."""
    table = figure.table
    if table is None:
        yield block
        return
    lines = [
        mapped_text.join(" | ", [cell.content for cell in row if cell.content.text])
        for row in (*table.header, *table.rows)
    ]
    whole = mapped_text.join("\n", [line for line in lines if line.text])
    notes = tuple(dict.fromkeys((*figure.note_ids, *block.note_ids)))
    if not whole.text:
        return
    yield Block(block.kind, whole, block.section_id, figure.id, block.box_id, notes)
    for row in table.rows:
        content = row_content(table, row)
        notes = tuple(dict.fromkeys(id for cell in row for id in cell.note_ids))
        if content.text:
            yield Block(
                PassageKind.TABLE_ROW,
                content,
                block.section_id,
                figure.id,
                block.box_id,
                notes,
            )


class _Contexts:
    """What is read in front of a passage: document, section titles, box, caption."""

    def __init__(self, document: Document) -> None:
        self._title = document.source.metadata.title
        self._paths = {section.id: section.path for section in document.sections}
        self._boxes = {box.id: f"{box.kind} {box.title}".strip() for box in document.boxes}
        self._figures = {
            figure.id: f"{figure.label} {figure.caption}".strip() for figure in document.figures
        }

    def of(self, draft: Block) -> tuple[str, ...]:
        lines = [self._title, *self._paths[draft.section_id]]
        if draft.box_id:
            lines.append(self._boxes[draft.box_id])
        if draft.figure_id and draft.kind is not PassageKind.CAPTION:
            lines.append(self._figures[draft.figure_id])
        return tuple(dict.fromkeys(line for line in lines if line))
