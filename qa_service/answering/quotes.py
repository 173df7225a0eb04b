"""Quotes in a statement: found, and brought to a form in which they can be looked up.

Looking them up is for `verify`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from qa_service.retrieval.language import detect_language

_NAME_CHARACTERS = 12  # 「2+2」: quoted, but a word of the sentence all the same
_OPENING = {
    "「": "」",
    "『": "』",
    "“": "”",
    "„": "“",
    "«": "»",
    '"': '"',
    "＂": "＂",
    "〝": "〟",
    "｢": "｣",
}
# (訳: "…"), (translation: …), （参考訳：…）: the model's own words for a quote in front of it.
_TRANSLATION = re.compile(
    r"[（(]\s*(?:訳|仮訳|参考訳|和訳|英訳|译|번역|translation|translated|lit)\s*[.:：]\s*(?P<words>[^（()）]*)[)）]",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")  # 1,000


@dataclass(frozen=True, slots=True)
class Parts:
    """A statement taken apart: its quotes; what stands outside them; and its own words, which are
    those outside and the short quotes, which are names (「2+2」)."""

    quotes: tuple[str, ...]
    outside: str
    own_words: str


def take_apart(text: str, language: str) -> Parts:
    """Marked translations of quotes are in none of the parts. One is believed to be a translation
    only behind a quote and in another language than the passages' (`language`); its numbers and
    names are checked with the statement's.
    """
    quotes: list[str] = []
    outside: list[str] = []
    own: list[str] = []
    place = 0
    while place < len(text):
        translation = _TRANSLATION.match(text, place) if quotes else None
        if translation and detect_language(translation["words"]) != language:
            place = translation.end()
            continue
        closing = _OPENING.get(text[place])
        if closing is None:
            outside.append(text[place])
            own.append(text[place])
            place += 1
            continue
        end = _end_of_quote(text, place, closing)
        quote = text[place + 1 : end].strip()
        if quote:
            quotes.append(quote)
        outside.append(" ")
        own.append(quote if len(quote) <= _NAME_CHARACTERS else " ")
        place = end + 1
    return Parts(tuple(quotes), "".join(outside), "".join(own))


def _end_of_quote(text: str, start: int, closing: str) -> int:
    """Where the quote that opens at `start` ends; quotes of the same kind in it are part of it. One
    that is never closed goes to the end of the statement."""
    opening, depth = text[start], 0
    for place in range(start + 1, len(text)):
        if text[place] == closing:
            if depth == 0:
                return place
            depth -= 1
        elif text[place] == opening:
            depth += 1
    return len(text)


def squeeze(text: str) -> str:
    """NFKC without spaces and punctuation; marks inside a number stay (1.5 is not 15)."""
    plain = _GROUPED.sub("", unicodedata.normalize("NFKC", text))
    return "".join(
        character
        for place, character in enumerate(plain)
        if not (character.isspace() or unicodedata.category(character)[0] in "PZC")
        or (plain[place - 1 : place].isdigit() and plain[place + 1 : place + 2].isdigit())
    )
