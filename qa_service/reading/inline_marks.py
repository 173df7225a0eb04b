"""Inline Markdown in running text: which characters only say how words are set, or where they lead.

The words of a link, a picture and a code span stay; emphasis, brackets, addresses and escapes go. What
a code span holds is left alone. After CommonMark 0.31, chapter 6, without its rare forms (reference
links, addresses in brackets): what is not surely a mark is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_EMPHASIS = re.compile(
    r"\*\*|__|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)|~~|</?(?:b|i|u|em|strong|span)>"
)  # **日本側**
_CODE = re.compile(r"(?<!`)(?P<ticks>`{1,2})(?!`)[^`\r\n]{1,300}(?<!`)(?P=ticks)(?!`)")  # `make`
# [words](https://example.org/a "Title"), ![picture](a.png); an address has a / # . or :
_LINK = re.compile(
    r"(?P<opening>!?\[)[^\[\]\r\n]{1,300}"
    r"(?P<target>\]\((?=[^\s]{0,300}[/#.:])[^()\s]{1,500}(?:\([^()\s]{0,100}\)[^()\s]{0,100})?"
    r"(?:[ \t]{1,3}\"[^\"\r\n]{0,200}\")?[ \t]?\))"
)
_ADDRESS = re.compile(r"<(?:https?://|mailto:)[^<>\s]{1,500}>")  # <https://example.org>
_ESCAPE = re.compile(r"\\(?=[\\`*_{}\[\]()#+.!|<>~-])")  # \*
_ESCAPED = "\\"


def find_marks(text: str) -> list[tuple[int, int]]:
    """The places of all marks, (start, end), in order, none overlapping."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(_found(text)):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def _found(text: str) -> Iterator[tuple[int, int]]:
    words: list[tuple[int, int]] = []  # places whose marks are none
    if "`" in text:
        for match in _CODE.finditer(text):
            width = len(match["ticks"])
            yield match.start(), match.start() + width
            yield match.end() - width, match.end()
            words.append(match.span())
    if "](" in text:
        for match in _LINK.finditer(text):
            if not _within(match.start(), words):
                yield match.span("opening")
                yield match.span("target")
                words.append(match.span("target"))
    if "<" in text:
        for match in _ADDRESS.finditer(text):
            yield match.start(), match.start() + 1
            yield match.end() - 1, match.end()
            words.append(match.span())
    escapes = [match.span() for match in _ESCAPE.finditer(text)] if _ESCAPED in text else []
    yield from (place for place in escapes if not _within(place[0], words))
    behind = {end for _, end in escapes}
    for match in _EMPHASIS.finditer(text):
        if match.start() not in behind and not _within(match.start(), words):
            yield match.span()


def _within(place: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)
