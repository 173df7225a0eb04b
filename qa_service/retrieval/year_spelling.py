"""The years of a question as the documents write them: 2022年度 is 令和4年度 where they count by eras.

The same year has one term in every spelling (`terms`), but word pieces do not know that. A 年度, which runs from April
to March, stays one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from qa_service.retrieval.dates import small_number
from qa_service.retrieval.language import QUOTED
from qa_service.retrieval.terms import ERA_STARTS, LATIN_ERAS, fold

_STARTS = dict(ERA_STARTS)  # of 令和, reiwa and r
for _latin, _era in LATIN_ERAS.items():
    _STARTS |= dict.fromkeys((_latin, _latin[0]), ERA_STARTS[_era])

_WESTERN = r"(?<![0-9])(?P<western>(?:1[5-9]|20)[0-9]{2})(?![0-9])"
_KANJI = "一二三四五六七八九十"
_YEAR, _FISCAL_YEAR = "年", "年度"
# 2022年度, 令和四年, R4年度; not 2000年前, 1980年代, nor 令和6年版, which is an edition
_JAPANESE = re.compile(
    rf"(?:{_WESTERN}|(?<![a-z])(?P<era>{'|'.join(_STARTS)})\s?(?P<number>元|[0-9]{{1,2}}|[{_KANJI}]{{1,3}}))\s?"
    r"(?P<unit>年度(?!版)|年(?![間代版度]|前(?!半)|以上))",
    re.IGNORECASE,
)
# in 2022, fiscal 2022, 町のFY2022, Reiwa 4; not 2022 people, FY2022-23
_ENGLISH = re.compile(
    r"(?:(?P<fiscal>(?<![a-z])(?:fiscal(?:\s+year)?\s|J?FY\s?))"
    r"|\b(?:in|since|by|until|till|before|after|during|from|to|between|and|year)\s"
    rf"|\b(?=(?:{'|'.join(LATIN_ERAS)})\s))"
    rf"(?:{_WESTERN}|(?P<era>{'|'.join(LATIN_ERAS)})\s(?P<number>[0-9]{{1,2}})(?![0-9a-z]))"
    r"(?!\s?[-~–,.]\s?[0-9]|\s(?:people|yen|dollars|units|ships|aircraft|members|persons|percent))",
    re.IGNORECASE,
)
# 令和4年度と5年度, 2022～2023年度: the second has its era or its unit from the first
_SPAN = re.compile(
    rf"(?:から|[~〜\-・,、と])\s?(?:元|[0-9]{{1,2}}|[{_KANJI}]{{1,3}})\s?年|[0-9]\s?[~〜\-]\s?[0-9]"
)


@dataclass(frozen=True, slots=True)
class WrittenYear:
    """A year as it stands somewhere: `text` with its `unit`, 年, 年度 or nothing; `calendar` an era, or nothing."""

    text: str
    unit: str
    calendar: str


Spellings = Mapping[WrittenYear, int]
"""How often a year stands in some texts, by how it is written."""


def spellings_in(texts: Iterable[str], year: int) -> Spellings:
    return Counter(each for text in texts for each in _written_in(fold(text), year))


def spell_years(question: str, spellings_of: Callable[[int], Spellings]) -> str:
    """The question, each of its years as most texts that speak of it write it, where none writes it as the question
    does; what is quoted, and spans of years, stay."""
    plain = unicodedata.normalize("NFKC", question)
    if _SPAN.search(plain):
        return question
    written = _outside_quotes(_JAPANESE, lambda match: _japanese(match, spellings_of), plain)
    written = _outside_quotes(_ENGLISH, lambda match: _english(match, spellings_of), written)
    return question if written == plain else written


def _outside_quotes(
    pattern: re.Pattern[str], spelled: Callable[[re.Match[str]], str], text: str
) -> str:
    quoted = [match.span() for match in QUOTED.finditer(text)]
    return pattern.sub(
        lambda match: (
            match.group()
            if any(start <= match.start() < end for start, end in quoted)
            else spelled(match)
        ),
        text,
    )


def _japanese(match: re.Match[str], spellings_of: Callable[[int], Spellings]) -> str:
    calendar = (match["era"] or "").lower()
    found = spellings_of(_year(match))
    units = {match["unit"]}
    if match.string.startswith("の", match.end()) and all(each.unit != _YEAR for each in found):
        units.add(_FISCAL_YEAR)  # 2023年の歳出, where that year is only told as a 年度
    same = [each for each in found if each.unit in units]
    if not same or any(each.calendar == calendar for each in same):
        return match.group()
    return max(same, key=lambda each: found[each]).text


def _english(match: re.Match[str], spellings_of: Callable[[int], Spellings]) -> str:
    year = _year(match)
    found = spellings_of(year)
    printed = match.start("western" if match["western"] else "era") - match.start()
    before = "" if match["fiscal"] else match.group()[:printed]
    if not match["fiscal"] and any(not each.calendar for each in found):
        return f"{before}{year}"
    for unit in (_FISCAL_YEAR,) if match["fiscal"] else (_YEAR, _FISCAL_YEAR):
        same = [each for each in found if each.unit == unit]
        if same and all(each.calendar for each in same):
            return before + max(same, key=lambda each: found[each]).text
    return match.group()


def _written_in(folded: str, year: int) -> Iterator[WrittenYear]:
    for match in _JAPANESE.finditer(folded):
        if _year(match) == year:
            yield WrittenYear(match.group(), match["unit"], match["era"] or "")
    if any(int(each) == year for each in re.findall(_WESTERN, folded)):
        yield WrittenYear(str(year), "", "")


def _year(match: re.Match[str]) -> int:
    if match["western"]:
        return int(match["western"])
    return _STARTS[match["era"].lower()] + small_number(match["number"]) - 1
