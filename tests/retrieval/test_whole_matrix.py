"""Products without rounding (qa_service/retrieval/whole_matrix.py)."""

from __future__ import annotations

import numpy as np
import pytest

from qa_service.retrieval.whole_matrix import WholeMatrix


def _numbers(
    rows: int, columns: int, seed: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


def test_the_nearest_matrix_is_near() -> None:
    numbers = _numbers(256, 64, 0) * np.linspace(0, 9, 64, dtype=np.float32)
    matrix = WholeMatrix.nearest(numbers)
    assert np.abs(matrix.steps).max() == 127
    assert (matrix.steps == np.rint(matrix.steps)).all()
    largest = np.abs(numbers).max(axis=0)
    assert (np.abs(matrix.numbers - numbers) <= largest / 253).all()
    again = WholeMatrix.nearest(matrix.numbers)
    np.testing.assert_array_equal(again.steps, matrix.steps)


def test_products_are_near_and_the_same_however_many_are_made_at_once() -> None:
    matrix = WholeMatrix.nearest(_numbers(512, 256, 1))
    rows = _numbers(500, 512, 2)
    together = matrix.times_nearest(rows)
    expected = rows @ matrix.numbers
    assert np.abs(together - expected).max() < 0.02 * np.abs(expected).max()
    for some in (slice(0, 1), slice(7, 20), slice(100, 500)):
        np.testing.assert_array_equal(matrix.times_nearest(rows[some]), together[some])


def test_rows_and_matrices_of_zeros_give_zeros() -> None:
    nothing = np.zeros((3, 4), dtype=np.float32)
    assert not WholeMatrix.nearest(nothing.T).times_nearest(nothing).any()


def test_a_matrix_whose_sums_could_round_is_refused() -> None:
    with pytest.raises(ValueError, match="1041 rows"):
        WholeMatrix.nearest(np.ones((1041, 2), dtype=np.float32))
