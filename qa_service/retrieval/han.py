"""Chinese questions in the characters that a Japanese document is written in.

Simplified and traditional characters are folded to the Japanese forms by OpenCC (联合声明, 聯合聲明 ->
連合声明), and the Chinese name of the United States in compounds to the Japanese one (日美 -> 日米).
"""

from __future__ import annotations

import re
from functools import cache

from opencc import OpenCC

# 美国, 美軍, 日美: 美 alone also means "beauty" (美術, 優美), so a neighbour must be a state or army.
_UNITED_STATES = re.compile(r"(?<=[日韓中英俄駐在訪対])美|美(?=[国軍方日韓中英俄])")


def fold_to_japanese(text: str) -> str:
    """`text` in Japanese character forms; text without Chinese characters comes back unchanged."""
    to_traditional, to_japanese = _converters()
    folded: str = to_japanese.convert(to_traditional.convert(text))
    return _UNITED_STATES.sub("米", folded)


@cache
def _converters() -> tuple[OpenCC, OpenCC]:
    return OpenCC("s2t"), OpenCC("t2jp")
