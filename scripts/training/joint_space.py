"""Both teachers' vectors of a text as one, in the space of the built-in model.

They stand side by side, the second less its mean, of which only the differences between texts say
something. The second is the slower one and reads a part of the texts; what it would say of the others is
predicted from the first by ridge regression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from qa_service.retrieval.unit_vectors import unit_rows
from training.data import Texts, some_texts
from training.losses import PieceVectors, pooled

SECOND_WEIGHT = 0.7  # of the second teacher's vector, beside 1 for the first's
_RIDGE = 10.0
_SAMPLE = 20_000  # texts of each list that choose the space


@dataclass(frozen=True)
class Reading:
    """A list of texts with what the first teacher said of each, and the second of those in `rows`."""

    texts: Texts
    first: NDArray[np.float16]
    rows: NDArray[np.int64]
    second: NDArray[np.float16]


@dataclass(frozen=True)
class JointSpace:
    """`mean` is the second teacher's, `prediction` (512 + 1, 384) what it says as a function of the first."""

    mean: NDArray[np.float32]
    prediction: NDArray[np.float32]

    @classmethod
    def of(cls, lists: Sequence[Reading]) -> JointSpace:
        first = np.concatenate([each.first[each.rows] for each in lists]).astype(np.float32)
        second = np.concatenate([each.second for each in lists]).astype(np.float32)
        mean = second.mean(axis=0)
        known = _with_one(first)
        ridge = known.T @ known + _RIDGE * np.eye(known.shape[1], dtype=np.float32)
        return cls(mean, np.linalg.solve(ridge, known.T @ unit_rows(second - mean)))

    def joint(self, read: Reading) -> NDArray[np.float32]:
        """(texts, 896): both teachers' vectors side by side."""
        first = read.first.astype(np.float32)
        second = unit_rows(_with_one(first) @ self.prediction)
        second[read.rows] = unit_rows(read.second.astype(np.float32) - self.mean)
        return np.concatenate([first, SECOND_WEIGHT * second], axis=1)


def _with_one(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([vectors, np.ones((len(vectors), 1), dtype=np.float32)], axis=1)


def rotation(
    space: JointSpace, read: dict[str, list[Reading]], model: PieceVectors
) -> NDArray[np.float32]:
    """The first principal components of what both teachers read, turned so that they lie nearest to
    what the model says of the same texts (Schönemann, 1966)."""
    samples = [_sampled(each) for lists in read.values() for each in lists]
    said = np.concatenate([space.joint(each) for each in samples])
    with torch.no_grad():
        ours = [
            pooled(model, some_texts(each.texts, np.arange(len(each.texts)))).numpy()
            for each in samples
        ]
    dimension = model.vectors.shape[1]
    components = np.linalg.svd(said.T @ said)[2][:dimension].T
    left, _, right = np.linalg.svd(unit_rows(said @ components).T @ np.concatenate(ours))
    return np.asarray(components @ (left @ right), dtype=np.float32)


def _sampled(read: Reading) -> Reading:
    """Of the texts that both teachers read."""
    chosen = np.linspace(0, len(read.rows) - 1, min(_SAMPLE, len(read.rows)), dtype=np.int64)
    rows = read.rows[chosen]
    texts = some_texts(read.texts, rows)
    ends = np.cumsum([0, *(len(text) for text in texts)], dtype=np.int64)
    return Reading(
        Texts(np.concatenate(texts), ends),
        read.first[rows],
        np.arange(len(rows)),
        read.second[chosen],
    )
