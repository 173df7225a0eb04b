"""What a stretch of plain text is: paragraph, caption, note or 参照 line. Pure functions of text."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import cache
from importlib.resources import files

from qa_service.reading.numbering import label_at_start

_CAPTION_MAX_CHARACTERS = 80
_LOST_PICTURE_GAP = 2  # blank lines that conversion leaves where a picture stood

_NOTE = re.compile(
    r"[ 　]*(?:[(（]注\s?[0-9０-９]*[)）]|※\s?[0-9０-９]*[\s　]?|注[0-9０-９]+[:：\s])"
)  # (注) 1 …
_SOURCE_LINE = re.compile(r"[ 　]*(?:資料|出典|備考|Source|Note)s?\s?[:：]")  # 資料：環境省
_REFERENCE = re.compile(
    r"[ 　]*[*_【\[（(]*(?:参照|参考|See also)[*_】\]）)]*[ 　:：]"
)  # **参照** 資料23
_SENTENCE_END = re.compile(r"[。．！？!?][」』）)】\]”\"'’]*\s*$|[.:：][\"”')\]]*\s*$")
_CLOSED_END = re.compile(r"[」』）)】\]]\s*$")
_LIST_ITEM = re.compile(
    r"[ 　]*(?:[-*+・●○■◆]|[0-9０-９]{1,3}[.)．）]|[(（][0-9０-９ア-ン]{1,2}[)）]|[①-⑳])"
)


class BlockClass(Enum):
    PARAGRAPH = "paragraph"
    LABELLED_CAPTION = "labelled caption"
    CAPTION = "caption"
    NOTE = "note"
    REFERENCE = "reference"


def classify(text: str, *, gap: int, after_figure: bool) -> BlockClass:
    """`gap` blank lines stand before the text; `after_figure`: a table or figure was just read."""
    if _REFERENCE.match(text):
        return BlockClass.REFERENCE
    if _NOTE.match(text) or _SOURCE_LINE.match(text):
        return BlockClass.NOTE
    line = text.strip()
    short = len(line) <= _CAPTION_MAX_CHARACTERS and "\n" not in line and not ends_sentence(line)
    if short and label_at_start(line):
        return BlockClass.LABELLED_CAPTION
    if short and gap >= _LOST_PICTURE_GAP and not line.endswith(("、", ",")):
        return BlockClass.CAPTION
    return BlockClass.PARAGRAPH


def ends_sentence(text: str) -> bool:
    """Whether a paragraph may end here: 。 and its kin, brackets behind it included."""
    return _SENTENCE_END.search(text) is not None


def is_running_text(text: str, *, continues: bool = False) -> bool:
    """Whether the text reads as sentences, so that a missing end means that it was cut.

    A list item or a line of single words is whole without one. `continues`: the text is asked
    whether it could be the rest of a cut paragraph.
    """
    if _LIST_ITEM.match(text):
        return False
    if continues:
        return bool(text)
    if _CLOSED_END.search(text) and "。" not in text and "、" not in text:
        return False
    return "、" in text or "。" in text or "," in text or len(text) >= 40


def box_heading(title: str) -> tuple[str, str] | None:
    """(kind as printed, rest) for a heading that opens a box: `KEY WORD`, `コラム 海賊対処`."""
    folded = unicodedata.normalize("NFKC", title)
    if len(folded) != len(title):
        folded = title
    match = _box_pattern().match(folded)
    if match is None:
        return None
    return title[: match.end("word")].strip(" 　【】<>＜＞■●"), title[match.end() :].strip(
        " 　:：【】"
    )


@cache
def _box_pattern() -> re.Pattern[str]:
    """The words of box_words.txt, with an optional number, ended by a space, a colon or the end."""
    words = (files("qa_service.reading") / "box_words.txt").read_text(encoding="utf-8").split("\n")
    kept = sorted((word.strip() for word in words if word.strip() and word[0] != "#"), key=len)[
        ::-1
    ]
    alternatives = "|".join(re.escape(word).replace(r"\ ", r"\s?") for word in kept)
    return re.compile(
        rf"[【<■● ]*(?P<word>(?:{alternatives})\s?[0-9]{{0,3}})[】>]*(?:\s*[:：]\s*|\s+|$)",
        re.IGNORECASE,
    )
