"""Princeton WordNet 3.0, as Debian's package wordnet-base lays it out: what kind of word a word is, and texts.

A word counts by its most frequent sense, which stands first in WordNet's index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WORDNET = Path("/usr/share/wordnet")
# Numbers of WordNet's lexicographer files (lexnames(5WN)).
ANIMAL, ARTIFACT, COMMUNICATION, FOOD, PERSON, PLACE = 5, 6, 10, 13, 18, 15
CONSUMPTION, MOTION, SPEECH = 34, 38, 32
_WITH_OBJECT = frozenset({8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 30, 31})  # wninput(5WN)
_WITHOUT_OBJECT = frozenset({1, 2, 3, 4, 12, 13, 22, 23, 27})


@dataclass(frozen=True)
class Verb:
    """`kind` is a lexicographer file; a verb may go both with an object and without."""

    kind: int
    with_object: bool
    without_object: bool


@dataclass(frozen=True)
class Wordnet:
    """`nouns` by the number of their lexicographer file."""

    nouns: dict[str, int]
    verbs: dict[str, Verb]
    adjectives: frozenset[str]


def read_wordnet(folder: Path = WORDNET) -> Wordnet:
    kinds = {offset: int(line.split()[1]) for offset, line in _lines(folder / "data.noun")}
    verbs = {offset: _verb(line) for offset, line in _lines(folder / "data.verb")}
    return Wordnet(
        nouns={word: kinds[first] for word, first in _first_senses(folder / "index.noun")},
        verbs={word: verbs[first] for word, first in _first_senses(folder / "index.verb")},
        adjectives=frozenset(word for word, _ in _first_senses(folder / "index.adj")),
    )


def wordnet_files(folder: Path = WORDNET) -> list[Path]:
    """All that is read."""
    kinds = ("noun", "verb", "adj", "adv")
    texts = [folder / f"data.{kind}" for kind in kinds]
    return [*texts, *(folder / f"index.{kind}" for kind in kinds[:3])]


def wordnet_texts(folder: Path, rng: np.random.Generator) -> Iterator[str]:
    """Definitions, examples and words."""
    for kind in ("noun", "verb", "adj", "adv"):
        for _, line in _lines(folder / f"data.{kind}"):
            head, _, gloss = line.partition(" | ")
            word = head.split()[4].replace("_", " ")
            definition = re.sub(r';?\s*"[^"]*"', "", gloss).strip(" ;")
            yield f"{word}: {definition}" if rng.random() < 0.3 else definition
            yield from re.findall(r'"([^"]+)"', gloss)
            if rng.random() < 0.5:
                yield word


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each entry after its offset; the licence, which stands on top, is indented."""
    for line in path.read_text(encoding="latin-1").splitlines():
        if not line.startswith("  "):
            yield line.partition(" ")[0], line


def _first_senses(path: Path) -> Iterator[tuple[str, str]]:
    for word, line in _lines(path):
        fields = line.split()
        yield word.replace("_", " "), fields[-int(fields[2])]


def _verb(line: str) -> Verb:
    """An entry ends with the frames of its verbs: 02 + 02 00 + 08 00 | expel air."""
    entry, _, _ = line.partition(" | ")
    frames = {int(number) for number in re.findall(r"\+ (\d\d) ", entry)}
    return Verb(int(entry.split()[1]), bool(frames & _WITH_OBJECT), bool(frames & _WITHOUT_OBJECT))
