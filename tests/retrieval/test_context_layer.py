"""What neighbours add to a text's vector (qa_service/retrieval/context_layer.py)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from qa_service.retrieval.context_layer import ContextLayer

PIECES = np.array([[1, 0], [0, 2], [-3, 1]], dtype=np.int8)
SCALES = np.array([1.0, 0.5, 2.0], dtype=np.float32)


@pytest.fixture
def layer() -> ContextLayer:
    rng = np.random.default_rng(0)
    return ContextLayer(
        neighbours=rng.integers(-127, 128, (2, 9)).astype(np.float32),
        scales=np.full(9, 0.01, dtype=np.float32),
        bias=np.array([0.1, -0.2, 0.3], dtype=np.float32),
        output=rng.normal(size=(3, 2)).astype(np.float32),
    )


def _by_definition(layer: ContextLayer, places: list[int]) -> list[float]:
    before, own, after = np.split(layer.neighbours * layer.scales, 3, axis=1)
    vectors = [np.zeros(2), *(PIECES[place] * SCALES[place] for place in places), np.zeros(2)]
    hidden = [
        np.maximum(a @ before + b @ own + c @ after + layer.bias, 0)
        for a, b, c in zip(vectors, vectors[1:], vectors[2:], strict=False)
    ]
    added: list[float] = (np.mean(hidden, axis=0) @ layer.output).tolist()
    return added


@pytest.mark.parametrize(
    "places",
    [[0], [0, 1], [1, 0], [2, 2, 2], [0, 1, 2, 1, 0], [0, 1, 2] * 1365 + [1], [2, 0] * 2049],
    ids=["one", "two", "turned", "same", "five", "a slice", "a slice and two"],
)
def test_each_piece_is_seen_between_its_neighbours(layer: ContextLayer, places: list[int]) -> None:
    np.testing.assert_allclose(_added(layer, places), _by_definition(layer, places), rtol=1e-3)


def _added(layer: ContextLayer, places: list[int]) -> NDArray[np.float32]:
    lengths = [len(places)]
    sums = layer.sums(layer.seen(PIECES, SCALES), np.array(places), lengths)
    added: NDArray[np.float32] = layer.added(sums, np.array(lengths))[0]
    return added


@pytest.mark.parametrize("lengths", [[1] * 5, [2, 3], [4, 1]])
@pytest.mark.parametrize("times", [1, 2_000], ids=["short", "over several slices"])
def test_parts_are_seen_within_their_text(
    layer: ContextLayer, lengths: list[int], times: int
) -> None:
    places = np.array([0, 1, 2, 1, 0] * times)
    parts = [length * times for length in lengths]
    seen = layer.seen(PIECES, SCALES)
    sums = layer.sums(seen, places, parts)
    each = layer.sums(seen, places, [1] * len(places))
    expected = np.add.reduceat(each, np.cumsum([0, *parts[:-1]]), axis=0)
    np.testing.assert_allclose(sums, expected, rtol=1e-4)


def test_order_matters(layer: ContextLayer) -> None:
    assert not np.allclose(_added(layer, [0, 1, 2]), _added(layer, [2, 1, 0]))


def test_products_are_exact_however_many_are_made_at_once() -> None:
    rng = np.random.default_rng(1)
    layer = ContextLayer(
        neighbours=rng.integers(-127, 128, (256, 768)).astype(np.float32),
        scales=np.full(768, 0.01, dtype=np.float32),
        bias=np.zeros(256, dtype=np.float32),
        output=np.eye(256, dtype=np.float32),
    )
    steps = rng.integers(-7, 8, (500, 256)).astype(np.int8)
    scales = rng.random(500).astype(np.float32)
    together = layer.seen(steps, scales)
    for rows in (slice(0, 1), slice(7, 20), slice(100, 500)):
        for some, every in zip(layer.seen(steps[rows], scales[rows]), together, strict=True):
            np.testing.assert_array_equal(some, every[rows])
