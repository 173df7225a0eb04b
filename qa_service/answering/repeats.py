"""What about 2021?, 令和5年度は？, 民法では？: the question before once more, about another year or work."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qa_service.answering.works import LINK_JA, PART_JA, WORK_BEFORE_JA, WORK_JA
from qa_service.retrieval.western_years import ERA_STARTS

_ERA = "|".join(ERA_STARTS)
_YEAR_JA = re.compile(
    rf"(?:(?:{_ERA})\s?(?:元|[0-9０-９]{{1,2}}|[一二三四五六七八九十]{{1,3}})|[0-9０-９]{{4}})年度?版?"
)
_YEAR_EN = re.compile(r"(?<![0-9])(?:1[5-9]|20)[0-9]{2}(?![0-9])")
_END_JA = r"(?:は|では|の方は|の場合は)?(?:どう(?:ですか|でしたか)?)?\s*[？?]?$"
_ONLY_YEAR_JA = re.compile(rf"{LINK_JA}(?P<year>{_YEAR_JA.pattern}){_END_JA}")
_ONLY_YEAR_EN = re.compile(
    rf"(?:and\s|(?:what|how)\sabout\s)(?:in\s|for\s)?(?:fy\s?|fiscal\s(?:year\s)?)?(?P<year>{_YEAR_EN.pattern})\s*\??$",
    re.IGNORECASE,
)
_ONLY_WORK_JA = re.compile(rf"{LINK_JA}(?P<work>{WORK_JA.pattern}){_END_JA}")


def repeated(question: str, earlier: Iterable[str]) -> str:
    """The latest of the earlier questions with the year, or the work whose part it asks for, that the question puts
    in the place of its own; the question where it is more than that."""
    for only, put in (
        (_ONLY_YEAR_JA, _with_year_ja),
        (_ONLY_YEAR_EN, _with_year_en),
        (_ONLY_WORK_JA, _with_work),
    ):
        if match := only.match(question):
            for asked in earlier:
                if repeat := put(asked, match[match.lastgroup or 0]):
                    return repeat
    return question


def _with_year_ja(asked: str, year: str) -> str:
    """令和6年版 is the same kind of year as 令和5年版 alone."""
    found = [
        match
        for match in _YEAR_JA.finditer(asked)
        if match.group().endswith("版") is year.endswith("版")
    ]
    return _put(asked, found, year)


def _with_year_en(asked: str, year: str) -> str:
    return _put(asked, [*_YEAR_EN.finditer(asked)], year)


def _put(asked: str, found: list[re.Match[str]], put: str) -> str:
    """Nothing where there are two, of which no one knows which is meant."""
    return f"{asked[: found[0].start()]}{put}{asked[found[0].end() :]}" if len(found) == 1 else ""


def _with_work(asked: str, work: str) -> str:
    part = PART_JA.search(asked)
    if part is None or not (before := WORK_BEFORE_JA.search(asked, 0, part.start())):
        return ""
    return f"{asked[: before.start()]}{work}{asked[part.start() :]}"
