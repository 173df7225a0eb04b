"""What a day may cost at the language model."""

from __future__ import annotations

import pytest

from qa_service.answering.budget import Budget
from qa_service.errors import GenerationError


def test_a_day_has_a_budget_of_tokens_and_of_requests() -> None:
    now = [0.0]
    budget = Budget(requests_per_day=2, tokens_per_day=100, clock=lambda: now[0])
    budget.begin("a" * 40)
    budget.add("日" * 60)
    assert (budget.requests, budget.tokens) == (1, 100)
    with pytest.raises(GenerationError, match="tokens"):
        budget.begin("more")
    now[0] = 86_400.0
    budget.begin("x")
    budget.begin("x")
    with pytest.raises(GenerationError, match="requests"):
        budget.begin("x")
