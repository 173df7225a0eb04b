"""The table of translations: what an English expression is called in Japanese, and how surely.

Made from sentence pairs by `scripts/train_translations.py` and shipped with the built-in model.
A question's expressions become weighted Japanese terms (probabilistic structured queries: Darwish
and Oard, SIGIR 2003), which `lexical` looks for; finding the expressions is `expressions`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import ModelError
from qa_service.retrieval.expressions import longest_expressions, words_of
from qa_service.retrieval.terms import Translation

SOURCE_LANGUAGE, TARGET_LANGUAGE = "en", "ja"
FILE_NAME = "translations.npz"

_STEPS = 31
_PACKAGED = Path(__file__).parent.parent / "models/builtin"


@dataclass(frozen=True, slots=True)
class TranslationTable:
    """Row i holds `_terms[_ids[k]]` with `_shares[k]`, in proportion, for k from `_starts[i]` to
    before `_starts[i + 1]`."""

    _rows: Mapping[str, int]
    _terms: Sequence[str]
    _starts: NDArray[np.uint32]
    _ids: NDArray[np.uint32]
    _shares: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self._rows)

    def knows(self, word: str) -> bool:
        """Whether it has the word, or the word is one that is not looked up."""
        return all(each is None or each in self._rows for each in words_of(word))

    def translate(self, question: str) -> tuple[Translation, ...]:
        """One entry for each expression of an English question that the table has, each once."""
        found = dict.fromkeys(longest_expressions(words_of(question), self._rows.__contains__))
        return tuple(self[each] for each in found if each in self._rows)

    def __getitem__(self, expression: str) -> Translation:
        row = self._rows[expression]
        start, stop = int(self._starts[row]), int(self._starts[row + 1])
        shares = self._shares[start:stop].tolist()
        total = sum(shares)
        terms = (self._terms[id] for id in self._ids[start:stop].tolist())
        return tuple((term, share / total) for term, share in zip(terms, shares, strict=True))

    @classmethod
    def of(cls, translations: Mapping[str, Sequence[tuple[str, float]]]) -> TranslationTable:
        """Shares are rounded to 31 steps, and at least to one: finer ones rank no better."""
        terms: dict[str, int] = {}
        rows: dict[str, int] = {}
        starts, ids, shares = [0], [], []
        for expression, found in sorted(translations.items()):
            for term, share in found:
                ids.append(terms.setdefault(term, len(terms)))
                shares.append(max(round(share * _STEPS), 1))
            rows[expression] = len(rows)
            starts.append(len(ids))
        return cls(
            rows,
            list(terms),
            np.array(starts, dtype=np.uint32),
            np.array(ids, dtype=np.uint32),
            np.array(shares, dtype=np.uint8),
        )

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            expressions=_packed(self._rows),
            terms=_packed(self._terms),
            counts=np.diff(self._starts).astype(np.uint8),
            ids=self._ids.astype(np.uint16 if len(self._terms) < 1 << 16 else np.uint32),
            shares=self._shares,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> TranslationTable:
        """Raises ValueError or KeyError for what `to_bytes` has not written."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            expressions, terms = _unpacked(arrays["expressions"]), _unpacked(arrays["terms"])
            starts = np.concatenate([[0], np.cumsum(arrays["counts"], dtype=np.uint32)])
            ids, shares = arrays["ids"], arrays["shares"]
        if len(starts) != len(expressions) + 1 or not starts[-1] == len(ids) == len(shares):
            raise ValueError("its arrays do not belong together")
        if len(ids) and int(ids.max()) >= len(terms):
            raise ValueError("it names terms that it does not hold")
        rows = {expression: row for row, expression in enumerate(expressions)}
        return cls(rows, terms, starts.astype(np.uint32), ids.astype(np.uint32), shares)


def load_translations(folder: Path | None = None) -> TranslationTable:
    """The packaged table, or that in another folder. Raises ModelError, which names the file."""
    path = (_PACKAGED if folder is None else folder) / FILE_NAME
    try:
        return TranslationTable.from_bytes(path.read_bytes())
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{path} is missing or damaged ({error}). Install the package again."
        ) from error


def _packed(texts: Sequence[str] | Mapping[str, int]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(texts).encode(), dtype=np.uint8)


def _unpacked(packed: NDArray[np.uint8]) -> list[str]:
    return packed.tobytes().decode().split("\n") if len(packed) else []
