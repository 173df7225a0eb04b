"""What neighbours and the text add to a text's vector (qa_service/retrieval/context_layer.py)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from qa_service.retrieval.context_layer import ContextLayer
from qa_service.retrieval.whole_matrix import WholeMatrix

DIMENSION, HIDDEN = 6, 5
PIECES = np.random.default_rng(7).integers(-7, 8, (4, DIMENSION)).astype(np.int8)
SCALES = np.array([1.0, 0.5, 2.0, 0.1], dtype=np.float32)


def _matrix(rng: np.random.Generator, rows: int, columns: int) -> WholeMatrix:
    return WholeMatrix.nearest(0.2 * rng.normal(size=(rows, columns)).astype(np.float32))


@pytest.fixture
def layer() -> ContextLayer:
    rng = np.random.default_rng(0)
    return ContextLayer(
        neighbours=_matrix(rng, DIMENSION, 3 * HIDDEN),
        topic=_matrix(rng, DIMENSION, HIDDEN),
        bias=rng.normal(size=HIDDEN).astype(np.float32),
        output=_matrix(rng, HIDDEN, DIMENSION),
        mixing=_matrix(rng, DIMENSION, DIMENSION),
    )


def _hidden(layer: ContextLayer, places: list[int]) -> list[NDArray[np.float32]]:
    before, own, after = np.split(layer.neighbours.numbers, 3, axis=1)
    nothing = np.zeros(DIMENSION, dtype=np.float32)
    vectors = [nothing, *(PIECES[place] * SCALES[place] for place in places), nothing]
    mean = np.mean(vectors[1:-1], axis=0)
    topic = mean / np.linalg.norm(mean) @ layer.topic.numbers + layer.bias
    return [
        np.maximum(a @ before + b @ own + c @ after + topic, 0)
        for a, b, c in zip(vectors, vectors[1:], vectors[2:], strict=False)
    ]


def _by_definition(layer: ContextLayer, places: list[int], part: slice) -> NDArray[np.float32]:
    mean = np.mean([PIECES[place] * SCALES[place] for place in places[part]], axis=0)
    hidden = np.mean(_hidden(layer, places)[part], axis=0)
    vector = mean + mean @ layer.mixing.numbers + hidden @ layer.output.numbers
    return np.asarray(vector, dtype=np.float32)


def _encode(
    layer: ContextLayer, texts: list[list[int]], parts: list[list[int]] | None = None
) -> NDArray[np.float32]:
    lengths = parts or [[len(text)] for text in texts]
    places = [np.array(text, dtype=np.intp) for text in texts]
    return layer.encode(layer.seen(PIECES, SCALES), places, lengths)


TEXTS = [[0], [0, 1], [1, 0], [2, 2, 2], [0, 1, 2, 3, 0], [0, 1, 3] * 1365 + [1], [2, 0] * 2049]
NAMES = ["one", "two", "turned", "same", "five", "a slice", "a slice and two"]


@pytest.mark.parametrize("places", TEXTS, ids=NAMES)
def test_each_piece_is_seen_between_its_neighbours(layer: ContextLayer, places: list[int]) -> None:
    (found,) = _encode(layer, [places])
    np.testing.assert_allclose(found, _by_definition(layer, places, slice(None)), atol=0.05)


@pytest.mark.parametrize("lengths", [[1] * 5, [2, 3], [4, 1]])
@pytest.mark.parametrize("times", [1, 2_000], ids=["short", "over several slices"])
def test_parts_are_seen_within_their_text(
    layer: ContextLayer, lengths: list[int], times: int
) -> None:
    places = [0, 1, 2, 1, 3] * times
    whole, *parts = _encode(layer, [places], [[length * times for length in lengths]])
    np.testing.assert_allclose(whole, _encode(layer, [places])[0], atol=1e-4)
    ends = np.cumsum(lengths) * times
    for part, start, end in zip(parts, [0, *ends[:-1]], ends, strict=True):
        expected = _by_definition(layer, places, slice(start, end))
        np.testing.assert_allclose(part, expected, atol=0.05)


def test_order_matters(layer: ContextLayer) -> None:
    forth, back = _encode(layer, [[0, 1, 2], [2, 1, 0]])
    assert not np.allclose(forth, back)


def test_what_a_text_is_about_matters_at_every_place(layer: ContextLayer) -> None:
    one, other = (
        _encode(layer, [[0, 1, 1, 0, *rest]], [[2, 2 + len(rest)]]) for rest in ([2], [3])
    )
    assert not np.allclose(
        one[1], other[1]
    )  # the first parts, whose pieces and neighbours are the same


def test_a_text_has_the_same_vector_alone_and_among_others(layer: ContextLayer) -> None:
    parts = [[len(text)] if len(text) < 5 else [2, len(text) - 2] for text in TEXTS]
    alone = [_encode(layer, [text], [some]) for text, some in zip(TEXTS, parts, strict=True)]
    together = _encode(layer, TEXTS * 200, parts * 200)
    np.testing.assert_array_equal(together, np.concatenate(alone * 200))


def test_no_texts_have_no_vectors(layer: ContextLayer) -> None:
    assert _encode(layer, []).shape == (0, DIMENSION)
