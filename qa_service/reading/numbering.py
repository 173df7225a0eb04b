"""Printed numbers: recognised, normalised, compared. For documents and for questions.

A number is printed in many ways (Ⅲ, III, ３, 三), and a label in more (図表Ⅲ-2-1-1, 第1−4−4図,
表 3.1, Figure III-2-1-1, 別表第一). Here each gets one canonical form. Which numbers exist in a
document is for `structure` to say; whether a question's number is one of them is for
`retrieval.labels`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

_DASH = "[-‐‑‒–—―−ー－]"
_ROMAN = "[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹ]|[IVX]{1,5}(?![A-Za-z])|[ivx]{1,5}(?![A-Za-z])"
_KANJI = "[〇一二三四五六七八九十百千]"
_DIGIT = "[0-9０-９]"
_DIGITS = f"{_DIGIT}{{1,4}}(?!{_DIGIT})"  # no printed number is longer: bounded, so always quick
_CIRCLED = "[①-⑳㉑-㉟㊱-㊿]"
_ATOM = rf"(?:{_DIGITS}|{_ROMAN}|[A-Z](?![A-Za-z]))"  # 3, ３, Ⅲ, III, A
_GROUP = rf"(?:{_ATOM}|[（(]{_ATOM}[）)])"  # 2, (1)
_NEXT = rf"(?:(?:\s?{_DASH}\s?|[.．]){_GROUP})"  # -2, .1
_CHAIN = rf"{_GROUP}{_NEXT}{{0,6}}"  # Ⅲ-2-1-1, 2-(1)-2, 3.1
_LONG_CHAIN = rf"{_GROUP}{_NEXT}{{1,6}}"  # at least two parts

_CIRCLES = "".join(
    map(chr, [*range(0x2460, 0x2474), *range(0x3251, 0x3260), *range(0x32B1, 0x32C0)])
)
_KATAKANA = (
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワ"
)
_ROMANISED = [
    "a",
    "i",
    "u",
    "e",
    "o",
    "ka",
    "ki",
    "ku",
    "ke",
    "ko",
    "sa",
    "shi",
    "su",
    "se",
    "so",
    "ta",
    "chi",
    "tsu",
    "te",
    "to",
    "na",
    "ni",
    "nu",
    "ne",
    "no",
    "ha",
    "hi",
    "fu",
    "he",
    "ho",
    "ma",
    "mi",
    "mu",
    "me",
    "mo",
    "ya",
    "yu",
    "yo",
    "ra",
    "ri",
    "ru",
    "re",
    "ro",
    "wa",
]
_KANJI_VALUES = {kanji: value for value, kanji in enumerate("〇一二三四五六七八九")}
_KANJI_UNITS = {"十": 10, "百": 100, "千": 1000}
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_ROMAN_LETTERS = frozenset("ivx")  # alone, l and c are letters

# --- labels of figures, tables and appendices ---------------------------------------------------

_KINDS = {
    "図表": "figure", "図": "figure", "figure": "figure", "fig": "figure", "chart": "figure",
    "表": "table", "table": "table",
    "別表": "annex-table", "付表": "annex-table", "附表": "annex-table",
    "別図": "annex-figure", "付図": "annex-figure", "附図": "annex-figure",
    "資料": "appendix", "reference": "appendix", "appendix": "appendix", "参考資料": "appendix",
    "写真": "photo", "photo": "photo",
}  # fmt: skip
_ALONE = r"(?<![\u3400-\u9fff])"  # 表1, but not 代表1
_NO_COUNT = "(?![点枚件人名社個冊年月日%％割倍])"  # 資料5点, 図3枚 count; they name nothing
_NO_WORD = "(?![現示明面書紙形式解鑑る])"  # 1-1図書, 3.1表現
_ENGLISH = "Figure|Fig|Chart|Table|Reference|Appendix|Photo"
_LABEL = re.compile(
    rf"(?P<word>図表|[別付附][表図]|参考資料|資料|{_ALONE}(?:写真|図|表))\s?(?:第\s?)?"
    rf"(?P<after>{_CHAIN}{_NO_COUNT}|(?<=第){_KANJI}{{1,7}})"  # 図表Ⅲ-2-1-1, 表 3.1, 別表第一
    rf"|第\s?(?P<between>{_CHAIN})\s?(?P<suffix>図表|図|表){_NO_WORD}"  # 第1−4−4図, 第2-(1)-2図
    rf"|(?<![0-9０-９.．-])(?P<before>{_LONG_CHAIN})\s?(?P<tail>図表|図|表){_NO_WORD}"  # 2-2-1図
    # Figure III-2-1-1, Tables 3, Fig. A; "table i" only where the word is a name or more follows
    rf"|\b(?P<english>{_ENGLISH}|(?i:{_ENGLISH})(?=s?\.?\s?(?:{_DIGIT}|{_LONG_CHAIN})))"
    rf"(?i:s)?\.?\s?(?P<number>{_CHAIN})"
)


@dataclass(frozen=True, slots=True)
class Label:
    """A figure, table, photo or appendix number as it stands in a text.

    `kind` is figure, table, annex-table, annex-figure, appendix or photo; `parts` the number's
    parts, normalised (("3", "2", "1", "1")); `start` and `end` the place in the text.
    """

    kind: str
    parts: tuple[str, ...]
    text: str
    start: int
    end: int

    @property
    def id(self) -> str:
        """The canonical form, shared by all spellings: `figure-3-2-1-1`."""
        return "-".join((self.kind, *self.parts))

    def names(self, id: str) -> bool:
        """Whether a reader who writes this label means the element `id`.

        図表, 図, 表, Figure and Table are used for one another; 資料 and 別表 are not.
        """
        loose = {"figure", "table"}
        kind, _, number = id.partition("-")
        if self.kind in loose and kind in loose:
            return number == "-".join(self.parts)
        return id == self.id


def find_labels(text: str) -> tuple[Label, ...]:
    """All labels in a text, in order: 図表Ⅲ-2-1-1, 資料23, Figure 3.1, 別表第一.

    資料 without a number (資料：環境省) is a source line and no label.
    """
    return tuple(label for match in _LABEL.finditer(text) if (label := _label(match)))


def label_at_start(text: str) -> Label | None:
    """The label that a caption opens with: `図表Ⅲ-2-1-1 日米…` but not `図を見る`."""
    bare = text.lstrip("*# 　\t【[〔<＜")
    match = _LABEL.match(bare)
    label = _label(match) if match else None
    if label is None:
        return None
    shift = len(text) - len(bare)
    return replace(label, start=label.start + shift, end=label.end + shift)


def _label(match: re.Match[str]) -> Label | None:
    word = match["word"] or match["suffix"] or match["tail"] or match["english"]
    number = match["after"] or match["between"] or match["before"] or match["number"]
    parts = tuple(normalise(part) for part in _split(number))
    if not all(parts):
        return None
    return Label(_KINDS[word.lower()], parts, match.group(), match.start(), match.end())


def _split(chain: str) -> list[str]:
    return re.split(rf"\s?{_DASH}\s?|[.．]", chain)  # 2-(1)-2 -> 2, (1), 2


def normalise(number: str) -> str:
    """One part of a number in one form: Ⅲ, III, ３, 三, ③ and (3) are `3`; ア is `ア`; A is `a`.

    Empty for text that is no number.
    """
    bare = unicodedata.normalize("NFKC", number).strip("()（）.． 　")
    if bare.isascii() and bare.isdigit():
        return bare.lstrip("0") or "0"
    if bare and all(character in _KANJI_VALUES or character in _KANJI_UNITS for character in bare):
        return str(kanji_number(bare))
    lower = bare.lower()
    if lower in _ROMAN_LETTERS or (len(lower) > 1 and set(lower) <= _ROMAN_VALUES.keys()):
        return str(_roman_number(lower))
    if len(bare) == 1 and (bare in _KATAKANA or bare.isalpha()):
        return lower
    return ""


def kanji_number(text: str) -> int:
    """二十五 -> 25, 百三 -> 103, 一九七八 -> 1978, 〇 -> 0."""
    if not any(character in _KANJI_UNITS for character in text):
        return int("".join(str(_KANJI_VALUES[character]) for character in text))
    total = digit = 0
    for character in text:
        if character in _KANJI_UNITS:
            total += (digit or 1) * _KANJI_UNITS[character]
            digit = 0
        else:
            digit = _KANJI_VALUES[character]
    return total + digit


def _roman_number(text: str) -> int:
    """iv -> 4, xii -> 12."""
    values = [_ROMAN_VALUES[character] for character in text]
    following = [*values[1:], 0]
    return sum(
        -value if value < after else value for value, after in zip(values, following, strict=True)
    )


# --- places: 第3章第1節, 第3条の2第1項第二号 ------------------------------------------------------

_STEP = re.compile(
    rf"第?(?P<number>{_DIGIT}{{1,4}}|[Ⅰ-Ⅻ]|{_KANJI}{{1,7}})(?P<unit>[部編章節款目条項号])"
    rf"(?:の(?P<branch>{_DIGIT}{{1,4}}|{_KANJI}{{1,7}}))?(?:の(?=第?[0-9０-９Ⅰ-Ⅻ{_KANJI[1:]}))?"
)


def find_place(text: str) -> tuple[str, ...]:
    """The first place that a text names, step by step: 第3条の2第1項 -> ("3.2条", "1項")."""
    steps: list[str] = []
    first = _STEP.search(text)
    position = first.start() if first else 0
    while match := _STEP.match(text, position):
        branch = f".{normalise(match['branch'])}" if match["branch"] else ""
        steps.append(f"{normalise(match['number'])}{branch}{match['unit']}")
        position = match.end()
    return tuple(steps)


# 第7条, 第七条の二, Article 7, Article VII
_ARTICLE = re.compile(
    rf"第\s?(?P<number>{_DIGIT}{{1,4}}|{_KANJI}{{1,7}})\s?条(?:の(?P<branch>{_DIGIT}{{1,4}}|{_KANJI}{{1,7}}))?"
    r"|\barticles?\s+(?P<english>[0-9]{1,4}|[IVXLC]{1,7})\b",
    re.IGNORECASE,
)


def find_articles(text: str) -> tuple[str, ...]:
    """The numbers of the articles that a text names, of whatever treaty or law: 第7条の2 -> ("7.2",)."""
    found = []
    for match in _ARTICLE.finditer(text):
        number = normalise(match["number"] or match["english"])
        found.append(f"{number}.{normalise(match['branch'])}" if match["branch"] else number)
    return tuple(found)


# --- heading numbers ------------------------------------------------------------------------------

UNITS = ("部", "編", "章", "節", "款", "目", "条", "項", "号")
_UNIT_RANK = {"編": 0, "部": 1, **{unit: rank for rank, unit in enumerate(UNITS[2:], start=2)}}
_LEVELS = ("Ⅰ", "1", "decimal", "(1)", "①", "ア", "(ア)", "a", "(a)", "ⅰ")
_NUMERAL = rf"(?:{_DIGITS}|{_KANJI}{{1,7}}|{_ROMAN})"
_JAPANESE = "[\u3041-\u30ff\u3400-\u9fff]"
_ENGLISH_UNITS = {
    "title": 0, "schedule": 0, "annex": 0, "part": 1, "chapter": 2, "section": 3, "article": 6,
}  # fmt: skip
_ENGLISH_UNIT = "|".join(_ENGLISH_UNITS)
_HEADING = re.compile(
    rf"第\s?(?P<unit_number>{_NUMERAL})\s?(?P<unit>[部編章節款目条項号])"
    rf"(?:の(?P<branch>{_NUMERAL}))?"
    r"(?=[\s　:：（(「]|$|(?<=[編章節款])[ァ-ヶ\u4e00-\u9fff](?<![以第各内中]))"  # 第1章総則
    rf"|(?i:{_ENGLISH_UNIT})\s{{1,3}}(?P<english>{_NUMERAL}|[A-Z])"  # Part I, SCHEDULE 2, Annex B
    rf"(?=[\s:—–]|[.](?!{_DIGIT})|$)"
    rf"|(?:(?i:Section)\s{{1,3}})?"  # 1.2.3 Title, Section 1.2: Title
    rf"(?P<decimal>{_DIGITS}(?:[.．]{_DIGITS}){{1,6}})[.．]?(?=[\s　]|:[ ])"
    rf"|[（(](?P<bracketed>{_DIGITS}|{_KANJI}{{1,7}})[）)]|(?P<enclosed>[⑴-⒇])"  # (1) （一） ⑴
    rf"|(?P<circled>{_CIRCLED})"
    rf"|[（(](?P<bracketed_kana>[ア-ン])[）)]"  # (ア)
    rf"|[（(](?P<bracketed_letter>[a-z])[）)]"  # (a)
    rf"|(?P<plain>{_DIGIT}{{1,3}}(?!{_DIGIT}))(?:[.．、](?!{_DIGIT})|(?=[\s　]))"  # 1 意義, 1．意義
    rf"|(?P<kanji>{_KANJI}{{1,7}})(?=[\s　、])"  # 一　総則
    rf"|(?P<kana>[ア-ン])(?=[\s　．.])"  # ア　目的
    rf"|(?P<letter>[a-z](?=[．.)]|[ 　]{_JAPANESE})|[ａ-ｚ](?=[\s　．.)]))"  # a. Aim, ａ　目的
    r"|(?P<roman>[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ](?=[.．\s　])|[IVX]{2,5}(?=[.\s])"  # Ⅱ 総論, II Title
    rf"|[IVX](?=[.．][\s　]|[ 　]{_JAPANESE}))[.．]?(?=[\s　])"  # V. Title, but not "I think"
)
# a. Aim, 一、総則, Part II: Intro, Part 1 — General
_BEHIND_NUMBER = re.compile(r"(?:[.．、:：)）]|[ \t]?[—–](?=[ \t]?\w))?[ \t　]*")


_SUPPLEMENT = re.compile(
    r"附[ 　]?則(?:[ 　]?抄|[ 　]?[（(][^（()）]{1,40}[）)][ 　]?抄?)?$"
)  # 附則, 附　則　抄, 附則（令和五年法律第四十七号）


_ANNEX = re.compile(
    rf"(?:別表|別図|別記|様式)(?:第?(?:{_DIGITS}|{_KANJI}{{1,7}})号?)?(?:[（(][^（()）]{{1,40}}[）)])?$"
)  # 別表第一（第三条関係）, 様式第2号, 別記


def is_annex(heading: str) -> bool:
    """A line that is the title of what follows the articles of a law: 別表第一（第三条関係）, 様式第1号."""
    return _ANNEX.match(heading) is not None


def is_supplement(heading: str) -> bool:
    """附則: it has no number, but its articles begin again with 第一条."""
    return _SUPPLEMENT.match(heading) is not None


@dataclass(frozen=True, slots=True)
class HeadingNumber:
    """The number that a heading opens with.

    `level` names its form (`節`, `1`, `(1)`, `①`, `ア`); `rank` orders the forms, lower is higher
    in the hierarchy; `values` is the number, 第3条の2 being (3, 2) and 1.2.3 being (1, 2, 3).
    `printed` is the number as it stands, `length` how much of the heading it takes with the space
    behind it.
    """

    level: str
    rank: int
    values: tuple[int, ...]
    printed: str
    length: int

    @property
    def is_english(self) -> bool:
        """Part 2, Schedule 1: a word and a number."""
        return self.level in _ENGLISH_UNITS

    @property
    def part(self) -> str:
        """Its part of a section id: `1`, `3.2` for 第3条の2, `ka` for カ."""
        if self.level in ("ア", "(ア)"):
            return _ROMANISED[self.values[0] - 1]
        if self.level in ("a", "(a)"):
            return chr(ord("a") + self.values[0] - 1)
        return ".".join(map(str, self.values))


def heading_number(text: str) -> HeadingNumber | None:
    """The number at the start of a heading, None for a heading without one."""
    match = _HEADING.match(text)
    if match is None:
        return None
    form = match.lastgroup if match.lastgroup != "branch" else "unit"
    if match["unit"]:
        values = [int(normalise(match["unit_number"]) or 0)]
        if match["branch"]:
            values.append(int(normalise(match["branch"]) or 0))
        level, rank = match["unit"], _UNIT_RANK[match["unit"]]
    elif match["english"]:
        word = text.split()[0].lower()
        number = normalise(match["english"])
        values, level = [int(number) if number.isdecimal() else ord(number) - ord("a") + 1], word
        rank = _ENGLISH_UNITS[word]
    else:
        values, level = _values_and_level(form or "", match)
        rank = len(UNITS) + _LEVELS.index(level)
    if not all(value > 0 for value in values[:1]):
        return None
    behind = _BEHIND_NUMBER.match(text, match.end())
    length = behind.end() if behind else match.end()
    printed = match.group().strip().rstrip(".．、")
    return HeadingNumber(level, rank, tuple(values), printed, length)


def _values_and_level(form: str, match: re.Match[str]) -> tuple[list[int], str]:
    text = match[form]
    match form:
        case "decimal":
            return [int(normalise(part)) for part in re.split("[.．]", text)], "decimal"
        case "circled":
            return [_CIRCLES.index(text) + 1], "①"
        case "kana" | "bracketed_kana":
            level = "ア" if form == "kana" else "(ア)"
            return [_KATAKANA.find(text) + 1], level
        case "letter" | "bracketed_letter":
            level = "a" if form == "letter" else "(a)"
            return [ord(unicodedata.normalize("NFKC", text)) - ord("a") + 1], level
        case "roman":
            return [int(normalise(text))], "Ⅰ"
        case "bracketed" | "enclosed":
            return [int(normalise(text))], "(1)"
        case _:
            return [int(normalise(text))], "1"
