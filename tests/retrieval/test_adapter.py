"""What pieces' vectors become within a text (qa_service/retrieval/adapter.py)."""

from __future__ import annotations

import numpy as np

from qa_service.retrieval.adapter import Adapter
from qa_service.retrieval.whole_matrix import WholeMatrix

RNG = np.random.default_rng(3)
STEPS = RNG.integers(-7, 8, (5, 6)).astype(np.int8)
SCALES = np.array([1.0, 0.5, 2.0, 0.1, 1.0], dtype=np.float32)
ADAPTER = Adapter(
    places=np.array([-1, 1, -1, 0, 2], dtype=np.int32),
    codes=RNG.integers(-7, 8, (3, 2)).astype(np.int8),
    scales=np.array([0.3, 0.1, 0.2], dtype=np.float32),
    basis=WholeMatrix.nearest(RNG.normal(size=(2, 6)).astype(np.float32)),
)


def _adapted(pieces: list[int]) -> tuple[np.ndarray, np.ndarray]:
    return ADAPTER.adapted(np.array(pieces, dtype=np.int32), STEPS[pieces], SCALES[pieces])


def test_some_pieces_vectors_are_changed_and_others_are_not() -> None:
    steps, scales = _adapted([0, 1, 2, 3, 4])
    expected = STEPS * SCALES[:, None]
    for piece, row in ((1, 1), (3, 0), (4, 2)):
        expected[piece] += ADAPTER.codes[row] * ADAPTER.scales[row] @ ADAPTER.basis.numbers
    np.testing.assert_array_equal(steps[[0, 2]], STEPS[[0, 2]])
    np.testing.assert_allclose(steps * scales[:, None], expected, atol=0.06)


def test_a_piece_has_the_same_vector_alone_and_among_others() -> None:
    together = _adapted([3, 0, 1, 4])
    for place, piece in enumerate([3, 0, 1, 4]):
        for all_of_them, one in zip(together, _adapted([piece]), strict=True):
            np.testing.assert_array_equal(all_of_them[place], one[0])


def test_what_is_given_stays_as_it_is() -> None:
    before = STEPS.copy()
    ADAPTER.adapted(np.arange(5, dtype=np.int32), STEPS, SCALES)
    np.testing.assert_array_equal(STEPS, before)
