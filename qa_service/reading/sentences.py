"""Text to sentences, in Japanese and English, by rule.

A sentence ends at 。, ！, ？ or at . ! ? before white space, and takes the closing brackets and
quotation marks behind it along. Nothing ends inside brackets or quotation marks
(「…である。」と述べた is one sentence), nor after an abbreviation (U.S., No. 5, J. Smith). A line
break ends a sentence where the text has lines (a table row, a list).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

_OPENING = "「『（(［[〔【《〈“"
_CLOSING = "」』）)］]〕】》〉”"
_PAIRS = dict(zip(_OPENING, _CLOSING, strict=True))
_BOUNDARY = re.compile(r"[。！？!?]+|\.(?=[\s\"”')\]]|$)|\n")  # 。  ！？  "end. Next"
_TRAILING = re.compile(r"[」』）)］\]〕】》〉”\"’']*")  # 。」  ."
# Mr. Austin, No. 5, Fig. 2, Jan. 4; initials (J. Smith) and dotted letters (U.S.) by their shape.
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Gen|Adm|Lt|Col|Sgt|Gov|Sen|Rep|Hon|St|Jr|Sr|Inc|Ltd|Co|Corp|No|Nos|"
    r"Fig|Figs|Tab|Sec|Art|Para|Ch|Vol|pp?|vs|etc|e\.g|i\.e|cf|al|approx|ca|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)|\b(?:[A-Z]\.)*[A-Z])$"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Offsets in the text that was split, white space at both ends left out."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def split_sentences(text: str) -> tuple[Sentence, ...]:
    """All of `text` but the white space around its sentences, in order; linear in its length."""
    sentences: list[Sentence] = []
    start = 0
    bracketed = _bracketed(text)
    for match in _BOUNDARY.finditer(text):
        if match.start() < start or bracketed[match.start()] or _goes_on(text, match):
            continue
        end = match.end()
        if match.group() != "\n" and (trailing := _TRAILING.match(text, end)):
            end = trailing.end()
        _append(text, start, end, sentences)
        start = end
    _append(text, start, len(text), sentences)
    return tuple(sentences)


def _goes_on(text: str, match: re.Match[str]) -> bool:
    """True where the mark does not end the sentence: "U.S. forces", "!?" within a word."""
    if match.group() == ".":
        if _ABBREVIATION.search(text, max(0, match.start() - 12), match.start()):
            return True
        return text[match.end() : match.end() + 8].lstrip()[:1].islower()
    if match.group()[0] in "!?":
        following = text[match.end() : match.end() + 1]
        return following.isascii() and following.isalnum()
    return False


def _append(text: str, start: int, end: int, sentences: list[Sentence]) -> None:
    stretch = text[start:end]
    first = start + len(stretch) - len(stretch.lstrip())
    last = start + len(stretch.rstrip())
    if first < last:
        sentences.append(Sentence(first, last))


def _bracketed(text: str) -> list[int]:
    """How many brackets that are closed in the same line stand around each character."""
    depth_changes = [0] * len(text)
    open_places: list[int] = []
    for place, character in enumerate(text):
        if character == "\n":
            open_places.clear()
        elif character in _PAIRS:
            open_places.append(place)
        elif open_places and _PAIRS[text[open_places[-1]]] == character:
            depth_changes[open_places.pop()] += 1
            depth_changes[place] -= 1
    return list(accumulate(depth_changes))
