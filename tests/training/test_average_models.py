"""The mean of two models (scripts/average_models.py)."""

from __future__ import annotations

import numpy as np
from average_models import mean_layer

from qa_service.retrieval.context_layer import ContextLayer


def _layer(value: float) -> ContextLayer:
    numbers = {"neighbours": (4, 6), "bias": (2,), "output": (2, 4)}
    full = {name: np.full(shape, value, dtype=np.float32) for name, shape in numbers.items()}
    return ContextLayer(scales=np.full(6, 0.5, dtype=np.float32), **full)


def test_layers_are_averaged_with_their_scales() -> None:
    mean = mean_layer(_layer(1), _layer(3), 0.25)
    np.testing.assert_allclose(mean.neighbours * mean.scales, 0.75)
    np.testing.assert_allclose(mean.bias, 1.5)
    np.testing.assert_allclose(mean.output, 1.5)
