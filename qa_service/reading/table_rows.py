"""A table's row as it is read by itself: each cell behind the header texts of its column."""

from __future__ import annotations

from collections.abc import Sequence

from qa_service.reading import mapped_text
from qa_service.types import Cell, Document, LabelledCell, MappedText, Passage, PassageKind, Table


def row_content(table: Table, row: Sequence[Cell]) -> MappedText:
    """協議の場: 日米合同委員会; 出席対象者 日本側: 外務省北米局長; empty cells left out."""
    cells = [
        mapped_text.concatenate([mapped_text.inserted(f"{label}: "), cell.content])
        if label
        else cell.content
        for label, cell in _labelled(table, row)
    ]
    return mapped_text.join("; ", cells)


def row_cells(document: Document, passage: Passage) -> tuple[LabelledCell, ...]:
    """What a passage that is a table's row is made of; empty for all others."""
    if passage.kind is not PassageKind.TABLE_ROW:
        return ()
    figure = next(figure for figure in document.figures if figure.id == passage.figure_id)
    if figure.table is None:
        return ()
    beginning = passage.content.spans()[:1]
    for row in figure.table.rows:
        cells = _labelled(figure.table, row)
        if cells and cells[0][1].content.spans()[:1] == beginning:
            return tuple(LabelledCell(label, cell.content.text) for label, cell in cells)
    return ()


def _labelled(table: Table, row: Sequence[Cell]) -> list[tuple[str, Cell]]:
    """The cells that hold something, each with its label, 出席対象者 日本側."""
    return [
        (" ".join(names), cell)
        for names, cell in zip(table.columns, row, strict=False)
        if cell.content.text
    ]
