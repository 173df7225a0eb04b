"""English text to the expressions that are looked up in a table of translations.

A word counts in the singular (see `english`), and words that carry no subject do not count; an
expression does not reach over them, nor over punctuation, but for "of" and "of the": "prime minister" is
one and so is "Ministry of Defense", which is looked up as "ministry defense".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from qa_service.retrieval.english import STOP_WORDS, root_of, spell_out_america
from qa_service.retrieval.terms import fold

EXPRESSION_MAX_WORDS = 4

_WORD = re.compile(r"[a-z\u00df-\u024f]+(?:['’][a-z]+)?")  # treaty, don't
_LINK = re.compile(r"(?<=[a-z])\s+of\s+(?:the\s+)?(?=[a-z])")  # Ministry of Defense
_BETWEEN_WORDS = (" ", "-")  # within an expression
_MORE_STOP_WORDS = frozenset(
    "he she his her him hers we our us i my me also or nor but no so than then here more most "
    "other others some only own same too very just over up down out off again further once because "
    "while until after between through during each few all both being having doing am".split()
)


def words_of(text: str) -> list[str | None]:
    """The words of `text` in order, None in the place of what parts expressions."""
    folded = _LINK.sub(" ", fold(spell_out_america(text)))
    words: list[str | None] = []
    end = 0
    for match in _WORD.finditer(folded):
        if words and folded[end : match.start()] not in _BETWEEN_WORDS:
            words.append(None)
        end = match.end()
        word = match.group().replace("’", "'").removesuffix("'s")
        stops = len(word) < 2 or word in STOP_WORDS or word in _MORE_STOP_WORDS
        words.append(None if stops else root_of(word))
    return words


def all_expressions(words: Sequence[str | None]) -> Iterator[str]:
    """Every run of up to so many words."""
    for start in range(len(words)):
        for length in range(1, EXPRESSION_MAX_WORDS + 1):
            run = words[start : start + length]
            if len(run) < length or None in run:
                break
            yield " ".join(filter(None, run))


def longest_expressions(
    words: Sequence[str | None], is_known: Callable[[str], bool]
) -> Iterator[str]:
    """From left to right the longest known run at each place; a word that is in none alone."""
    start = 0
    while start < len(words):
        if words[start] is None:
            start += 1
            continue
        runs = [
            run
            for length in range(1, EXPRESSION_MAX_WORDS + 1)
            if len(run := words[start : start + length]) == length and None not in run
        ]
        names = [" ".join(filter(None, run)) for run in runs]
        length = max((n for n, name in enumerate(names, start=1) if is_known(name)), default=1)
        yield names[length - 1]
        start += length
