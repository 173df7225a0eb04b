"""第2条は？ behind 青葉市公園条例第1条の内容: the part of a work that was named before is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = r"\u30a1-\u30fa\u30fc-\u30ff\u3005\u3400-\u9fffA-Za-z0-9"
_BEHIND_JA = r"(?!(?!第)[\u30a1-\u30ff\u3400-\u9fff])"  # not 第1部隊
PART_JA = re.compile(
    rf"第\s?[0-9０-９一二三四五六七八九十百]{{1,5}}\s?(?P<unit>[部編章節条]){_BEHIND_JA}"
)
LINK_JA = r"(?:では|それでは|じゃあ|次に|続いて)?、?\s*"
_BEGINS_JA = re.compile(rf"{LINK_JA}(?P<part>{PART_JA.pattern})")
# What works are called by: 青葉市公園条例, 日米防衛協力のための指針; not 同法, 上記の規則.
_WORK = (
    rf"[{_NAME}](?:[{_NAME}]|のための|に関する|に係る|及び|並びに|の){{0,40}}"
    r"(?:法律?|条例|規則|規程|要綱|要領|計画|条約|協定|憲法|白書|報告書|指針|方針|ガイドライン|大綱|戦略|基準|憲章|宣言|議定書"
    r"|政令|省令|章程|定款|約款|規約|書)"
)
# 第3項は？, 同条第2項は？
_BEGINS_PARAGRAPH = re.compile(
    rf"{LINK_JA}(?:同条の?)?(?P<part>第\s?[0-9０-９一二三四五六七八九十]{{1,3}}\s?[項号])"
)
_ARTICLE_JA = re.compile(
    r"第\s?[0-9０-９一二三四五六七八九十百]{1,5}\s?条(?:の[0-9０-９一二三四五六七八九十]{1,3})?"
)
WORK_BEFORE_JA = re.compile(
    rf"[「『]?(?P<work>{_WORK})[」』]?(?:[（(][^（）()]{{1,30}}[）)])?の?\s?$"
)
WORK_JA = re.compile(_WORK)
_POINTING = ("同", "本", "当該", "上記", "前記", "改正")
_PART_EN = r"(?P<unit>part|chapter|section|article)\s[0-9IVX]{1,5}(?:[.-][0-9]{1,3}){0,3}\b"
_BEGINS_EN = re.compile(
    r"\s*(?:(?:and|then|now)\b,?\s*)?(?:(?:what|how)\sabout\s)?"
    rf"(?P<part>{_PART_EN})(?P<rest>\W*)$",
    re.IGNORECASE,
)
_CAPITAL = r"(?!(?:Show|Tell|Give|Explain|Summari[sz]e|What|See|In)\b)[A-Z0-9][\w.&'’-]*"
_MORE = rf"(?:(?:\s(?:of|for|on|and|the|to|in)){{0,2}}\s{_CAPITAL})"
_KIND = r"(?:\s(?:report|plan|act|paper|guidelines|treaty|code|law)\b)?"
_OF_WORK_EN = re.compile(
    rf"\b(?i:{_PART_EN})\sof\s(?P<work>(?:the\s)?{_CAPITAL}{_MORE}{{0,12}}{_KIND})"
)
_WORK_FIRST_EN = re.compile(rf"(?P<work>(?:\bthe\s)?\b{_CAPITAL}{_MORE}{{1,12}}),\s(?i:{_PART_EN})")


def within_work(question: str, earlier: Iterable[str]) -> str:
    """The question with the work that one of the earlier ones, latest first, names a part of the same unit of; as it
    is where it begins with no such part, or names a work itself, or none of them does."""
    if begins := _BEGINS_JA.match(question):
        if WORK_JA.search(question, begins.end()):
            return question
        for asked in earlier:
            if work := _work_japanese(asked, begins["unit"]):
                return f"{work}{question[begins.start('part') :]}"
    elif begins := _BEGINS_PARAGRAPH.match(question):
        for asked in (earlier := [*earlier]):
            if article := _ARTICLE_JA.search(asked):
                before = WORK_BEFORE_JA.search(asked, 0, article.start())
                named = f"{before['work'] if before else ''}{article.group()}"
                whole = within_work(named, earlier[earlier.index(asked) + 1 :])
                return f"{whole}{question[begins.start('part') :]}"
    elif begins := _BEGINS_EN.match(question):
        for asked in earlier:
            if work := _work_english(asked, begins["unit"]):
                return f"{begins['part']} of {work}{begins['rest']}"
    return question


def names_part(question: str) -> bool:
    """第2条は？, Chapter 2?"""
    return bool(PART_JA.search(question) or re.search(rf"(?i)\b{_PART_EN}", question))


def _work_japanese(asked: str, unit: str) -> str:
    """That whose part is named last."""
    for part in reversed([*PART_JA.finditer(asked)]):
        before = WORK_BEFORE_JA.search(asked, 0, part.start())
        if part["unit"] == unit and before and not before["work"].startswith(_POINTING):
            return before["work"]
    return ""


def _work_english(asked: str, unit: str) -> str:
    for pattern in (_OF_WORK_EN, _WORK_FIRST_EN):
        for named in pattern.finditer(asked):
            if named["unit"].lower() == unit.lower():
                return str(named["work"])
    return ""
