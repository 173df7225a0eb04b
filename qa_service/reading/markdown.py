"""Text to raw blocks: headings, tables, footnotes, stretches of plain text, each with its place.

The Markdown is converted from print and unreliable, so only what such files really use is read:
`#` headings, articles of a law (第一条　…), tables of tab- or pipe-separated lines, footnotes
(`<sup>1</sup> …`, `[^1]: …`), code, fenced or indented, and paragraphs between blank lines. What a
paragraph is (caption, note, 参照 line) is for `classes` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import zip_longest

from qa_service.reading.classes import (
    box_heading,
    ends_sentence,
    opens_item,
    opens_note,
    opens_reference,
    paragraph_number,
)
from qa_service.reading.numbering import UNITS, heading_number, is_annex, is_supplement
from qa_service.types import Span

_HEADING = re.compile(r"[ ]{0,3}(#{1,6})(?:[ \t　]+|$)")  # ## 第1節 日米安全保障体制の概要
# 第二十五条　すべて…, 第1条（目的）この法律は…: the number of an article in front of its text.
_ARTICLE_NUMBER = re.compile(
    r"第[0-9０-９〇一二三四五六七八九十百千]{1,7}条(?:の[0-9０-９一二三四五六七八九十]{1,3}){0,3}"
)
_ARTICLE = re.compile(
    rf"[ 　]*(?P<number>{_ARTICLE_NUMBER.pattern})"
    r"(?:(?P<caption>[（(][^（()）]{1,40}[）)])[ 　]*|[ 　]+)(?=\S)"
)
_ARTICLE_CAPTION = re.compile(r"[ 　]*[（(][^（()）]{1,40}[）)][ 　]*")  # （目的）
_FOOTNOTE = re.compile(
    r"<sup>\s*(?P<tag>[^<\s]{1,6})\s*</sup>[ \t　]*|\[\^(?P<mark>[^\]\s]{1,20})\]:[ \t]*"
)
_PIPE_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")  # | a | b |
_RULE = re.compile(r"[ ]{0,3}([-*_=])(?:[ \t]*\1){2,}[ \t]*$")  # ---
_IMAGE = re.compile(r"[ \t]*!\[[^\]]*\]\([^)]*\)[ \t]*$|[ \t]*<img\b[^>]*>[ \t]*$")  # ![](x.png)
_COMMENT = re.compile(r"[ \t]*<!--[^\n]*-->[ \t]*$")  # <!-- page 3 -->
# ```python, ~~~: what opens or, without a word behind it, closes code.
_FENCE = re.compile(r"[ ]{0,3}(?P<marks>(?P<mark>[`~])(?P=mark){2,})[ \t]*(?P<info>[^`]*)")
_ITEM = re.compile(r"[ ]{0,3}(?:[-*+・○●]|[0-9]{1,3}[.)])[ 　]?")  # - aim, 1. first
_CODE_SIGN = re.compile(r"[={}<>;$\\_`]|--|#!")  # a = 1, make --all
# を定める, the aim of this law is
_SENTENCE = re.compile(r"[\u3041-\u30ff\u3400-\u9fff]|(?:[a-z,]{2,20} ){5}")
_FENCED_MARKDOWN = ("markdown", "md")  # a converter's whole answer, in fences: no code
_NO_TITLE_ENDS = tuple("。！？.!?、,;；")
_ARTICLE_DEPTH = 6  # `#`: below every chapter
_PLAIN_HEADING_MAX_CHARACTERS = 60


class RawKind(Enum):
    HEADING = "heading"
    TABLE = "table"
    FOOTNOTE = "footnote"
    TEXT = "text"
    CODE = "code"
    MARKUP = "markup"


@dataclass(frozen=True, slots=True)
class RawBlock:
    """`span` is the whole block without its last line end, `content` what is left without marks.

    `depth` is the number of `#` (0 where there are none), `marker` a footnote's printed mark.
    `caption` is the title of an article that stands apart from its number, （目的）.
    `gap` is the number of blank lines before the block: a picture that was lost leaves a wide one.
    """

    kind: RawKind
    span: Span
    content: Span
    gap: int = 0
    depth: int = 0
    marker: str = ""
    caption: Span | None = None


def read_blocks(text: str, *, plain: bool = False) -> tuple[RawBlock, ...]:
    """All blocks in order; `plain` reads short numbered lines as headings instead of `#` ones.

    Every non-space character of `text` lies in the span of exactly one block.
    """
    lines = _with_captions(text, list(_line_blocks(text, plain=plain)))
    return tuple(_merge(text, lines))


def _line_blocks(text: str, *, plain: bool) -> Iterator[RawBlock]:
    gap = 0
    in_article = False  # its 一, ２ and イ are items, also where `#` do not tell
    fenced = {} if plain else fenced_lines(text)
    indented = False  # the line before is code by its indent
    item = False  # a list's item, which what is indented below it belongs to
    for start, end in line_places(text):
        if text.startswith("\ufeff", start):  # a byte order mark
            yield RawBlock(RawKind.MARKUP, Span(start, start + 1), Span(start, start), gap)
            start += 1
        line = text[start:end]
        if not line.strip():
            gap += 1
            continue
        if start in fenced:
            span = Span(start, end)
            content = span if fenced[start] is RawKind.CODE else Span(start, start)
            yield RawBlock(fenced[start], span, content, gap)
            indented, gap = False, 0
            continue
        indented = not plain and _is_indented_code(line, goes_on=indented, below=item or not gap)
        if indented:
            yield RawBlock(RawKind.CODE, Span(start, end), Span(start, end), gap)
            gap = 0
            continue
        item = _ITEM.match(line) is not None or (item and line[:1] in " \t")
        for block in _of_line(line, start, end, gap, plain=plain, in_article=in_article):
            if block.kind is RawKind.HEADING:
                in_article = block.depth == _ARTICLE_DEPTH
            yield block
        gap = 0


def _is_indented_code(line: str, *, goes_on: bool, below: bool) -> bool:
    """As in CommonMark 0.31, 4.4, but print sets in much that is no code: it must look like code."""
    if not line.startswith("    ") or _SENTENCE.search(line.partition("#")[0]):
        return False
    return goes_on or (not below and _CODE_SIGN.search(line) is not None)


def fenced_lines(text: str) -> dict[int, RawKind]:
    """What the lines of fenced code are, by where they begin: the fences MARKUP, between them CODE.

    As in CommonMark 0.31, 4.5, but a fence that nothing closes is none: in a converted file it would
    take all that follows for code.
    """
    if "```" not in text and "~~~" not in text:
        return {}
    lines = [(start, _FENCE.fullmatch(text, start, end)) for start, end in line_places(text)]
    longest = {"`": 0, "~": 0}  # of the fences behind a line that can close
    can_close: list[bool] = []
    for _, fence in reversed(lines):
        can_close.append(fence is not None and longest[fence["mark"]] >= len(fence["marks"]))
        if fence is not None and not fence["info"]:
            longest[fence["mark"]] = max(longest[fence["mark"]], len(fence["marks"]))
    found: dict[int, RawKind] = {}
    opened: re.Match[str] | None = None
    for (start, fence), closed in zip(lines, reversed(can_close), strict=True):
        if opened is None:
            if fence is not None and closed:
                opened = fence
                found[start] = RawKind.MARKUP
        elif (
            fence is not None and fence["info"] == "" and fence["marks"].startswith(opened["marks"])
        ):
            opened = None
            found[start] = RawKind.MARKUP
        elif opened["info"].strip().lower() not in _FENCED_MARKDOWN:
            found[start] = RawKind.CODE
    return found


def _with_captions(text: str, blocks: list[RawBlock]) -> Iterator[RawBlock]:
    """（目的） on the line above 第一条 is the article's title."""
    caption: RawBlock | None = None
    for block, following in zip_longest(blocks, blocks[1:]):
        if following is not None and _is_caption(text, block, following):
            caption = block
        elif caption is not None:
            yield replace(block, caption=caption.span, gap=caption.gap)
            caption = None
        else:
            yield block


def _is_caption(text: str, block: RawBlock, following: RawBlock) -> bool:
    return (
        block.kind is RawKind.TEXT
        and following.kind is RawKind.HEADING
        and following.caption is None
        and _ARTICLE_NUMBER.fullmatch(following.content.cut(text)) is not None
        and _ARTICLE_CAPTION.fullmatch(text, block.span.start, block.span.end) is not None
    )


def line_places(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each line, line ends left out; CR LF and CR count as line ends."""
    position = 0
    for match in re.finditer(r"\r\n|\r|\n|\f", text):
        yield position, match.start()
        position = match.end()
    yield position, len(text)


def _of_line(
    line: str, start: int, end: int, gap: int, *, plain: bool, in_article: bool
) -> Iterator[RawBlock]:
    """The block of a line; two for an article whose text begins behind its number."""
    span = Span(start, end)
    article = _ARTICLE.match(line)
    if article and heading_number(f"{article['number']} "):
        behind = start + article.end()
        caption = Span(start + article.start("caption"), start + article.end("caption"))
        yield RawBlock(
            RawKind.HEADING,
            Span(start, behind),
            Span(start + article.start("number"), start + article.end("number")),
            gap,
            depth=_ARTICLE_DEPTH,
            caption=caption if article["caption"] else None,
        )
        yield RawBlock(RawKind.TEXT, Span(behind, end), Span(behind, end))
    elif not plain and (match := _HEADING.match(line)):
        content = Span(start + match.end(), max(start + _title_end(line), start + match.end()))
        yield RawBlock(RawKind.HEADING, span, content, gap, depth=len(match[1]))
    elif (plain and _is_plain_heading(line, in_article=in_article)) or (
        in_article and (_is_plain_supplement(line) or _is_plain_part(line))
    ):
        yield RawBlock(RawKind.HEADING, span, span, gap)
    elif _RULE.match(line) or _IMAGE.match(line) or _COMMENT.match(line):
        yield RawBlock(RawKind.MARKUP, span, Span(start, start), gap)
    elif "\t" in line.strip() or _PIPE_ROW.match(line):
        yield RawBlock(RawKind.TABLE, span, span, gap)
    elif match := _FOOTNOTE.match(line):
        marker = match["tag"] or match["mark"]
        content = Span(start + match.end(), end)
        yield RawBlock(RawKind.FOOTNOTE, span, content, gap, marker=marker)
    else:
        yield RawBlock(RawKind.TEXT, span, span, gap)


def _title_end(line: str) -> int:
    """Where the title ends: before the closing marks of "## Title ##"."""
    bare = line.rstrip(" \t")
    unmarked = bare.rstrip("#")
    closed = len(unmarked) < len(bare) and unmarked.endswith((" ", "\t"))
    return len(unmarked) if closed else len(line)


def _is_plain_supplement(line: str) -> bool:
    """附則 behind the articles of a law, with or without a mark: they carry none either."""
    bare = line.strip()
    return len(bare) <= _PLAIN_HEADING_MAX_CHARACTERS and is_supplement(bare)


def _is_plain_part(line: str) -> bool:
    """第2章 公開の手続 behind the articles of a law: they carry no mark either."""
    bare = line.strip()
    if len(bare) > _PLAIN_HEADING_MAX_CHARACTERS or bare.endswith(_NO_TITLE_ENDS):
        return False
    number = heading_number(bare)
    return number is not None and number.level in UNITS[:5]


def _is_plain_heading(line: str, *, in_article: bool) -> bool:
    """第1節 概要, 1 目的, 附則, コラム 海賊対処: numbered (or a box's), short, and no sentence."""
    bare = line.strip()
    if len(bare) > _PLAIN_HEADING_MAX_CHARACTERS or bare.endswith(_NO_TITLE_ENDS):
        return False
    if is_supplement(bare) or box_heading(bare) is not None:
        return True
    number = heading_number(bare)
    return number is not None and (not in_article or number.level in UNITS)


def _merge(text: str, blocks: Iterator[RawBlock]) -> Iterator[RawBlock]:
    """Lines of one table, paragraph or footnote, with no blank line between, are one block."""
    current: RawBlock | None = None
    paragraph = 1  # of an article; the first has no number
    for block in blocks:
        if block.kind is RawKind.HEADING:
            paragraph = 1
        number = paragraph_number(text, block.span.start, block.span.end)
        follows = number == paragraph + 1
        paragraph = number if number and (follows or number == 1) else paragraph
        if current is not None and _belongs(text, current, block, follows=follows):
            current = replace(
                current,
                span=Span(current.span.start, block.span.end),
                content=Span(current.content.start, block.span.end),
            )
            continue
        if current is not None:
            yield current
        current = block
    if current is not None:
        yield current


def _belongs(text: str, current: RawBlock, block: RawBlock, *, follows: bool) -> bool:
    """`follows`: the block begins with the number behind that of the last paragraph of the article."""
    if current.kind is RawKind.CODE:
        return block.kind is RawKind.CODE  # between two codes there is a fence
    if block.gap:
        return False
    if current.kind is RawKind.TABLE:
        return block.kind is RawKind.TABLE
    if block.kind is not RawKind.TEXT or current.kind not in (RawKind.FOOTNOTE, RawKind.TEXT):
        return False
    start, end = block.span.start, block.span.end
    if is_annex(current.span.cut(text).strip()) or is_annex(block.span.cut(text).strip()):
        return False
    if opens_note(text, start, end) or opens_reference(text, start, end):
        return False
    if opens_note(text, current.span.start, current.span.end):
        return True
    if opens_item(text, start, end):
        return False
    return not (follows and _is_whole(text, current.span))


def _is_whole(text: str, above: Span) -> bool:
    """A sentence that ends, or an item of a list: (3) その他のもの 5年."""
    return ends_sentence(above.cut(text)) or opens_item(text, above.start, above.end)
