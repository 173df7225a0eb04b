"""Building and changing MappedText: every character keeps the place that it came from.

Pure functions of values. What is cut out of a text stays in its source; what is put in (a space
between two joined lines, a table's column label) has no place there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from qa_service.types import MappedText, Run


def from_source(source: str, start: int, end: int) -> MappedText:
    """The stretch of the source from `start` to `end`, unchanged."""
    runs = (Run(0, start, end - start),) if end > start else ()
    return MappedText(source[start:end], runs)


def inserted(text: str) -> MappedText:
    """Text that stands nowhere in the source."""
    return MappedText(text, (Run(0, None, len(text)),) if text else ())


def cut(text: MappedText, start: int, end: int) -> MappedText:
    """As `text.slice`, but in a time that does not grow with the number of runs before `start`."""
    start, end = max(start, 0), min(end, len(text.text))
    runs: list[Run] = []
    place = max(bisect_right(text.runs, start, key=_position) - 1, 0)
    while place < len(text.runs) and text.runs[place].position < end:
        run = text.runs[place]
        first, last = max(run.position, start), min(run.position + run.length, end)
        if first < last:
            offset = None if run.offset is None else run.offset + first - run.position
            runs.append(Run(first - start, offset, last - first))
        place += 1
    return MappedText(text.text[start:end], tuple(runs))


def _position(run: Run) -> int:
    return run.position


def concatenate(parts: Iterable[MappedText]) -> MappedText:
    """One text of all parts, in order, with nothing between them."""
    texts: list[str] = []
    runs: list[Run] = []
    position = 0
    for part in parts:
        for run in part.runs:
            _append(runs, Run(position + run.position, run.offset, run.length))
        texts.append(part.text)
        position += len(part.text)
    return MappedText("".join(texts), tuple(runs))


def join(separator: str, parts: Sequence[MappedText]) -> MappedText:
    """All parts with `separator`, which stands nowhere in the source, between them."""
    between = inserted(separator)
    pieces = [piece for part in parts for piece in (between, part)]
    return concatenate(pieces[1:])


def remove(text: MappedText, places: Iterable[tuple[int, int]]) -> MappedText:
    """`text` without the characters at `places`, (start, end) pairs in order, not overlapping."""
    kept: list[MappedText] = []
    position = 0
    for start, end in places:
        kept.append(cut(text, position, start))
        position = end
    if not position:
        return text
    kept.append(cut(text, position, len(text)))
    return concatenate(kept)


def strip(text: MappedText) -> MappedText:
    """`text` without white space at its ends."""
    start = len(text.text) - len(text.text.lstrip())
    return cut(text, start, max(start, len(text.text.rstrip())))


def _append(runs: list[Run], run: Run) -> None:
    """Neighbours in text and source become one run."""
    if runs:
        last = runs[-1]
        follows = (
            last.offset is None
            if run.offset is None
            else last.offset is not None and last.offset + last.length == run.offset
        )
        if follows:
            runs[-1] = Run(last.position, last.offset, last.length + run.length)
            return
    runs.append(run)
