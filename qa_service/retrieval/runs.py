"""Lists of different lengths, one after another in one array: list i lies between bounds i and i + 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def bounds_of(lengths: Sequence[int]) -> NDArray[np.int64]:
    """[2, 3] -> [0, 2, 5]."""
    bounds = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds


def places_of(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """starts [5, 20], lengths [2, 3] -> [5, 6, 20, 21, 22]."""
    offsets = np.cumsum(lengths) - lengths
    total = int(lengths.sum())
    return np.repeat(starts - offsets, lengths) + np.arange(total, dtype=np.int64)
