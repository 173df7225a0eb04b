"""Printed numbers in a text: of sections, figures, notes and pages, in one form for all spellings.

A generated statement may name only those that a document has. Which it has, is for `verify` to say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from qa_service.reading.numbering import find_labels, normalise

_NUMERAL = r"[0-9]{1,4}|[〇一二三四五六七八九十百]+|[IVX]{1,5}(?![A-Za-z])"
_SECTION = re.compile(
    rf"(?:第\s?(?P<number>{_NUMERAL})\s?(?P<unit>[部編章節款条項号])"  # 第9節, 第IV部, 第六条
    r"|(?<![0-9])(?P<bare>[0-9]{1,2})\s?(?P<bare_unit>[章節]))"  # 2節
    r"(?:\s?の?\s?(?P<chain>[0-9]{1,2}(?![0-9年月日か国人回つ%])(?:[-.][0-9]{1,2})*))?"  # 第1節3-2
    r"|\b(?P<english>part|chapter|section|article|paragraph)s?\s+"
    rf"(?P<path>(?:{_NUMERAL})(?:[-.][0-9]{{1,2}})*)",  # Section 1-3, Part III
    re.IGNORECASE,
)
_ENGLISH_UNITS = {
    "part": "部",
    "chapter": "章",
    "section": "節",
    "article": "条",
    "paragraph": "項",
}
_NOTE = re.compile(
    r"(?:脚注|[(（]?注[)）]?|\b(?:foot)?notes?)\s?(?P<number>[0-9]{1,3})", re.IGNORECASE
)
_PAGE = re.compile(
    r"(?:\bpages?|\bpp?\.)\s?(?P<first>[0-9]{1,4})|(?P<second>[0-9]{1,4})\s?(?:ページ|頁)",
    re.IGNORECASE,
)
# III-2-1-1, 2.1.3: at least three parts. 2015-04-27 is a date.
_CHAIN = re.compile(
    r"(?<![A-Za-z0-9.-])(?:[IVX]{1,5}|[0-9]{1,3})(?:\s?[-.]\s?[0-9]{1,3}){2,}(?![A-Za-z0-9-])"
)


def find_places(text: str) -> frozenset[str]:
    """Section, figure, note and page numbers, canonical: `figure:3-2-1-1`, `節:1-3`, `条:6`."""
    return frozenset(place for place, _, _ in located_places(plain_text(text)))


def located_places(plain: str) -> Iterator[tuple[str, int, int]]:
    for label in find_labels(plain):
        kind = "figure" if label.kind in ("figure", "table") else label.kind
        yield f"{kind}:{'-'.join(label.parts)}", label.start, label.end
        yield f"chain:{'-'.join(label.parts)}", label.start, label.end
    for match in _SECTION.finditer(plain):
        for place in _section_places(match):
            yield place, match.start(), match.end()
    for match in _NOTE.finditer(plain):
        yield f"note:{int(match['number'])}", match.start(), match.end()
    for match in _PAGE.finditer(plain):
        yield f"page:{int(match['first'] or match['second'])}", match.start(), match.end()
    for match in _CHAIN.finditer(plain):
        parts = [normalise(part) for part in re.split(r"\s?[-.]\s?", match.group())]
        yield f"chain:{'-'.join(parts)}", match.start(), match.end()


def _section_places(match: re.Match[str]) -> Iterator[str]:
    """第1節3-2 -> 節:1, 節:1-3, 節:1-3-2."""
    if match["english"]:
        unit = _ENGLISH_UNITS[match["english"].lower()]
        parts = [normalise(part) for part in re.split(r"[-.]", match["path"])]
    else:
        unit = match["unit"] or match["bare_unit"]
        parts = [normalise(match["number"] or match["bare"])]
        if match["chain"]:
            parts.extend(normalise(part) for part in re.split(r"[-.]", match["chain"]))
    for depth in range(1, len(parts) + 1):
        yield f"{unit}:{'-'.join(parts[:depth])}"


def plain_text(text: str) -> str:
    """NFKC with one form of dash and a space between Japanese and a Latin word; the case is kept."""
    plain = unicodedata.normalize("NFKC", text)
    plain = re.sub(r"[\u2010-\u2015\u2212]|(?<=[0-9])ー(?=[0-9])", "-", plain)  # 1‐4, 1−4, 1ー4
    return re.sub(r"(?<=[\u3041-\u9fff])(?=[A-Za-z]{3})", " ", plain)  # はFigure -> は Figure
