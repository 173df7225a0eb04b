"""Printed numbers: recognised, normalised, compared. For documents and for questions.

A number is printed in many ways (Ⅲ, III, ３, 三), and a label in more (図表Ⅲ-2-1-1, 第1−4−4図, 表 3.1,
Figure III-2-1-1, 別表第一). Here each gets one canonical form. Which numbers exist in a document is
for `structure` to say; whether a question's number is one of them is for `retrieval.labels`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_DASH = "[-‐‑‒–—―−ー－]"
_ROMAN = "[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹ]|[IVX]{1,5}(?![A-Za-z])|[ivx]{1,5}(?![A-Za-z])"
_KANJI = "[〇一二三四五六七八九十百千]"
_DIGITS = "[0-9０-９]"
_CIRCLED = "[①-⑳㉑-㉟㊱-㊿]"
_ATOM = rf"(?:{_DIGITS}+|{_ROMAN}|[A-Z](?![A-Za-z]))"  # 3, ３, Ⅲ, III, A
_GROUP = rf"(?:{_ATOM}|[（(]{_ATOM}[）)])"  # 2, (1)
_CHAIN = rf"{_GROUP}(?:(?:\s?{_DASH}\s?|[.．]){_GROUP})*"  # Ⅲ-2-1-1, 2-(1)-2, 3.1
_LONG_CHAIN = rf"{_GROUP}(?:(?:\s?{_DASH}\s?|[.．]){_GROUP})+"  # at least two parts

_CIRCLES = "".join(
    map(chr, [*range(0x2460, 0x2474), *range(0x3251, 0x3260), *range(0x32B1, 0x32C0)])
)
_KATAKANA = (
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワ"
)
_KANJI_VALUES = {kanji: value for value, kanji in enumerate("〇一二三四五六七八九")}
_KANJI_UNITS = {"十": 10, "百": 100, "千": 1000}
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}

# --- labels of figures, tables and appendices ---------------------------------------------------

_KINDS = {
    "図表": "figure", "図": "figure", "figure": "figure", "fig": "figure", "chart": "figure",
    "表": "table", "table": "table", "別表": "annex-table", "別図": "annex-figure",
    "資料": "appendix", "reference": "appendix", "appendix": "appendix", "参考資料": "appendix",
    "写真": "photo", "photo": "photo",
}  # fmt: skip
_LABEL = re.compile(
    rf"(?P<word>図表|別表|別図|参考資料|資料|写真|図|表)\s?(?:第\s?)?(?P<after>{_CHAIN}|(?<=第){_KANJI}+)"  # 図表Ⅲ-2-1-1
    rf"|第\s?(?P<between>{_CHAIN})\s?(?P<suffix>図表|図|表)"  # 第1−4−4図, 第2-(1)-2図
    rf"|(?<![0-9０-９-])(?P<before>{_LONG_CHAIN})\s?(?P<tail>図表|図|表)(?![現示明面書紙])"  # 2-2-1図
    rf"|\b(?P<english>Figure|Fig|Chart|Table|Reference|Appendix|Photo)s?\.?\s?(?P<number>{_CHAIN})",
    re.IGNORECASE,
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
    match = _LABEL.match(text.lstrip("*# 　\t【[〔<＜"))
    if match is None:
        return None
    label = _label(match)
    shift = text.find(match.group())
    return label and Label(label.kind, label.parts, label.text, shift, shift + len(match.group()))


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
    """One part of a number in one form: Ⅲ, III, ３, 三, ③ and (3) are all `3`; ア is `ア`; A is `a`.

    Empty for text that is no number.
    """
    bare = unicodedata.normalize("NFKC", number).strip("()（）.． 　")
    if bare.isascii() and bare.isdigit():
        return str(int(bare)) if len(bare) < 10 else bare
    if bare and all(character in _KANJI_VALUES or character in _KANJI_UNITS for character in bare):
        return str(kanji_number(bare))
    lower = bare.lower()
    if lower and all(character in _ROMAN_VALUES for character in lower):
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


# --- heading numbers ------------------------------------------------------------------------------

UNITS = ("部", "編", "章", "節", "款", "目", "条", "項", "号")
_UNIT_RANK = {"編": 0, "部": 1, **{unit: rank for rank, unit in enumerate(UNITS[2:], start=2)}}
_LEVELS = ("decimal", "1", "(1)", "①", "ア", "(ア)", "a", "(a)", "ⅰ")
_NUMERAL = rf"(?:{_DIGITS}+|{_KANJI}+|{_ROMAN})"
_HEADING = re.compile(
    rf"第\s?(?P<unit_number>{_NUMERAL})\s?(?P<unit>[部編章節款目条項号])(?:の(?P<branch>{_NUMERAL}))?(?=[\s　:：（(「]|$)"
    rf"|(?:(?:Part|Chapter|Section|Article)\s+)(?P<english>{_NUMERAL})(?=[\s.:]|$)"  # Chapter III
    rf"|(?P<decimal>{_DIGITS}+(?:[.．]{_DIGITS}+)+)[.．]?(?=[\s　])"  # 1.2.3 Title
    rf"|[（(](?P<bracketed>{_DIGITS}+|{_KANJI}+)[）)]"  # (1) （一）
    rf"|(?P<circled>{_CIRCLED})"
    rf"|[（(](?P<bracketed_kana>[ア-ン])[）)]"  # (ア)
    rf"|[（(](?P<bracketed_letter>[a-z])[）)]"  # (a)
    rf"|(?P<plain>{_DIGITS}+)(?:[.．、](?!{_DIGITS})|(?=[\s　]))"  # 1 意義, 1．意義
    rf"|(?P<kanji>{_KANJI}+)(?=[\s　、])"  # 一　総則
    rf"|(?P<kana>[ア-ン])(?=[\s　．.])"  # ア　目的
    rf"|(?P<letter>[a-zａ-ｚ])(?=[\s　．.)])"  # a 目的
    rf"|(?P<roman>[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ]|[IVX]{{1,5}}(?=[.\s]))[.．]?(?=[\s　])",  # Ⅱ 総論, II. Title
)
_ENGLISH_UNITS = {"part": 1, "chapter": 2, "section": 3, "article": 6}


@dataclass(frozen=True, slots=True)
class HeadingNumber:
    """The number that a heading opens with.

    `level` names its form (`節`, `1`, `(1)`, `①`, `ア`); `rank` orders the forms, lower is higher in
    the hierarchy; `values` is the number, 第3条の2 being (3, 2) and 1.2.3 being (1, 2, 3). `printed`
    is the number as it stands, `length` how much of the heading it takes with the space behind it.
    """

    level: str
    rank: int
    values: tuple[int, ...]
    printed: str
    length: int

    @property
    def part(self) -> str:
        """Its part of a section id: `1`, `3の2`, `ア`, `1.2`."""
        if self.level in ("ア", "(ア)"):
            return _KATAKANA[self.values[0] - 1]
        if self.level in ("a", "(a)"):
            return chr(ord("a") + self.values[0] - 1)
        return ("の" if self.level in UNITS else ".").join(map(str, self.values))


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
        values, level, rank = [int(normalise(match["english"]))], word, _ENGLISH_UNITS[word]
    else:
        values, level = _values_and_level(form or "", match)
        rank = len(UNITS) + _LEVELS.index(level)
    if not all(value > 0 for value in values[:1]):
        return None
    after = text[match.end() :]
    length = match.end() + len(after) - len(after.lstrip(" 　"))
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
            return [int(normalise(text))], "decimal"
        case "bracketed":
            return [int(normalise(text))], "(1)"
        case _:
            return [int(normalise(text))], "1"
