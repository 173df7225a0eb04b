"""A text's words, clauses and letters, for comparing what two texts say in the same language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sudachipy import SplitMode

from qa_service.retrieval.terms import fold, morphemes

_CLAUSE_END = re.compile(r"[、。，．；;\n]")
_CONTENT_CLASSES = frozenset(["名詞", "形容詞", "形状詞", "接頭辞"])
_NOT_CONTENT = frozenset(
    ["数詞", "助数詞可能", "非自立可能", "固有名詞", "助動詞語幹", "副詞可能", "形状詞的"]
)


@dataclass(frozen=True, slots=True)
class Word:
    surface: str
    forms: frozenset[str]


def content_words(text: str) -> Iterator[Word]:
    """Nouns and adjectives of Japanese text with their normalised forms, long and short units."""
    for word in morphemes(fold(text)):
        kind = word.part_of_speech()
        if kind[0] not in _CONTENT_CLASSES or kind[1] in _NOT_CONTENT or kind[2] in _NOT_CONTENT:
            continue
        parts = [word, *word.split(SplitMode.A, add_single=False)]
        yield Word(word.surface(), frozenset(part.normalized_form() for part in parts))


def clauses(text: str) -> Iterator[str]:
    """Cut at 、 and 。 and their like; the shortest, which say nothing, are left out."""
    for clause in _CLAUSE_END.split(text):
        if len(letters_of(clause)) > 3:
            yield clause


def share_of_pairs(text: str, other: str) -> float:
    """The share of the text's neighbouring characters that stand as neighbours in `other`, 0 to 1;
    case, width, spaces and punctuation do not count."""
    return share_in_letters(text, letters_of(other))


def share_in_letters(text: str, letters: str) -> float:
    """The same for an `other` of which `letters_of` is known."""
    own = letters_of(text)
    pairs = [own[place : place + 2] for place in range(len(own) - 1)]
    return sum(pair in letters for pair in pairs) / len(pairs) if pairs else 0.0


def letters_of(text: str) -> str:
    """Letters and digits alone, folded."""
    return "".join(character for character in fold(text) if character.isalnum())
