"""Late interaction: a passage is matched piece by piece against the question (MaxSim).

The built-in model's vectors are those of its word pieces, so every piece of the question can look
for its nearest piece in a passage, as ColBERT does (Khattab and Zaharia, 2020), but without a
transformer: a passage is stored as piece ids, and one matrix product of the question's pieces with
the corpus's different pieces answers for all passages.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_service.retrieval.static_model import StaticModel

_NOISE = 0.2  # cosines up to here are chance: any two pieces of Japanese text reach them
_FILE = "pieces.npz"
_BATCH = 1024


@dataclass(frozen=True, slots=True)
class PieceIndex:
    """The pieces of every passage, row for row.

    `vocabulary` (different pieces,) are the model's ids of the pieces that occur; `pieces` holds
    positions in it, passage after passage; passage i has `pieces[starts[i] : starts[i + 1]]`, in
    no order and each piece once. `units` (different pieces, dimension) are their unit vectors.
    """

    model: StaticModel
    vocabulary: NDArray[np.int32]
    pieces: NDArray[np.int32]
    starts: NDArray[np.int64]
    units: NDArray[np.float32]

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        model: StaticModel,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> PieceIndex:
        """Cut `texts` into pieces; `progress` is called with the number of texts done."""
        rows: list[NDArray[np.int32]] = []
        for first in range(0, len(texts), _BATCH):
            rows.extend(np.unique(ids) for ids in model.pieces(texts[first : first + _BATCH]))
            if progress:
                progress(len(rows))
        starts = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=starts[1:])
        flat = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int32)
        vocabulary, pieces = np.unique(flat, return_inverse=True)
        return cls._with_units(model, vocabulary.astype(np.int32), pieces.astype(np.int32), starts)

    @classmethod
    def _with_units(
        cls,
        model: StaticModel,
        vocabulary: NDArray[np.int32],
        pieces: NDArray[np.int32],
        starts: NDArray[np.int64],
    ) -> PieceIndex:
        return cls(model, vocabulary, pieces, starts, model.units(vocabulary))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def scores(self, query: str, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """How much of the question's weight each passage matches, float32 between 0 and 1.

        One score for each of `rows` (all passages when None). Every question piece counts with its
        highest cosine in the passage, less chance, weighted by the model's learned piece weight
        times its rarity in this corpus.
        """
        chosen = np.arange(len(self), dtype=np.int64) if rows is None else rows
        scores = np.zeros(len(chosen), dtype=np.float32)
        question = np.unique(self.model.pieces([query])[0])
        weights = self._weights(question)
        lengths = self.starts[chosen + 1] - self.starts[chosen]
        filled = lengths > 0
        if not filled.any() or not weights.sum() > 0:
            return scores
        places = _ranges(self.starts[chosen[filled]], lengths[filled])
        boundaries = np.concatenate(([0], np.cumsum(lengths[filled])[:-1]))
        cosines, held = self._cosines(question, self.pieces[places])
        best = np.maximum.reduceat(cosines[held], boundaries, axis=0)
        matched = np.clip((best - _NOISE) / (1 - _NOISE), 0, 1)
        scores[filled] = matched @ (weights / weights.sum())
        return scores

    def _cosines(
        self, question: NDArray[np.int32], pieces: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Cosines (different pieces among `pieces`, question pieces), and each piece's row there.

        A few hundred candidates hold a fraction of a large corpus's pieces: only those are looked at.
        """
        present = np.zeros(len(self.vocabulary), dtype=np.bool_)
        present[pieces] = True
        rows = np.cumsum(present) - 1
        return self.units[present] @ self.model.units(question).T, rows[pieces]

    def missing(self, query: str, row: int, *, worst: int = 3) -> float:
        """How much of the question's weightiest pieces a passage lacks, between 0 and 1.

        The mean over the `worst` pieces of (weight, as a share of the highest, times what is not
        matched): near 1 when the very subject of the question is not in the passage.
        """
        question = np.unique(self.model.pieces([query])[0])
        weights = self._weights(question)
        if not weights.any():
            return 1.0
        held = self.units[self.pieces[self.starts[row] : self.starts[row + 1]]]
        best = (held @ self.model.units(question).T).max(axis=0, initial=0.0)
        unmatched = 1 - np.clip((best - _NOISE) / (1 - _NOISE), 0, 1)
        lacking = np.sort(weights / weights.max() * unmatched)[::-1]
        return float(lacking[:worst].mean())

    def _weights(self, question: NDArray[np.int32]) -> NDArray[np.float32]:
        return self.model.piece_weights[question]

    def to_files(self) -> dict[str, bytes]:
        """Contents by file name, to be written and checksummed by `publishing`."""
        buffer = io.BytesIO()
        np.savez(buffer, vocabulary=self.vocabulary, pieces=self.pieces, starts=self.starts)
        return {_FILE: buffer.getvalue()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], model: StaticModel) -> PieceIndex:
        """The inverse of `to_files`; `model` must be the one that cut the pieces."""
        with np.load(io.BytesIO(files[_FILE]), allow_pickle=False) as loaded:
            return cls._with_units(model, loaded["vocabulary"], loaded["pieces"], loaded["starts"])


def _ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """starts [5, 20], lengths [2, 3] -> [5, 6, 20, 21, 22]."""
    offsets = np.cumsum(lengths) - lengths
    total = int(lengths.sum())
    return np.repeat(starts - offsets, lengths) + np.arange(total, dtype=np.int64)
