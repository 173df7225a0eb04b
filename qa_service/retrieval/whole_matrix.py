"""Matrices of whole numbers, whose products float32 adds up without rounding: alike however many are made at once.

As long as the products of one sum stay below 2²⁴, no order of adding them rounds, so that a row comes to the same
numbers, bit for bit, alone and among others. BLAS promises that for no other numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST = 127
MOST_ROWS = 2**24 // LARGEST**2  # of a matrix: the products of 1,040 pairs of whole numbers
_LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class WholeMatrix:
    """(rows, columns), at most MOST_ROWS of them: `steps`, whole numbers of -127 to 127 in float32, times
    `scales`, (columns,)."""

    steps: NDArray[np.float32]
    scales: NDArray[np.float32]

    @classmethod
    def nearest(cls, numbers: NDArray[np.float32]) -> WholeMatrix:
        """The one that comes nearest to any numbers, column for column."""
        largest = np.maximum(np.abs(numbers).max(axis=0, initial=0), _LEAST)
        steps = np.rint(numbers / largest * LARGEST)
        return cls(steps.astype(np.float32), (largest / LARGEST).astype(np.float32))

    def __post_init__(self) -> None:
        if len(self.steps) > MOST_ROWS:
            raise ValueError(f"{len(self.steps)} rows are more than {MOST_ROWS}")

    def columns(self, some: slice) -> WholeMatrix:
        return WholeMatrix(self.steps[:, some], self.scales[some])

    @property
    def numbers(self) -> NDArray[np.float32]:
        return self.steps * self.scales

    def times(self, steps: NDArray[np.float32], scales: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, columns): the product of rows, whole numbers up to 127 times a scale each, with this matrix."""
        products: NDArray[np.float32] = steps @ self.steps
        products *= scales[:, None]
        products *= self.scales
        return products

    def times_nearest(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same for any rows, each in whole numbers of its own scale."""
        return self.times(*nearest_steps(rows))


def nearest_steps(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Whole numbers up to 127, (n, columns), and the scale of each row, (n,), that come nearest to any rows."""
    largest = np.maximum(np.abs(rows).max(axis=1, initial=0), np.float32(_LEAST))
    return np.rint(rows * (LARGEST / largest)[:, None]), (largest / LARGEST).astype(np.float32)
