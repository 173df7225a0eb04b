"""Text to raw blocks: headings, tables, footnotes, stretches of plain text, each with its place.

The Markdown is converted from print and unreliable, so only what such files really use is read:
`#` headings, tables of tab- or pipe-separated lines, footnotes (`<sup>1</sup> …`, `[^1]: …`) and
paragraphs between blank lines. What a paragraph is (caption, note, 参照 line) is for `structure`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from qa_service.reading.numbering import heading_number
from qa_service.types import Span

_HEADING = re.compile(r"[ ]{0,3}(#{1,6})(?:[ \t　]+|$)")  # ## 第1節 日米安全保障体制の概要
_CLOSING_MARKS = re.compile(r"[ \t]+#+[ \t]*$")  # "## Title ##"
_FOOTNOTE = re.compile(
    r"<sup>\s*(?P<tag>[^<\s]{1,6})\s*</sup>[ \t　]*|\[\^(?P<mark>[^\]\s]{1,20})\]:[ \t]*"
)
_PIPE_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")  # | a | b |
_RULE = re.compile(r"[ ]{0,3}([-*_=])(?:[ \t]*\1){2,}[ \t]*$")  # ---
_IMAGE = re.compile(r"[ \t]*!\[[^\]]*\]\([^)]*\)[ \t]*$|[ \t]*<img\b[^>]*>[ \t]*$")  # ![](x.png)
_COMMENT = re.compile(r"[ \t]*<!--[^\n]*-->[ \t]*$")  # <!-- page 3 -->
_SENTENCE_END = re.compile(r"[。！？.!?、,]\s*$")
_PLAIN_HEADING_MAX_CHARACTERS = 60


class RawKind(Enum):
    HEADING = "heading"
    TABLE = "table"
    FOOTNOTE = "footnote"
    TEXT = "text"
    MARKUP = "markup"


@dataclass(frozen=True, slots=True)
class RawBlock:
    """`span` is the whole block without its last line end, `content` what is left without marks.

    `depth` is the number of `#` (0 where there are none), `marker` a footnote's printed mark.
    `gap` is the number of blank lines before the block: a picture that was lost leaves a wide one.
    """

    kind: RawKind
    span: Span
    content: Span
    gap: int = 0
    depth: int = 0
    marker: str = ""


def read_blocks(text: str, *, plain: bool = False) -> tuple[RawBlock, ...]:
    """All blocks in order; `plain` reads short numbered lines as headings instead of `#` ones.

    Every non-space character of `text` lies in the span of exactly one block.
    """
    return tuple(_merge(_line_blocks(text, plain=plain)))


def _line_blocks(text: str, *, plain: bool) -> Iterator[RawBlock]:
    gap = 0
    for start, end in _lines(text):
        line = text[start:end]
        if not line.strip():
            gap += 1
            continue
        yield _line_block(line, start, end, gap, plain=plain)
        gap = 0


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each line, line ends left out; CR LF and CR count as line ends."""
    position = 0
    for match in re.finditer(r"\r\n|\r|\n|\f", text):
        yield position, match.start()
        position = match.end()
    yield position, len(text)


def _line_block(line: str, start: int, end: int, gap: int, *, plain: bool) -> RawBlock:
    span = Span(start, end)
    if line.startswith("\ufeff"):
        line = " " + line[1:]
    if not plain and (match := _HEADING.match(line)):
        closing = _CLOSING_MARKS.search(line, match.end())
        content = Span(start + match.end(), start + (closing.start() if closing else len(line)))
        return RawBlock(RawKind.HEADING, span, content, gap, depth=len(match[1]))
    if plain and _is_plain_heading(line):
        return RawBlock(RawKind.HEADING, span, span, gap)
    if _RULE.match(line) or _IMAGE.match(line) or _COMMENT.match(line):
        return RawBlock(RawKind.MARKUP, span, Span(start, start), gap)
    if "\t" in line.strip() or _PIPE_ROW.match(line):
        return RawBlock(RawKind.TABLE, span, span, gap)
    if match := _FOOTNOTE.match(line):
        content = Span(start + match.end(), end)
        return RawBlock(
            RawKind.FOOTNOTE, span, content, gap, marker=match["tag"] or match["mark"] or ""
        )
    return RawBlock(RawKind.TEXT, span, span, gap)


def _is_plain_heading(line: str) -> bool:
    """第1節 概要, 1 目的: numbered, short, and no sentence."""
    bare = line.strip()
    return (
        len(bare) <= _PLAIN_HEADING_MAX_CHARACTERS
        and heading_number(bare) is not None
        and not _SENTENCE_END.search(bare)
    )


def _merge(blocks: Iterator[RawBlock]) -> Iterator[RawBlock]:
    """Lines of one table, paragraph or footnote, with no blank line between, are one block."""
    current: RawBlock | None = None
    for block in blocks:
        if current is not None and _belongs(current, block):
            current = RawBlock(
                current.kind,
                Span(current.span.start, block.span.end),
                Span(current.content.start, block.span.end),
                current.gap,
                current.depth,
                current.marker,
            )
            continue
        if current is not None:
            yield current
        current = block
    if current is not None:
        yield current


def _belongs(current: RawBlock, block: RawBlock) -> bool:
    if block.gap:
        return False
    if current.kind is RawKind.FOOTNOTE:
        return block.kind is RawKind.TEXT
    return current.kind is block.kind and current.kind in (RawKind.TABLE, RawKind.TEXT)
