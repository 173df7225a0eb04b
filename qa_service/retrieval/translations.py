"""The table of translations: which English expressions and Japanese words stand for each other, and
how surely.

Made from sentence pairs by `scripts/train_translations.py` and shipped with the built-in model. A
question's words become weighted words of the other language (probabilistic structured queries: Darwish
and Oard, SIGIR 2003), which `lexical` looks for. Finding English expressions is `expressions`, finding
Japanese words `terms`.
"""

from __future__ import annotations

import io
import itertools
import lzma
import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import ModelError
from qa_service.retrieval.expressions import longest_expressions, words_of
from qa_service.retrieval.terms import Translation, content_units

FILE_NAME = "translations.npz.xz"

OTHERS_MAX, SHARE_MIN = 6, 0.04  # of an entry: its translations, and the least share of one

_COMBINATIONS = 9  # of the translations of an expression's words, about
_WORD_BY_WORD = 0.5
_NEIGHBOURS_MAX = 3  # long units that may be one word together
_STEPS_PER_OCTAVE, _STEP_MAX = 2, 31
_PACKAGED = Path(__file__).parent.parent / "models/builtin"


@dataclass(frozen=True, slots=True)
class _Direction:
    """Row i stands for `others[ids[k]]` as strongly as `strengths[k]`, for k from `starts[i]` to
    before `starts[i + 1]`, strongest first."""

    rows: Mapping[str, int]
    others: Sequence[str]
    starts: NDArray[np.int64]
    ids: NDArray[np.int64]
    strengths: NDArray[np.float32]

    def __contains__(self, entry: object) -> bool:
        return entry in self.rows

    def __getitem__(self, entry: str) -> Translation:
        start, stop = self.starts[self.rows[entry] :][:2].tolist()
        stop = min(stop, start + OTHERS_MAX)
        strengths = self.strengths[start:stop].tolist()
        least = sum(strengths) * SHARE_MIN
        kept = [strength for strength in strengths if strength >= least]
        names = (self.others[id] for id in self.ids[start : start + len(kept)].tolist())
        return tuple(
            (name, strength / sum(kept)) for name, strength in zip(names, kept, strict=True)
        )


class TranslationTable:
    """Pairs of an English expression and a Japanese term, each with a strength between 0 and 1: entry k
    says it of `terms[ids[k]]` and of the expression that `counts` give place k to, in order."""

    def __init__(
        self,
        expressions: Sequence[str],
        terms: Sequence[str],
        counts: NDArray[np.uint8],
        ids: NDArray[np.uint32],
        steps: NDArray[np.uint8],
    ) -> None:
        """Raises ValueError for arrays that do not belong together."""
        if len(counts) != len(expressions) or not counts.sum() == len(ids) == len(steps):
            raise ValueError("its arrays do not belong together")
        if len(ids) and int(ids.max()) >= len(terms):
            raise ValueError("it names terms that it does not hold")
        self._expressions, self._terms = expressions, terms
        self._counts, self._ids, self._steps = counts, ids, steps

    def __len__(self) -> int:
        return len(self._expressions)

    def knows(self, word: str) -> bool:
        """Whether it has the English word, or the word is one that is not looked up."""
        return all(each is None or each in self.japanese for each in words_of(word))

    def to_japanese(self, question: str) -> tuple[Translation, ...]:
        """One entry for each expression of an English question that the table has, each once; one of
        several words also by what its words are called, together."""
        found = dict.fromkeys(longest_expressions(words_of(question), self.japanese.__contains__))
        return tuple(
            _summing_to_one((*self.japanese[each], *self._word_by_word(each.split())))
            for each in found
            if each in self.japanese
        )

    def _word_by_word(self, words: Sequence[str]) -> Translation:
        """joint statement, which the dictionary calls 共同文書: 共同 with 声明, too. A translation of each word
        in every combination, as likely as their product and half as likely as the whole's."""
        if len(words) < 2 or not all(word in self.japanese for word in words):
            return ()
        whole = self.japanese[" ".join(words)]
        depth = max(1, round(_COMBINATIONS ** (1 / len(words))))
        options = [_relative(self.japanese[word][:depth]) for word in words]
        known = {term for term, _ in whole}
        combined = {
            " ".join(dict.fromkeys(term for term, _ in each)): math.prod(share for _, share in each)
            for each in itertools.product(*options)
        }
        likeliest = max(share for _, share in whole)
        return tuple(
            (term, _WORD_BY_WORD * likeliest * share)
            for term, share in combined.items()
            if term not in known
        )

    def to_english(self, question: str) -> tuple[Translation, ...]:
        """One entry for each word of a Japanese question that the table has, each once: neighbours that
        are one word together (地位 and 協定), else a word, else the parts of a compound."""
        found = dict.fromkeys(_longest_words(list(content_units(question)), self.english))
        return tuple(self.english[each] for each in found)

    @cached_property
    def japanese(self) -> _Direction:
        """What English expressions are called in Japanese."""
        return _direction(self._expressions, self._terms, self._counts, self._ids, self._strengths)

    @cached_property
    def english(self) -> _Direction:
        """What Japanese terms are called in English."""
        order = np.lexsort((self._steps, self._ids))
        expressions = np.repeat(np.arange(len(self._expressions)), self._counts)[order]
        counts = np.bincount(self._ids, minlength=len(self._terms))
        return _direction(
            self._terms, self._expressions, counts, expressions, self._strengths[order]
        )

    @property
    def _strengths(self) -> NDArray[np.float32]:
        return np.exp2(self._steps / np.float32(-_STEPS_PER_OCTAVE))

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str, float]]) -> TranslationTable:
        """From (expression, term, strength). Strengths are rounded to half octaves: finer ones rank
        no better."""
        ordered = sorted(pairs, key=lambda pair: (pair[0], -pair[2], pair[1]))
        expressions: dict[str, int] = {}
        terms: dict[str, int] = {}
        counts: list[int] = []
        for expression, term, _ in ordered:
            if expression not in expressions:
                expressions[expression] = len(expressions)
                counts.append(0)
            counts[-1] += 1
            terms.setdefault(term, len(terms))
        strengths = np.array([strength for _, _, strength in ordered])
        steps = np.clip(np.round(-np.log2(strengths) * _STEPS_PER_OCTAVE), 0, _STEP_MAX)
        return cls(
            list(expressions),
            list(terms),
            np.array(counts, dtype=np.uint8),
            np.array([terms[term] for _, term, _ in ordered], dtype=np.uint32),
            steps.astype(np.uint8),
        )

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        np.savez(
            buffer,
            expressions=_packed(self._expressions),
            terms=_packed(self._terms),
            counts=self._counts,
            ids=self._ids,
            steps=self._steps,
        )
        return lzma.compress(buffer.getvalue())

    @classmethod
    def from_bytes(cls, data: bytes) -> TranslationTable:
        """Raises ValueError, KeyError, EOFError or LZMAError for what `to_bytes` has not written."""
        with np.load(io.BytesIO(lzma.decompress(data)), allow_pickle=False) as arrays:
            return cls(
                _unpacked(arrays["expressions"]),
                _unpacked(arrays["terms"]),
                arrays["counts"],
                arrays["ids"],
                arrays["steps"],
            )


def load_translations(folder: Path | None = None) -> TranslationTable:
    """The packaged table, or that in another folder. Raises ModelError, which names the file."""
    path = (_PACKAGED if folder is None else folder) / FILE_NAME
    try:
        return TranslationTable.from_bytes(path.read_bytes())
    except (OSError, ValueError, KeyError, EOFError, lzma.LZMAError) as error:
        raise ModelError(
            f"{path} is missing or damaged ({error}). Install the package again."
        ) from error


def _relative(translation: Translation) -> Translation:
    """The likeliest as 1."""
    likeliest = max(share for _, share in translation)
    return tuple((term, share / likeliest) for term, share in translation)


def _summing_to_one(translation: Translation) -> Translation:
    total = sum(share for _, share in translation)
    return tuple((term, share / total) for term, share in translation)


def _longest_words(
    units: Sequence[tuple[str, tuple[str, ...]]], known: Container[str]
) -> Iterator[str]:
    """From left to right, of units with their parts."""
    place = 0
    while place < len(units):
        unit, parts = units[place]
        together = {
            count: " ".join(
                part for unit, parts in units[place : place + count] for part in parts or (unit,)
            )
            for count in range(min(_NEIGHBOURS_MAX, len(units) - place), 0, -1)
        }
        count, longest = next(
            ((count, words) for count, words in together.items() if words in known and count > 1),
            (1, unit),
        )
        whole = next((each for each in (longest, together[1]) if each in known), None)
        yield from [whole] if whole else (part for part in parts if part in known)
        place += count


def _direction(
    entries: Sequence[str],
    others: Sequence[str],
    counts: NDArray[np.integer],
    ids: NDArray[np.integer],
    strengths: NDArray[np.float32],
) -> _Direction:
    starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    rows = {entry: row for row, entry in enumerate(entries)}
    return _Direction(rows, others, starts, ids.astype(np.int64), strengths)


def _packed(texts: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(texts).encode(), dtype=np.uint8)


def _unpacked(packed: NDArray[np.uint8]) -> list[str]:
    return packed.tobytes().decode().split("\n") if len(packed) else []
