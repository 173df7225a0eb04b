"""One score from what the legs say."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from qa_service.retrieval.fusion import Weights, choose_weights, fuse


@pytest.mark.parametrize("same_language", [True, False])
@pytest.mark.parametrize("translated", [True, False])
@pytest.mark.parametrize("transformer", [True, False])
def test_weights_sum_to_one(same_language: bool, translated: bool, transformer: bool) -> None:
    weights = choose_weights(
        same_language=same_language, translated=translated, transformer=transformer
    )
    assert sum(asdict(weights).values()) == pytest.approx(1)


def test_a_leg_with_nothing_to_say_changes_no_order() -> None:
    said = np.array([0.2, 0.9, 0.4], dtype=np.float32)
    nothing = np.zeros(3, dtype=np.float32)
    weights = Weights(lexical=0.2, interaction=0.4, sentence=0.2, dense=0.2)
    fused = fuse(weights, {"lexical": nothing, "interaction": said, "dense": nothing})
    assert np.argsort(fused).tolist() == np.argsort(said).tolist()


def test_a_leg_counts_by_its_weight_and_a_negative_cosine_as_nothing() -> None:
    legs = {
        "lexical": np.array([1.0, 0.5], dtype=np.float32),
        "sentence": np.array([-0.5, 0.5], dtype=np.float32),
        "rerank": np.array([1.0, 1.0], dtype=np.float32),
    }
    fused = fuse(Weights(lexical=0.6, sentence=0.4), legs)
    assert fused == pytest.approx([0.6, 0.5])
