"""The vectors of each passage's sentences and clauses: a question meets the one that comes nearest.

A long passage's own vector blurs. Which passage holds the sentence that means what is asked, in whatever
language, its sentences' vectors tell; by the built-in model, whatever embeds the passages.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_service.retrieval.passage_pieces import PassagePieces
from qa_service.retrieval.runs import bounds_of, places_of
from qa_service.retrieval.static_model import StaticModel

_LARGEST = 127
_LEAST = 1e-9
_FILE = "sentences.npz"


@dataclass(frozen=True, slots=True)
class SentenceVectors:
    """Passage i has the rows `passages[i]` to `passages[i + 1] - 1`, at least one. A row is `steps`,
    (rows, dimension), times its number in `scales`, (rows,): of length 1, or zero."""

    steps: NDArray[np.int8]
    scales: NDArray[np.float32]
    passages: NDArray[np.int64]

    @classmethod
    def build(cls, passages: Sequence[PassagePieces], model: StaticModel) -> SentenceVectors:
        nothing = np.zeros(0, dtype=np.int32)
        sentences = [passage.sentences or (nothing,) for passage in passages]
        encoded = iter(model.encode_sentences([each for some in sentences for each in some]))
        rows = [np.concatenate([next(encoded) for _ in some]) for some in sentences]
        vectors = np.concatenate([np.zeros((0, model.dimension), dtype=np.float32), *rows])
        largest = np.maximum(np.abs(vectors).max(axis=1, initial=0), np.float32(_LEAST))
        return cls(
            np.rint(vectors * (_LARGEST / largest)[:, None]).astype(np.int8),
            (largest / _LARGEST).astype(np.float32),
            bounds_of([len(each) for each in rows]),
        )

    @classmethod
    def joined(cls, parts: Sequence[SentenceVectors]) -> SentenceVectors:
        """Those of the first's passages, then of the next one's; `parts` must not be empty."""
        return cls(
            np.concatenate([part.steps for part in parts]),
            np.concatenate([part.scales for part in parts]),
            bounds_of(np.concatenate([np.diff(part.passages) for part in parts]).tolist()),
        )

    def __len__(self) -> int:
        return len(self.passages) - 1

    def similarities(
        self, vector: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """The highest cosine of one vector (dimension,) with a sentence or clause of each passage in
        `rows`, (len(rows),) float32."""
        if not len(rows):
            return np.zeros(0, dtype=np.float32)
        counts = self.passages[rows + 1] - self.passages[rows]
        places = places_of(self.passages[rows], counts)
        cosines = self.steps[places].astype(np.float32) @ vector
        cosines *= self.scales[places]
        best: NDArray[np.float32] = np.maximum.reduceat(cosines, np.cumsum(counts) - counts)
        return best

    def to_files(self) -> dict[str, bytes]:
        """Contents by file name, to be written and checksummed by `publishing`."""
        buffer = io.BytesIO()
        np.savez(buffer, steps=self.steps, scales=self.scales, passages=self.passages)
        return {_FILE: buffer.getvalue()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> SentenceVectors:
        """The inverse of `to_files`."""
        with np.load(io.BytesIO(files[_FILE]), allow_pickle=False) as loaded:
            return cls(loaded["steps"], loaded["scales"], loaded["passages"])
