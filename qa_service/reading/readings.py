"""Readings (ruby) that ran into the text: 恫喝どうかつ.

A word and the hiragana right behind it are a word and its reading when the dictionary reads the
word so. SudachiPy's dictionary is asked only where a stretch of kanji meets enough hiragana.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from qa_service.reading.morphemes import tokenizer

# 恫喝どうかつに: kanji, then at least two hiragana for each two kanji.
_CANDIDATE = re.compile(
    r"(?<![\u3005\u3400-\u9fff])(?P<kanji>[\u3005\u3400-\u9fff]{2,})(?P<kana>[ぁ-ゖー]{3,12})"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """`word` is followed by its own `reading`, which stands from `start` to `end`."""

    word: str
    reading: str
    start: int
    end: int


def find_readings(text: str) -> Iterator[Reading]:
    """Readings in order; words of one kanji are passed over: と, た, に are too often grammar."""
    for match in _CANDIDATE.finditer(text):
        kanji, kana = match["kanji"], match["kana"]
        for length in range(min(len(kanji), 6), 1, -1):
            word = kanji[-length:]
            reading = _reading(word)
            if len(reading) >= 3 and kana.startswith(reading):
                start = match.start("kana")
                yield Reading(word, reading, start, start + len(reading))
                break


@cache
def _reading(word: str) -> str:
    """The dictionary's reading in hiragana, empty where it knows none."""
    morphemes = list(tokenizer().tokenize(word))
    if any(morpheme.is_oov() for morpheme in morphemes):
        return ""
    katakana = "".join(morpheme.reading_form() for morpheme in morphemes)
    return "".join(
        chr(ord(character) - 0x60) if "ァ" <= character <= "ヶ" else character
        for character in katakana
    )
