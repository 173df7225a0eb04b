"""The years that a question asks about, and whether a text can speak of them.

A text speaks of a year that it names in any spelling (令和6年, 二〇二四年), that lies in a span (令和5〜9年度, 2020-25,
from 2020 to 2028), or that comes after one from which something holds (平成31年4月から, since 2015).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qa_service.retrieval.dates import MONTHS
from qa_service.retrieval.terms import fold, without_invisible
from qa_service.retrieval.western_years import western_years

_YEAR = r"(?<![0-9])(?:1[5-9]|20)[0-9]{2}(?![0-9])"
_SPAN = re.compile(
    rf"(?P<first>{_YEAR})(?:年度?)?(?:[0-9]{{1,2}}月)?(?:[0-9]{{1,2}}日)?\s?(?:-|~|から|to|and|until)\s?"
    rf"(?P<last>{_YEAR}|[0-9]{{2}}(?![0-9月日]))"
)
_ONWARDS = re.compile(
    rf"(?P<year>{_YEAR})年?度?(?:[0-9]{{1,2}}月)?(?:[0-9]{{1,2}}日)?"
    rf"(?:から(?![^。]{{0,20}}まで|[^。]{{0,40}}{_YEAR})|以降|以後|より後)|\b(?:since|from|after)\s(?:\w+\s){{0,2}}(?P<other>{_YEAR})"
)
_MONTH = "|".join(["sept", *(f"{month[:3]}(?:{month[3:]})?" for month in MONTHS if month != "may")])
_BEFORE_MAY = (
    "the ",
    "in ",
    "of ",
    "by ",
    "from ",
    "since ",
    "until ",
    "after ",
    r"\d ",
)  # where it is no verb
_MAY = f"(?:^|{'|'.join(f'(?<={each})' for each in _BEFORE_MAY)})may"
# A year, not a number: 2030年, in 2030, May 2030; not 2000年前, of 1,900 ships.
_ASKED = re.compile(
    rf"(?P<japanese>{_YEAR})\s?年(?!前(?!半)|間|後(?!半)|以上|代)"
    r"|(?<![a-z0-9])(?:in|since|by|until|till|before|after|during|from|to|between|and|fy|year)\s?"
    rf"(?P<english>{_YEAR})|\bof\s(?P<of>{_YEAR})(?!\s[a-z])"
    rf"|\b(?:{_MONTH}|{_MAY})\.?\s(?:[0-9]{{1,2}}(?:st|nd|rd|th)?,?\s)?(?P<dated>{_YEAR})"
)


@dataclass(frozen=True, slots=True)
class Years:
    """What a text says of years: spans, a single year being a short one, and the first from which
    something holds."""

    spans: tuple[tuple[int, int], ...]
    onwards: int | None

    @classmethod
    def of(cls, text: str) -> Years:
        plain = _western(text)
        single = [(int(year), int(year)) for year in re.findall(_YEAR, plain)]
        since = [int(match["year"] or match["other"]) for match in _ONWARDS.finditer(plain)]
        return cls((*single, *_spans(plain)), min(since, default=None))

    def meets(self, other: Years) -> bool:
        """Whether any span has a year in common with one of another text."""
        return any(
            first <= end and start <= last
            for first, last in self.spans
            for start, end in other.spans
        )

    def __contains__(self, year: int) -> bool:
        if self.onwards is not None and year >= self.onwards:
            return True
        return any(first <= year <= last for first, last in self.spans)


def asked_years(question: str) -> frozenset[int]:
    """The years that a question names; a number that may be none is none."""
    western = _western(question)
    if re.fullmatch(_YEAR, bare := western.strip(" ?？")):
        return frozenset([int(bare)])
    matches = _ASKED.finditer(western)
    return frozenset(int(year) for match in matches for year in match.groups() if year)


def _spans(plain: str) -> Iterator[tuple[int, int]]:
    for match in _SPAN.finditer(plain):
        first, last = int(match["first"]), int(match["last"])
        yield first, last if last > 99 else first // 100 * 100 + last


def _western(text: str) -> str:
    """The folded text with western years: 令和5〜9年度 is 2023~2027年度."""
    return re.sub("[〜～–—]", "~", fold(western_years(without_invisible(text))))
