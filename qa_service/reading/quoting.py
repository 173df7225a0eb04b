"""Where a text is quoted from: the places of its words, with what the cleaning took out between them.

A quote reads as the source does, marks and readings included, so its places are a superset of those
of the cleaned text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from qa_service.types import Document, MappedText, RepairKind, Span

_FENCES = re.compile(r"(?:(?:`{3}|~{3})[^\r\n]*\s*)+")  # ```toml
_SEPARATORS = " \t\r\n\f　|"  # of words, lines and cells


class Quoter:
    """Quotes texts of one document."""

    def __init__(self, document: Document) -> None:
        self._source = document.source.text
        self._dropped = _dropped(document)

    def spans(self, content: MappedText) -> tuple[Span, ...]:
        """The places of the content, with what the cleaning dropped between them filled in.

        A gap is filled when all of it was dropped or only separates cells, so that the quote reads as
        the source does; a caption, a footnote or a picture's mark on lines of its own is not, but the
        fence of a code is: without it two lines would be one.
        """
        filled: list[Span] = []
        for span in content.spans():
            if filled and self._only_parts(filled[-1].end, span.start):
                filled[-1] = Span(filled[-1].start, max(span.end, filled[-1].end))
            else:
                filled.append(span)
        return tuple(self._with_marks(span) for span in filled)

    def shown(self, span: Span) -> Iterator[tuple[Span, bool]]:
        """The parts of a span, each with whether it is shown or was dropped."""
        dropped = self._dropped
        places = range(span.start, span.end)
        for is_dropped, run in groupby(places, key=lambda place: bool(dropped[place])):
            members = list(run)
            yield Span(members[0], members[-1] + 1), not is_dropped

    def _only_parts(self, start: int, end: int) -> bool:
        source, dropped = self._source, self._dropped
        gap = source[start:end]
        if not all(dropped[p] or source[p] in _SEPARATORS for p in range(start, end)):
            return False
        mark = gap.strip()
        before, _, behind = gap.partition(mark) if mark else (gap, "", "")
        alone = bool(mark) and "\n" in before and "\n" in behind
        return not alone or _FENCES.fullmatch(mark) is not None

    def _with_marks(self, span: Span) -> Span:
        """With the marks of its line that touch it, so that `**参照**` is not quoted as `参照**`."""
        source, dropped = self._source, self._dropped
        start, end = span.start, span.end
        while start > 0 and dropped[start - 1] and source[start - 1] not in "\r\n":
            start -= 1
        while end < len(source) and dropped[end] and source[end] not in "\r\n":
            end += 1
        words = source[start:end]
        return Span(start + len(words) - len(words.lstrip()), start + len(words.rstrip()))


def _dropped(document: Document) -> bytearray:
    """1 for each character of the source that a repair took out of the shown text."""
    marks = bytearray(len(document.source.text))
    for repair in document.repairs:
        if repair.kind is not RepairKind.JOINED:
            for span in repair.spans:
                marks[span.start : span.end] = b"\1" * len(span)
    return marks
