"""Table lines to a Table: header rows, spanned cells, rows that can be read by themselves.

A converted table is lines of tab-separated cells (or of `|`). An empty cell in a header row belongs
to the cell on its left when the row below names it (a column span), else to the cell above (a row
span).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_service.reading import mapped_text
from qa_service.types import Cell, MappedText, Span, Table

_PIPE_RULE = re.compile(
    r"[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$"
)  # |---|:-:|
_NOTE_MARKER = re.compile(r"[(（]注\s?(?P<label>[0-9０-９]*)[)）]|※(?P<mark>[0-9０-９]+)")  # (注1)
_EMPHASIS = re.compile(r"\*\*|__|<br\s*/?>")

Grid = list[list[MappedText]]


def read_table(source: str, span: Span) -> Table:
    """The table in `span`; a single line is a row without header."""
    rows, header_rows = _grid(source, span)
    if not header_rows:
        header_rows = _count_header_rows(rows)
    header, body = rows[:header_rows], rows[header_rows:]
    width = max((len(row) for row in rows), default=0)
    for row in rows:
        row.extend(MappedText("", ()) for _ in range(width - len(row)))
    return Table(
        columns=_columns(header, width),
        header=tuple(_spanned(header, place) for place in range(len(header))),
        rows=tuple(tuple(Cell(content) for content in row) for row in body),
    )


def note_markers(text: str) -> list[tuple[str, int, int]]:
    """(label, start, end) of each (注1) in a text; (注) alone has the label ``."""
    return [
        (match["label"] or match["mark"] or "", match.start(), match.end())
        for match in _NOTE_MARKER.finditer(text)
    ]


def _grid(source: str, span: Span) -> tuple[Grid, int]:
    """The cells line for line, and the number of header rows that a |---| line fixes, else 0."""
    rows: Grid = []
    header_rows = 0
    position = span.start
    for line in re.split(r"(\r\n|\r|\n)", span.cut(source)):
        end = position + len(line)
        if line.strip():
            if _PIPE_RULE.match(line):
                header_rows = header_rows or len(rows)
            else:
                rows.append(_cells(source, position, end))
        position = end
    return rows, header_rows


def _cells(source: str, start: int, end: int) -> list[MappedText]:
    line = source[start:end]
    separator = "\t"
    if "\t" not in line and line.strip().startswith("|"):
        separator = "|"
        start += line.index("|") + 1
        end -= len(line) - line.rindex("|")
    cells: list[MappedText] = []
    position = start
    for text in source[start:end].split(separator):
        cell = mapped_text.from_source(source, position, position + len(text))
        marks = [match.span() for match in _EMPHASIS.finditer(cell.text)]
        cells.append(mapped_text.strip(mapped_text.remove(cell, marks)))
        position += len(text) + 1
    return cells


def _count_header_rows(rows: Grid) -> int:
    """1, or more while a row only fills in under the spans of the rows above."""
    if len(rows) < 2:
        return 0
    count = 1
    while count < len(rows) - 1 and _fills_in(rows[count - 1], rows[count]):
        count += 1
    return count


def _fills_in(above: Sequence[MappedText], row: Sequence[MappedText]) -> bool:
    """The first cell is empty, and every filled cell stands below an empty one or a span's start."""
    if not row or row[0].text or not any(cell.text for cell in row):
        return False
    for place, cell in enumerate(row):
        below_empty = place >= len(above) or not above[place].text
        starts_span = place + 1 < len(above) and not above[place + 1].text
        if cell.text and not below_empty and not starts_span:
            return False
    return True


def _spanned(header: Grid, place: int) -> tuple[Cell, ...]:
    """The header row `place` with empty grid places merged into the cells that cover them."""
    cells: list[Cell] = []
    row = header[place]
    for column, content in enumerate(row):
        if not content.text:
            continue
        columns = 1
        while (
            column + columns < len(row)
            and not row[column + columns].text
            and any(below[column + columns].text for below in header[place + 1 :])
        ):
            columns += 1
        rows = 1
        while columns == 1 and place + rows < len(header) and not header[place + rows][column].text:
            rows += 1
        cells.append(Cell(content, column_span=columns, row_span=rows))
    return tuple(cells)


def _columns(header: Grid, width: int) -> tuple[tuple[str, ...], ...]:
    """For each column the header texts from top to bottom, those of covering cells included."""
    columns: list[tuple[str, ...]] = []
    for column in range(width):
        names: list[str] = []
        for place, row in enumerate(header):
            content = row[column].text
            if not content and any(below[column].text for below in header[place + 1 :]):
                left = [cell.text for cell in row[:column] if cell.text]
                content = left[-1] if left else ""
            if content:
                names.append(content)
        columns.append(tuple(names))
    return tuple(columns)
