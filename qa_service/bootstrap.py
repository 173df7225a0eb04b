"""How far a measured share may be off because the questions are few.

Knows shares alone; what was asked and what counts as right is `evaluation`'s.
"""

from __future__ import annotations

import numpy as np

_RESAMPLES = 10_000
_SEED = 0


def share_interval(right: int, questions: int) -> tuple[float, float]:
    """Where the share of questions that went right lies in 95 of 100 resamples of the questions;
    (0, 0) for none.

    The percentile bootstrap of Efron and Tibshirani (1993), with a fixed seed. The number right in a
    resample is binomial: it is drawn directly.
    """
    if not questions:
        return 0.0, 0.0
    drawn = np.random.default_rng(_SEED).binomial(questions, right / questions, _RESAMPLES)
    low, high = np.quantile(drawn / questions, (0.025, 0.975))
    return float(low), float(high)
