"""Years in one spelling: 令和4年度, R4年度 and Reiwa 4 are 2022, FY2022 is fiscal year 2022.

Word pieces and words know nothing of eras, and documents count by both, so what is matched of questions and passages
is read with western years. What is shown and quoted stays as it is printed. An era's first year is the western one
that it began in; a 年度, which runs from April to March, is named by the year in which it begins.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from qa_service.retrieval.dates import small_number

ERA_STARTS = {"明治": 1868, "大正": 1912, "昭和": 1926, "平成": 1989, "令和": 2019}
LATIN_ERAS = dict(zip(("meiji", "taisho", "showa", "heisei", "reiwa"), ERA_STARTS, strict=True))
_STARTS = dict(ERA_STARTS)  # of 令和, reiwa and r
for _latin, _era in LATIN_ERAS.items():
    _STARTS |= dict.fromkeys((_latin, _latin[0]), ERA_STARTS[_era])

_ERA = "|".join(ERA_STARTS)
_NUMBER = r"元|[0-9０-９]{1,2}|[一二三四五六七八九十]{1,3}"
_LENGTH = r"間|生(?!ま)|目"  # 30年間, 2年生: no year
_DASHES = r"~〜～\-‐-―−–—ー"
# 令和6年, 令和6 (in a table), (令和6), R4年度; not 昭和四天王, 昭和2丁目, H2, M7)
_YEAR = re.compile(
    rf"(?P<era>{_ERA})(?:\s?(?P<year>{_NUMBER})(?=\s?年(?!{_LENGTH}))"
    rf"|(?P<bare>元|[0-9０-９]{{1,2}})(?![0-9０-９.]|\s?(?:年|丁目|番|条|号|[{_DASHES}]\s?[0-9０-９])))"
    rf"|(?<![A-Za-z0-9Ａ-Ｚ０-９])(?P<initial>[MTSHRＭＴＳＨＲ])(?P<short>元|[0-9０-９]{{1,2}})(?=年(?!{_LENGTH}))"
)
# 令和5~9年度, 令和4年度と5年度, 昭和60年から63年まで: the second has no era of its own; not 令和2年、5年ごとに
_SPAN = re.compile(
    rf"(?P<era>{_ERA})\s?(?P<year>{_NUMBER})"
    rf"(?P<between>\s?(?:[{_DASHES}・,、]|年度?(?:から|[{_DASHES}])|年度[・,、と])\s?)"
    rf"(?P<last>{_NUMBER})(?=年度|年(?:まで|の|に(?!わた)|[)）。、]|$))"
)
_LATIN = re.compile(
    rf"\b(?P<era>{'|'.join(LATIN_ERAS)})\s(?P<year>[0-9]{{1,2}})(?![0-9a-z]|\.[0-9]|\s?[{_DASHES}]|\s(?:years?|chome|ban)\b)",
    re.IGNORECASE,
)
_FISCAL = re.compile(
    r"(?<![a-z])J?FY\s?(?P<year>(?:19|20)[0-9]{2})(?![0-9])(?:年度?)?", re.IGNORECASE
)
_JAPANESE = re.compile(r"[\u3040-\u9fff]")
_KANJI = re.compile(r"[一二][〇一二三四五六七八九]{3}(?=年)")  # 二〇三〇年
_KANJI_DIGITS = str.maketrans("〇一二三四五六七八九", "0123456789")
_MAY_HOLD = re.compile(
    rf"{_ERA}|[MTSHR](?:元|[0-9])|FY|[一二][〇一二三四五六七八九]|{'|'.join(LATIN_ERAS)}",
    re.IGNORECASE,
)


def western_years(text: str) -> str:
    """The text, NFKC-folded, with all years as western ones."""
    plain = unicodedata.normalize("NFKC", text)
    if not _MAY_HOLD.search(plain):
        return plain
    plain = _KANJI.sub(lambda match: match.group().translate(_KANJI_DIGITS), plain)
    plain = _SPAN.sub(_western_span, plain)
    for pattern in (_YEAR, _LATIN):
        plain = pattern.sub(lambda match: _parted(match, _western(match)), plain)
    return _FISCAL.sub(_spelled_out, plain)


def era_years(text: str) -> Iterator[tuple[str, int]]:
    """What counts a year by its era, as it stands in a text (令和4), and the western year; both of a span."""
    for match in _SPAN.finditer(text):
        for year in _both(match):
            yield match.group(), year
    for pattern in (_YEAR, _LATIN):
        for match in pattern.finditer(text):
            yield match.group(), _western(match)


def _western(match: re.Match[str]) -> int:
    named = match.groupdict()
    era = unicodedata.normalize("NFKC", named["era"] or named["initial"]).lower()
    number = named["year"] or named.get("bare") or named["short"]
    return _STARTS[era] + small_number(number) - 1


def _both(match: re.Match[str]) -> tuple[int, ...]:
    """The years of a span; none where the second is no later one."""
    first, last = small_number(match["year"]), small_number(match["last"])
    return (_western(match), _western(match) + last - first) if last > first else ()


def _western_span(match: re.Match[str]) -> str:
    years = _both(match)
    return _parted(match, match["between"].join(map(str, years))) if years else match.group()


def _parted(match: re.Match[str], year: int | str) -> str:
    """Kept apart from a digit before it: ①令和4年度."""
    before = match.string[match.start() - 1 : match.start()]
    return f" {year}" if before.isdecimal() else str(year)


def _spelled_out(match: re.Match[str]) -> str:
    """FY2022の is 2022年度の, in FY2022 in fiscal year 2022."""
    japanese = match.group().endswith(("年", "度")) or _JAPANESE.match(match.string, match.end())
    return f"{match['year']}年度" if japanese else f"fiscal year {match['year']}"
