"""Vectors at length 1, so that a product is a cosine: the last step of every embedder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import ModelError


def checked_vectors(
    vectors: NDArray[np.float32], *, name: str, count: int, dimension: int
) -> NDArray[np.float32]:
    """What the model `name` gave for `count` texts, as `unit_rows`, float32, (count, dimension).

    Raises ModelError for another shape and for numbers that are not finite.
    """
    rows = np.asarray(vectors, dtype=np.float32)
    if rows.shape != (count, dimension):
        raise ModelError(
            f"The model {name} gave vectors of shape {rows.shape} for {count} texts, not "
            f"{(count, dimension)}. It is no text embedding model; choose another."
        )
    if not np.isfinite(rows).all():
        raise ModelError(
            f"The model {name} gave vectors that are not finite. Its files may be damaged, or it "
            "does not work at this precision: download it again or choose another."
        )
    return unit_rows(rows)


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows at length 1; a zero row stays zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    result = np.zeros_like(rows)
    np.divide(rows, lengths, out=result, where=lengths > 0)
    return result
