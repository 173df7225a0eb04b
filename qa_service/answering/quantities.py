"""Dates and quantities in a text, in one form for all spellings: 令和6年 = 2024年, 5万4,000 = 54,000.

A generated statement may use its own words, but a number either stands in the cited passage or it
does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from qa_service.answering.places import located_places, plain_text
from qa_service.reading.numbering import kanji_number, normalise
from qa_service.retrieval.terms import fold
from qa_service.retrieval.western_years import ERA_STARTS

_ERA_YEAR = re.compile(  # 令和6年, 平成元年, 令和6
    r"(?P<era>明治|大正|昭和|平成|令和)(?P<year>元|[0-9]{1,2}|[一二三四五六七八九十]{1,3})"
)
_DATE = re.compile(
    r"(?P<year>(?<![0-9])[0-9]{4}(?=\s?年)|(?P<same>同(?=年)))\s?年度?\s?の?"
    r"(?:\s?(?P<month>[0-9]{1,2})\s?月(?:\s?(?P<day>[0-9]{1,2})\s?日)?)?"  # 2015年4月27日, 同年12月
    r"|(?<![0-9])(?P<month_only>[0-9]{1,2})\s?月(?:\s?(?P<day_only>[0-9]{1,2})\s?日)?"  # 4月27日
    r"|(?<![0-9])(?P<iso_year>[0-9]{4})[-/](?P<iso_month>[0-9]{1,2})(?:[-/](?P<iso_day>[0-9]{1,2}))?(?![0-9])"
    r"|(?<![0-9.,])(?P<bare_year>1[5-9][0-9]{2}|20[0-9]{2})(?![0-9.,]*[0-9])"  # 1978, the 1990s
)
_MONTHS = {
    "january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4,
    "may": 5, "june": 6, "jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9,
    "sept": 9, "sep": 9, "october": 10, "oct": 10, "november": 11, "nov": 11, "december": 12,
    "dec": 12,
}  # fmt: skip
_MONTH_NAMES = "|".join(sorted(_MONTHS, key=len, reverse=True))
_ENGLISH_DATE = re.compile(  # April 27, 2015; 27 April 2015; May 2024; in April
    rf"(?:(?P<before>[0-9]{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?)?\b(?P<name>{_MONTH_NAMES})\b\.?"
    r"(?:\s+(?P<after>[0-9]{1,2})(?:st|nd|rd|th)?(?![0-9]))?(?:,?\s+(?P<year>[0-9]{4})(?![0-9]))?"
)
_MULTIPLIERS = {
    "千": 10**3, "万": 10**4, "億": 10**8, "兆": 10**12,
    "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_COUNTER = (
    "か国|カ国|ヵ国|ヶ国|箇国|国|か月|カ月|ヵ月|ヶ月|か所|カ所|ヵ所|ヶ所|箇所|年|月|日|時|分|秒|人|名|回|個|件|"
    "隻|機|基|台|社|校|者|割|倍|層|円|ドル|度|歳|世紀|週間|キロ|メートル|トン|つ|%|パーセント"
)
_QUANTITY = re.compile(  # 3か国, 5万4000人, 1.5倍, $3 billion
    r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s?(?P<multiplier>[千万億兆]|thousand|million|billion|trillion)?"
    rf"(?P<rest>[0-9]+)?\s?(?P<counter>{_COUNTER})?"
)
_KANJI_QUANTITY = re.compile(  # 三か国, 二国間, 十年; not 一時, 一部, 十分
    r"(?P<number>[一二三四五六七八九十百千]+)(?P<counter>か国|カ国|国(?![際家民連会内防土])|回|つ|件|人|名|年|隻|機)"
)
_NUMBER_WORDS = {
    "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12,
}  # fmt: skip
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(_NUMBER_WORDS)})\b")  # nine years
_SENTENCE_END = re.compile(r"[。\n]")
_SAME_COUNTERS = {"名": "人", "パーセント": "%"}


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date as far as it was given."""

    year: int | None = None
    month: int | None = None
    day: int | None = None

    def within(self, other: PartialDate) -> bool:
        """Whether `other` says all that this one says."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(mine is None or mine == theirs for mine, theirs in pairs)


@dataclass(frozen=True, slots=True)
class Quantity:
    """`counter` is empty when none of the Japanese counters follows the number."""

    value: Decimal
    counter: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The dates and quantities of one or more texts."""

    dates: frozenset[PartialDate]
    quantities: frozenset[Quantity]

    def missing_from(self, evidence: Figures) -> bool:
        """Whether `evidence` lacks any of these."""
        return any(not evidence.has_date(date) for date in self.dates) or any(
            not evidence.has_quantity(quantity) for quantity in self.quantities
        )

    def has_date(self, date: PartialDate) -> bool:
        if any(date.within(known) for known in self.dates):
            return True
        # "4月10日" under a "2024年" that stands further off: 2024年4月10日.
        yearless = PartialDate(None, date.month, date.day)
        return (
            date.month is not None
            and any(known.year is None and yearless.within(known) for known in self.dates)
            and any(known.year == date.year for known in self.dates)
        )

    def has_quantity(self, quantity: Quantity) -> bool:
        same = [known for known in self.quantities if known.value == quantity.value]
        if quantity.counter:
            return any(known.counter in ("", quantity.counter) for known in same)
        return bool(same) or any(
            quantity.value in (date.year, date.month, date.day) for date in self.dates
        )


def find_figures(text: str) -> Figures:
    """Dates and quantities; section and figure numbers are neither."""
    plain = plain_text(text)
    masked = list(plain)
    for _, start, end in located_places(plain):
        masked[start:end] = " " * (end - start)
    folded = fold("".join(masked))
    folded = _ERA_YEAR.sub(_western_year, folded)
    dates: set[PartialDate] = set()
    folded = _ENGLISH_DATE.sub(lambda match: _english_date(match, dates), folded)
    year = sentence_year = None
    rest: list[str] = []
    end = 0
    for match in _DATE.finditer(folded):
        if _SENTENCE_END.search(folded, end, match.start()):
            sentence_year = None
        date = _japanese_date(match, year, sentence_year)
        sentence_year = date.year or sentence_year
        year = date.year or year
        dates.add(date)
        rest.append(folded[end : match.start()])
        end = match.end()
    rest.append(folded[end:])
    return Figures(frozenset(dates), frozenset(_quantities("\n".join(rest))))


def _western_year(match: re.Match[str]) -> str:
    """令和6 -> 2024."""
    printed = match["year"]
    number = 1 if printed == "元" else int(normalise(printed))
    return f" {ERA_STARTS[match['era']] + number - 1}"


def _english_date(match: re.Match[str], dates: set[PartialDate]) -> str:
    day = match["before"] or match["after"]
    if match["name"] in ("may", "march", "mar") and not (day or match["year"]):
        return match.group()  # the verbs
    dates.add(
        PartialDate(
            int(match["year"]) if match["year"] else None,
            _MONTHS[match["name"]],
            int(day) if day else None,
        )
    )
    return "\n"


def _japanese_date(
    match: re.Match[str], year_before: int | None, sentence_year: int | None
) -> PartialDate:
    """同年 is the last year before; a bare month (2015年4月から5月まで) has its sentence's year."""

    def number(*names: str) -> int | None:
        return next((int(match[name]) for name in names if match[name]), None)

    printed = None if match["same"] else number("year", "iso_year", "bare_year")
    year = year_before if match["same"] else printed or sentence_year
    return PartialDate(
        year, number("month", "month_only", "iso_month"), number("day", "day_only", "iso_day")
    )


def _quantities(folded: str) -> Iterator[Quantity]:
    for match in _QUANTITY.finditer(folded):
        try:
            value = Decimal(match["number"])
        except InvalidOperation:  # pragma: no cover - the pattern lets only numbers through
            continue
        if match["multiplier"]:
            value = value * _MULTIPLIERS[match["multiplier"]] + int(match["rest"] or 0)
        yield Quantity(value, _counter(match["counter"]))
    for match in _KANJI_QUANTITY.finditer(folded):
        yield Quantity(Decimal(kanji_number(match["number"])), _counter(match["counter"]))
    for match in _NUMBER_WORD.finditer(folded):
        yield Quantity(Decimal(_NUMBER_WORDS[match.group()]), "")


def _counter(printed: str | None) -> str:
    """か国, カ国 and 国 are one; 名 and 人 are one."""
    if not printed:
        return ""
    bare = re.sub("^[かカヵヶ箇]", "", printed)
    return _SAME_COUNTERS.get(bare, bare)
