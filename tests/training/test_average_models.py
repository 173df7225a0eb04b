"""The mean of two models (scripts/average_models.py)."""

from __future__ import annotations

import numpy as np
from average_models import mean_layer

from qa_service.retrieval.context_layer import ContextLayer
from qa_service.retrieval.whole_matrix import WholeMatrix


def _layer(value: float) -> ContextLayer:
    def full(*shape: int) -> WholeMatrix:
        return WholeMatrix.nearest(np.full(shape, value, dtype=np.float32))

    return ContextLayer(
        neighbours=full(4, 6),
        topic=full(4, 2),
        bias=np.full(2, value, dtype=np.float32),
        output=full(2, 4),
        mixing=full(4, 4),
    )


def test_layers_are_averaged_with_their_scales() -> None:
    mean = mean_layer(_layer(1), _layer(3), 0.25)
    for matrix in (mean.neighbours, mean.topic, mean.output, mean.mixing):
        np.testing.assert_allclose(matrix.numbers, 1.5, rtol=1e-5)
    np.testing.assert_allclose(mean.bias, 1.5)
