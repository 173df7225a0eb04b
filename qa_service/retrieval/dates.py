"""Months and days in text, Japanese and English, in one form: 4月10日, 四月十日 and April 10 are one date.

Years are `terms`' (`=2024`), since they stand alone as often. A number of months is no month (六月以内, 3か月), and
"may" and "march" are words of every sentence: they count only as English writes the months.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_KANJI_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")}
_NUMBER = r"\d{1,2}|[〇一二三四五六七八九十]{1,3}"
# 4月, 4月10日, 四月十日, 4 月 10 日, 4月10号; not 六月以内, 6月間, 2024月
_JAPANESE = re.compile(
    rf"(?<![\d〇一二三四五六七八九十])(?P<month>{_NUMBER})\s?月"
    r"(?!間|以内|以上|以下|未満|を超|を経)"
    rf"(?:\s?(?P<day>{_NUMBER})\s?[日号])?"
)
_NAMES = "|".join(name.capitalize() for name in MONTHS if name not in ("march", "may"))
_SHORT = "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
# April, April 10, 10 April, 10th of April, Apr. 10, JUNE. May and March only after a preposition or a day,
# or before a number (May 2015); never "may" and "march".
_ENGLISH = re.compile(
    rf"(?:(?<!\w)(?P<before>{_DAY})(?: of)? )?"
    rf"\b(?P<month>{_NAMES}|{_NAMES.upper()}|(?:{_SHORT})(?=\.? \d)"
    r"|(?:March|May)(?=,? \d)|(?<=\d )(?:March|May)|(?<=(?:st|nd|rd|th|of) )(?:March|May)"
    r"|(?<=(?:in|by|to) )(?:March|May)|(?<=(?:from|last|next|late|till) )(?:March|May)"
    r"|(?<=(?:since|until|early|after) )(?:March|May))\b\.?"
    rf"(?: (?P<after>{_DAY})(?![\w.]))?"
)


@dataclass(frozen=True, slots=True)
class Date:
    """`text` as it stands there; `month` is 1 to 12, `day` 1 to 31 where one is named."""

    text: str
    month: int
    day: int | None


def find_dates(text: str) -> Iterator[Date]:
    """Japanese ones first, each kind in the order of the text."""
    plain = unicodedata.normalize("NFKC", text)
    for match in _JAPANESE.finditer(plain):
        month = small_number(match["month"])
        if 1 <= month <= len(MONTHS):
            yield Date(match.group(), month, _day(match["day"]))
    for match in _ENGLISH.finditer(plain):
        name = match["month"].lower()
        month = next(n for n, each in enumerate(MONTHS, start=1) if each.startswith(name[:3]))
        yield Date(match.group(), month, _day(match["before"] or match["after"]))


def small_number(text: str) -> int:
    """元, 6, 三十五 or 二〇 as a number, up to 99."""
    if text == "元":
        return 1
    if text.isdigit():
        return int(text)
    if "十" not in text:
        return int("".join(str(_KANJI_DIGITS[digit]) for digit in text))
    tens, _, ones = text.rpartition("十")
    return 10 * _KANJI_DIGITS.get(tens, 1) + _KANJI_DIGITS.get(ones, 0)


def _day(text: str | None) -> int | None:
    if text is None:
        return None
    day = small_number(
        text.removesuffix("st").removesuffix("nd").removesuffix("rd").removesuffix("th")
    )
    return day if 1 <= day <= 31 else None
