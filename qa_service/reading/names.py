"""Names that a document declares to be the same thing.

日米安全保障協議委員会 (SCC); 通称「2+2」。正式名称は日米安全保障協議委員会; a table cell that gives
a name, its acronym and its English form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_service.types import Alias, Block, Box

_WORD = "\u30a1-\u30ff\u3400-\u9fff・々"
# 日米安全保障協議委員会 (SCC) Security Consultative Committee (「2+2」); the last two optional.
_ACRONYM = re.compile(
    rf"(?P<before>.?)(?<![{_WORD}])(?P<name>[{_WORD}]{{2,40}})\s?"
    r"[(（](?P<acronym>[A-Z][A-Za-z0-9&+/-]{1,11})[)）]"
    r"(?:\s(?P<english>[A-Z][A-Za-z]{1,29}(?: [A-Za-z&]{1,30}){1,9}))?"
    r"(?:\s?[(（]「(?P<nickname>[^「」()（）]{2,20})」[)）])?"
)
_MODIFIER_END = re.compile(
    r"[ぁ-ん]"
)  # 開かれたインド太平洋 (FOIP): only part of the name was caught
_PARTICLES = frozenset("はがをにのとでもやへ")
# 防衛協力のための指針（ガイドライン）: a katakana name in brackets behind a name.
_KATAKANA = re.compile(
    r"(?P<name>[\u3400-\u9fff々]{2,20})[(（](?P<katakana>[ァ-ヴー・]{4,20})[)）]"
)
_FULL_NAME = re.compile(
    rf"(?:正式名称|正式には|正式名)は?、?「?(?P<name>[{_WORD}]{{3,40}})"
)  # 正式名称は…
_QUOTED = re.compile(r"「([^「」]{2,20})」")


def find_aliases(blocks: Sequence[Block], boxes: Sequence[Box]) -> list[Alias]:
    """All declarations, in order of the text."""
    titles = {box.id: box.title for box in boxes}
    found: list[Alias] = []
    for block in blocks:
        found += _in_text(block.content.text)
        if block.box_id:
            found += _full_names(block.content.text, titles[block.box_id])
    return found


def _in_text(text: str) -> Iterator[Alias]:
    for match in _ACRONYM.finditer(text):
        before = match["before"]
        if before and _MODIFIER_END.match(before) and before not in _PARTICLES:
            continue
        names = [match["name"], match["acronym"], match["english"], match["nickname"]]
        yield Alias(tuple(name for name in names if name))
    for match in _KATAKANA.finditer(text):
        yield Alias((match["name"], match["katakana"]))


def _full_names(text: str, title: str) -> Iterator[Alias]:
    """A KEY WORD box: its title, the words quoted in it, and the full name in the text."""
    match = _FULL_NAME.search(text)
    if match and title:
        yield Alias(tuple(dict.fromkeys([title, *_QUOTED.findall(title), match["name"]])))
