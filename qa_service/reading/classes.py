"""What a stretch of plain text is: paragraph, caption, note, 参照 line. Pure functions of text."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import cache
from importlib.resources import files

from qa_service.reading.numbering import label_at_start

_CAPTION_MAX_CHARACTERS = 80
_TAIL_CHARACTERS = 200  # enough to see how a text ends
_LOST_PICTURE_GAP = 2  # blank lines that conversion leaves where a picture stood

# (注) 1 1990年…, (注1) …, 注1：…, ※2 …, Note 1: …: what opens a note, with its first number.
NOTE_OPENING = re.compile(
    r"[ \t　]*(?:[(（]注\s?(?P<own>[0-9０-９]{0,3})[)）]"
    r"\s{0,3}(?P<first>[0-9０-９]{1,2}(?=[ \t　]))?"
    r"|※\s?(?P<mark>[0-9０-９]{0,3})"
    r"|注\s?(?P<bare>[0-9０-９]{0,3})[:：]|注(?P<spaced>[0-9０-９]{1,3})[ 　]"
    r"|Note[ ](?P<english>[0-9]{1,3})[:.])[ \t　]*"
)
SOURCE_LINE = re.compile(
    r"[ \t　]*[(（]?(?P<word>資料|出典|出所|備考|Sources?|Notes?)\s?[:：][ \t　]*"
)  # 資料：環境省
_REFERENCE = re.compile(
    r"[ 　]*[*_【\[（(]{0,4}(?:参照|参考|See also)[*_】\]）)]{0,4}[ 　:：]"
)  # **参照** 資料23
# 。 or "end." or the colon before a list, with the brackets that close behind it.
_SENTENCE_END = re.compile(r"[。．！？!?.:：][」』）)】\]”\"'’]*$")
_CLOSED_END = re.compile(r"[」』）)】\]]$")  # 日米防衛相会談 (2024年5月)
_LIST_ITEM = re.compile(
    r"[ 　]*(?:[-*+・●○■◆]|[0-9０-９]{1,3}[.)．）]|[(（][0-9０-９ア-ン]{1,2}[)）]|[①-⑳])"
)  # - one, 1. one, （ア）一つ
# ２　前項の…, 二　次の…, イ　…, (2) …, ② …, - …: the next paragraph of an article or item.
_ITEM = re.compile(
    r"[ 　]*(?:[0-9０-９]{1,3}　|[一二三四五六七八九十]{1,4}　|[ア-ン]　"
    r"|[（(][0-9０-９一二三四五六七八九十ア-ン]{1,3}[)）]"
    r"|[①-⑳]|[・●○■◆]|[-*+][ ]|[0-9]{1,3}[.)][ ])"
)
# 2 委員会は、…: the number of a paragraph. With a narrow space a line begins so by chance, too: 2 部以上, 15 名.
_PARAGRAPH_NUMBER = re.compile(
    r"[ 　]*(?P<number>[0-9０-９]{1,2})(?:　|[ ](?=[\u3041-\u30ff\u3400-\u9fff「『（])"
    r"(?![月日年度部名人件回個か箇カヵケヶヶ国号項条章節点台隻機社校時分秒週倍割万億兆円歳泊階種類]))"
)


class BlockClass(Enum):
    PARAGRAPH = "paragraph"
    LABELLED_CAPTION = "labelled caption"
    CAPTION = "caption"
    NOTE = "note"
    REFERENCE = "reference"


def classify(text: str, *, gap: int) -> BlockClass:
    """`gap` blank lines stand before the text."""
    if opens_reference(text):
        return BlockClass.REFERENCE
    if opens_note(text):
        return BlockClass.NOTE
    line = text.strip()
    short = len(line) <= _CAPTION_MAX_CHARACTERS and "\n" not in line and not ends_sentence(line)
    if short and label_at_start(line):
        return BlockClass.LABELLED_CAPTION
    if short and gap >= _LOST_PICTURE_GAP and not line.endswith(("、", ",")):
        return BlockClass.CAPTION
    return BlockClass.PARAGRAPH


def opens_note(text: str, start: int = 0, end: int | None = None) -> bool:
    """Whether a note or a source line begins here: (注) 1 …, 資料：環境省."""
    stop = len(text) if end is None else end
    return bool(NOTE_OPENING.match(text, start, stop) or SOURCE_LINE.match(text, start, stop))


def opens_reference(text: str, start: int = 0, end: int | None = None) -> bool:
    """Whether a 参照 line begins here."""
    return _REFERENCE.match(text, start, len(text) if end is None else end) is not None


def opens_item(text: str, start: int, end: int) -> bool:
    """Whether the next item of a list or the next paragraph of an article begins here."""
    return _ITEM.match(text, start, end) is not None


def paragraph_number(text: str, start: int, end: int) -> int | None:
    """The number that a paragraph of an article begins with, if one begins here."""
    match = _PARAGRAPH_NUMBER.match(text, start, end)
    return int(match["number"]) if match else None


def ends_sentence(text: str) -> bool:
    """Whether a paragraph may end here: 。 and its kin, brackets behind it included."""
    return _SENTENCE_END.search(text[-_TAIL_CHARACTERS:].rstrip()) is not None


def is_running_text(text: str, *, continues: bool = False) -> bool:
    """Whether the text reads as sentences, so that a missing end means that it was cut.

    A list item or a line of single words is whole without one. `continues`: the text is asked
    whether it could be the rest of a cut paragraph.
    """
    if _LIST_ITEM.match(text):
        return False
    if continues:
        return bool(text) and not _ITEM.match(text)
    if (
        _CLOSED_END.search(text[-_TAIL_CHARACTERS:].rstrip())
        and "。" not in text
        and "、" not in text
    ):
        return False
    return "、" in text or "。" in text or "," in text or len(text) >= 40


def box_heading(title: str) -> tuple[str, str] | None:
    """(kind as printed, rest) for a heading that opens a box: `KEY WORD`, `コラム 海賊対処`."""
    folded = unicodedata.normalize("NFKC", title)
    if len(folded) != len(title):
        folded = title
    match = _box_pattern().match(folded)
    if match is None or not _stands_for_a_box(match):
        return None
    return title[: match.end("word")].strip(" 　【】<>＜＞■●"), title[match.end() :].strip(
        " 　:：【】"
    )


def _stands_for_a_box(match: re.Match[str]) -> bool:
    """BOX 2, Box 2, Box: …, but not "Box office results" nor "Topics in law"."""
    word = match["word"]
    closed = word[-1].isdigit() or not match.string[match.end() :].strip()
    return not word.isascii() or word.isupper() or closed or ":" in match.group()


@cache
def _box_pattern() -> re.Pattern[str]:
    """The words of box_words.txt, with an optional number, ended by a space, a colon or the end."""
    words = (files("qa_service.reading") / "box_words.txt").read_text(encoding="utf-8").split("\n")
    kept = sorted((word.strip() for word in words if word.strip() and word[0] != "#"), key=len)[
        ::-1
    ]
    alternatives = "|".join(re.escape(word).replace(r"\ ", r"\s?") for word in kept)
    return re.compile(
        rf"[【<■● ]*(?P<word>(?:{alternatives})"
        r"(?:\s?[0-9]{1,3}(?:[.-][0-9]{1,3}){0,3})?)[】>]*(?:\s*[:：]\s*|\s+|$)",
        re.IGNORECASE,
    )
