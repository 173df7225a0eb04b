"""Japanese names in Latin letters: 普天間, read フテンマ, is Futenma in an English question.

Spellings differ in long vowels, in n before m, b and p, and in doubled ch (Tōkyō, Tokyo, Toukyou;
Shimbun, Shinbun; Matcha, Maccha). The differences are taken out of both sides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

import jaconv

_LONG = re.compile(r"ou|oo|oh(?![aeiou])|uu")  # Toukyou, Oosaka, Ohno, Yuuki
_N = re.compile(r"m(?=[bmp])")  # Shimbun
_WORD = re.compile(r"[a-z\u00c0-\u024f]{3,}", re.IGNORECASE)  # Futenma, Tōkyō


def spelling_of(reading: str) -> str:
    """How a name that is read so, in katakana, is spelled in Latin letters, differences taken out."""
    return _even(jaconv.kana2alphabet(jaconv.kata2hira(reading)))


def spellings_of(reading: str) -> tuple[str, ...]:
    """How it may be spelled in a text, letter by letter and as English writes it: toukyou, tokyo."""
    letters = str(jaconv.kana2alphabet(jaconv.kata2hira(reading)))
    return tuple(dict.fromkeys(each for each in (letters, _even(letters)) if each.isalpha()))


def with_japanese_names(
    text: str, names: Mapping[str, str], *, is_english: Callable[[str], bool]
) -> str:
    """An English text with the Japanese names in it as Japanese writes them; `names` by their
    spelling. What `is_english` knows is left, though some name be spelled so (hand, 半田)."""

    def name(match: re.Match[str]) -> str:
        word = match.group()
        return word if is_english(word) else names.get(_even(word), word)

    return _WORD.sub(name, text)


def _even(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word.lower())
    plain = "".join(letter for letter in letters if "a" <= letter <= "z")
    short = _LONG.sub(lambda match: match.group()[0], plain)
    return _N.sub("n", short).replace("tch", "cch")
