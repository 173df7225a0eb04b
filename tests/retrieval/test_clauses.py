"""Where sentences fall into clauses, as word pieces."""

from __future__ import annotations

import pytest

from qa_service.retrieval.clauses import clause_lengths

MARK = 0


def _sentence(*lengths: int) -> list[int]:
    """Clauses of so many pieces, each ending with a mark but the last."""
    ids = [piece for length in lengths for piece in [*range(1, length), MARK]]
    return [*ids[:-1], 1]


@pytest.mark.parametrize(
    ("sentence", "lengths"),
    [
        ([], []),
        ([1], [1]),
        (_sentence(30), [30]),
        (_sentence(12, 10), [12, 10]),
        (_sentence(3, 12, 20), [15, 20]),
        (_sentence(12, 9), [21]),
        (_sentence(10, 10, 4), [10, 14]),
        (_sentence(4, 4), [8]),
        ([MARK] * 25, [10, 15]),
    ],
    ids=["empty", "one", "none", "two", "short first", "short last", "three", "all short", "marks"],
)
def test_clauses_hold_all_of_the_sentence(sentence: list[int], lengths: list[int]) -> None:
    assert clause_lengths(sentence, {MARK}) == lengths
