"""One score from what the legs say."""

from __future__ import annotations

import numpy as np
import pytest

from qa_service.retrieval.fusion import Weights, above_chance, choose_weights, fuse
from qa_service.retrieval.vectors import VectorIndex


@pytest.mark.parametrize("same_language", [True, False])
@pytest.mark.parametrize("translated", [True, False])
@pytest.mark.parametrize("transformer", [True, False])
def test_weights_sum_to_one(same_language: bool, translated: bool, transformer: bool) -> None:
    weights = choose_weights(
        same_language=same_language, translated=translated, transformer=transformer
    )
    total = weights.lexical + weights.interaction + weights.dense + weights.translation
    assert total == pytest.approx(1)


def test_a_leg_with_nothing_to_say_changes_no_order() -> None:
    said = np.array([0.2, 0.9, 0.4], dtype=np.float32)
    nothing = np.zeros(3, dtype=np.float32)
    weights = Weights(lexical=0.3, interaction=0.5, dense=0.2)
    fused = fuse(weights, lexical=nothing, interaction=said, dense=nothing)
    assert np.argsort(fused).tolist() == np.argsort(said).tolist()


def test_chance_is_the_cosine_of_passages_that_share_nothing() -> None:
    rng = np.random.default_rng(0)
    own = rng.normal(size=(1_200, 64))
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    common = np.zeros(64)
    common[0] = 2.0  # what all have: cosines near 4 / (4 + 1)
    matrix = (own + common) / np.linalg.norm(own + common, axis=1, keepdims=True)
    chance = VectorIndex.build(matrix.astype(np.float32)).chance
    assert chance == pytest.approx(0.8, abs=0.03)
    shares = above_chance(np.array([chance, (1 + chance) / 2, 1], dtype=np.float32), chance)
    np.testing.assert_allclose(shares, [0, 0.5, 1], atol=1e-5)


@pytest.mark.parametrize("passages", [0, 1])
def test_few_passages_have_no_chance(passages: int) -> None:
    matrix = np.eye(max(passages, 1), 4, dtype=np.float32)[:passages]
    assert VectorIndex.build(matrix.reshape(passages, 4)).chance == 0


def test_equal_passages_leave_room_above_chance() -> None:
    chance = VectorIndex.build(np.ones((9, 4), dtype=np.float32) / 2).chance
    assert chance < 1
