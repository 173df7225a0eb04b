"""Table lines to a Table: header rows, spanned cells, rows that can be read by themselves.

A converted table is lines of tab-separated cells (or of `|`). An empty cell in a header row belongs
to the cell on its left when the row below names it (a column span), else to the cell above (a row
span).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qa_service.reading import mapped_text
from qa_service.reading.inline_marks import find_marks
from qa_service.types import Cell, MappedText, Span, Table

_RULE_CHARACTERS = "|:- \t"  # of |---|:-:|
_NOTE_MARKER = re.compile(
    r"[(（](?:注\s?|Note[ ])(?P<label>[0-9０-９]{0,3})[)）]|※(?P<mark>[0-9０-９]{1,3})"
)  # (注1), (Note 1), ※1
_LINE_BREAK = re.compile(r"<br\s{0,3}/?>")

_MAX_HEADER_ROWS = 5

Grid = list[list[MappedText]]


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table, and what of its source is markup: cell borders, rules, emphasis marks."""

    table: Table
    markup: tuple[Span, ...]


def read_table(source: str, span: Span) -> TableRead:
    """The table in `span`; a single line is a row without header."""
    rows, header_rows, markup = _grid(source, span)
    if not header_rows:
        header_rows = _count_header_rows(rows)
    width = max((len(row) for row in rows), default=0)
    for row in rows[:header_rows]:
        row.extend(MappedText("", ()) for _ in range(width - len(row)))
    header, body = rows[:header_rows], rows[header_rows:]
    table = Table(
        columns=_columns(header, width),
        header=tuple(_spanned(header, place) for place in range(len(header))),
        rows=tuple(tuple(Cell(content) for content in row) for row in body),
    )
    return TableRead(table, tuple(markup))


def note_markers(text: str) -> list[tuple[str, int, int]]:
    """(label, start, end) of each (注1) in a text; (注) alone has the label ``."""
    return [
        (match["label"] or match["mark"] or "", match.start(), match.end())
        for match in _NOTE_MARKER.finditer(text)
    ]


def _grid(source: str, span: Span) -> tuple[Grid, int, list[Span]]:
    """The cells line for line, the number of header rows that a |---| line fixes (else 0), and
    the markup."""
    rows: Grid = []
    header_rows = 0
    markup: list[Span] = []
    position = span.start
    for line in re.split(r"(\r\n|\r|\n|\f)", span.cut(source)):
        end = position + len(line)
        if rows and not header_rows and _is_rule(line):
            header_rows = len(rows)
            markup.append(Span(position, end))
        elif line.strip():
            rows.append(_cells(source, position, end, markup))
        position = end
    return rows, header_rows, markup


def _is_rule(line: str) -> bool:
    return "-" in line and "|" in line and not line.strip(_RULE_CHARACTERS)


def _cells(source: str, start: int, end: int, markup: list[Span]) -> list[MappedText]:
    line = source[start:end]
    separator = "\t"
    if "\t" not in line.strip() and line.strip().startswith("|"):
        separator = "|"
        markup += [Span(start + place, start + place + 1) for place in _places("|", line)]
        start += line.index("|") + 1
        end -= len(line) - line.rindex("|")
    cells: list[MappedText] = []
    position = start
    for text in source[start : max(start, end)].split(separator):
        breaks = [match.span() for match in _LINE_BREAK.finditer(text)]
        marks = sorted([*find_marks(text), *breaks])
        markup += [Span(position + first, position + last) for first, last in marks]
        cell = mapped_text.from_source(source, position, position + len(text))
        cells.append(mapped_text.strip(mapped_text.remove(cell, marks)))
        position += len(text) + 1
    return cells


def _places(character: str, line: str) -> list[int]:
    return [place for place, found in enumerate(line) if found == character]


def _count_header_rows(rows: Grid) -> int:
    """1, or more while a row only fills in under the spans of the rows above."""
    if len(rows) < 2:
        return 0
    count = 1
    while count < min(len(rows) - 1, _MAX_HEADER_ROWS) and _fills_in(rows[count - 1], rows[count]):
        count += 1
    return count


def _fills_in(above: Sequence[MappedText], row: Sequence[MappedText]) -> bool:
    """The first cell is empty; every filled cell stands below an empty one or a span's start."""
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
        while column + columns < len(row) and _is_covered(header, place, column + columns):
            columns += 1
        rows = 1
        while columns == 1 and place + rows < len(header) and not header[place + rows][column].text:
            rows += 1
        cells.append(Cell(content, column_span=columns, row_span=rows))
    return tuple(cells)


def _is_covered(header: Grid, place: int, column: int) -> bool:
    """An empty place that a row below names belongs to the cell on its left."""
    return not header[place][column].text and any(
        below[column].text for below in header[place + 1 :]
    )


def _columns(header: Grid, width: int) -> tuple[tuple[str, ...], ...]:
    """For each column the header texts from top to bottom, those of covering cells included."""
    columns: list[list[str]] = [[] for _ in range(width)]
    for place, row in enumerate(header):
        covering = ""
        for column, names in enumerate(columns):
            own = row[column].text
            covering = own or covering
            if own or (covering and _is_covered(header, place, column)):
                names.append(own or covering)
    return tuple(tuple(names) for names in columns)
