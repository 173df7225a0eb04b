"""JMdict's common words, sorted by what WordNet says of their glosses: what everyday sentences are filled with."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.wordnet import Wordnet
from training.words import Words

Pair = tuple[str, str]

COMMON = 1.4  # exponent of the shares: what people say has commoner words than a dictionary
_LONGEST = 6  # characters of the Japanese word
_NOUN, _TRANSITIVE, _INTRANSITIVE = "noun", "transitive", "intransitive"
_I_ADJECTIVE, _NA_ADJECTIVE = "i-adjective", "na-adjective"


@dataclass(frozen=True)
class WordList:
    """Words with their running total of commonness, by which they are drawn."""

    pairs: Sequence[Pair]
    totals: NDArray[np.float64]

    def pick(self, rng: np.random.Generator) -> Pair:
        return self.pairs[int(np.searchsorted(self.totals, rng.random() * self.totals[-1]))]


@dataclass(frozen=True)
class Vocabulary:
    """Verbs have their English without "to". `kinds` are the nouns by WordNet's lexicographer file, `object_kinds` the
    file of each English verb."""

    nouns: WordList
    kinds: dict[int, WordList]
    transitive: WordList
    intransitive: WordList
    object_kinds: dict[str, int]
    i_adjectives: WordList
    na_adjectives: WordList


def sort_words(words: Words, wordnet: Wordnet) -> Vocabulary:
    """Short words with plain glosses."""
    lists: dict[str | int, list[int]] = defaultdict(list)
    for n, (form, gloss) in enumerate(words.pairs):
        if len(form) <= _LONGEST and re.fullmatch(r"[A-Za-z' -]+", gloss):
            for name in _names(form, gloss, wordnet):
                lists[name].append(n)
    listed = {name: _listed(words, rows) for name, rows in lists.items()}
    return Vocabulary(
        nouns=listed[_NOUN],
        kinds={name: each for name, each in listed.items() if isinstance(name, int)},
        transitive=listed[_TRANSITIVE],
        intransitive=listed[_INTRANSITIVE],
        object_kinds={gloss: verb.kind for gloss, verb in wordnet.verbs.items()},
        i_adjectives=listed[_I_ADJECTIVE],
        na_adjectives=listed[_NA_ADJECTIVE],
    )


def _names(form: str, gloss: str, wordnet: Wordnet) -> Iterator[str | int]:
    """The lists that a word belongs to."""
    noun = wordnet.nouns.get(gloss)
    if gloss.startswith("to ") and re.search("[うくぐすつぬぶむる]$", form):  # 書く
        verb = wordnet.verbs.get(gloss[3:])
        if verb is None and 3 <= len(gloss.split()) <= 5:  # to go to bed
            yield _INTRANSITIVE
        if verb is not None and verb.with_object:
            yield _TRANSITIVE
        if verb is not None and verb.without_object:
            yield _INTRANSITIVE
    elif noun is not None:
        if not gloss.endswith("ing"):
            yield from (_NOUN, noun)
    elif gloss in wordnet.adjectives and form.endswith("い"):
        yield _I_ADJECTIVE
    elif gloss in wordnet.adjectives and not form.endswith("に"):
        yield _NA_ADJECTIVE


def _listed(words: Words, rows: list[int]) -> WordList:
    pairs = [(form, gloss.removeprefix("to ")) for form, gloss in (words.pairs[n] for n in rows)]
    return WordList(pairs, np.cumsum(words.shares[rows] ** COMMON))
