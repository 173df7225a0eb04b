"""Acronyms (SDC, G7, 5G): the built-in model spells many in letters that weigh nothing, so they are matched whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

_LETTER = r"[A-Za-z0-9\u00c0-\u024f]"  # what an acronym does not go on with; but SDCs is SDC
_ACRONYM = re.compile(rf"(?<!{_LETTER})(?=[0-9]*[A-Z])([A-Z0-9]{{2,}})(?=s?(?!{_LETTER}))")
_OTHER_LETTERS = re.compile(r"[a-z\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ROMAN_NUMERALS = re.compile(r"[\u2160-\u217f]")  # Ⅲ, which NFKC makes III
_SHOUTED = 4  # so many words all in capitals are a sentence, none an acronym
_FILE = "acronyms.json"


def find_acronyms(text: str, *, shouted: bool = False) -> tuple[str, ...]:
    """In order, each once; those of a line that is all in capitals only when it has few words, or all words in
    capitals with `shouted`."""
    found: dict[str, None] = {}
    for line in normalize("NFKC", _ROMAN_NUMERALS.sub(" ", text)).splitlines():
        names = _ACRONYM.findall(line)
        if shouted or len(names) < _SHOUTED or _OTHER_LETTERS.search(line):
            found.update(dict.fromkeys(names))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class AcronymTable:
    """For each acronym the rows of the passages that hold it, in order."""

    rows: Mapping[str, NDArray[np.int64]]
    passages: int

    @classmethod
    def build(cls, texts: Sequence[str]) -> AcronymTable:
        rows: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            for acronym in find_acronyms(text):
                rows.setdefault(acronym, []).append(row)
        return cls._of(rows, len(texts))

    @classmethod
    def _of(cls, rows: Mapping[str, Sequence[int]], passages: int) -> AcronymTable:
        return cls({name: np.array(held, dtype=np.int64) for name, held in rows.items()}, passages)

    def __contains__(self, acronym: str) -> bool:
        return acronym in self.rows

    def rarity(self, acronym: str) -> float:
        """The share of the passages that do not hold it."""
        return 1 - len(self.rows.get(acronym, ())) / self.passages

    def held(self, weights: Mapping[str, float], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """What those acronyms weigh together that each passage holds, (len(rows),)."""
        total = np.zeros(len(rows), dtype=np.float32)
        for acronym, weight in weights.items():
            total += np.float32(weight) * np.isin(rows, self.rows.get(acronym, ()))
        return total

    def to_files(self) -> dict[str, bytes]:
        """Contents by file name, to be written and checksummed by `publishing`."""
        rows = {name: held.tolist() for name, held in self.rows.items()}
        return {_FILE: json.dumps({"rows": rows, "passages": self.passages}).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> AcronymTable:
        """The inverse of `to_files`."""
        read = json.loads(files[_FILE])
        return cls._of(read["rows"], read["passages"])
