"""The interval of a share, against what statistics says it must be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ablate_search import share
from evaluate_embedding import summary

from qa_service.bootstrap import share_interval
from qa_service.evaluation import Outcome, Question, Report
from qa_service.model_comparison import interval


@pytest.mark.parametrize(("right", "questions"), [(500, 1_000), (3_415, 3_939), (60, 100)])
def test_is_about_two_standard_errors_wide(right: int, questions: int) -> None:
    share = right / questions
    error = 1.96 * math.sqrt(share * (1 - share) / questions)
    low, high = share_interval(right, questions)
    assert low == pytest.approx(share - error, abs=0.01)
    assert high == pytest.approx(share + error, abs=0.01)


@pytest.mark.parametrize(
    ("right", "questions", "expected"),
    [(0, 0, (0.0, 0.0)), (0, 9, (0.0, 0.0)), (9, 9, (1.0, 1.0))],
    ids=["no questions", "none right", "all right"],
)
def test_what_never_varies(right: int, questions: int, expected: tuple[float, float]) -> None:
    assert share_interval(right, questions) == expected


def test_the_same_questions_have_the_same_interval_wherever_it_is_shown() -> None:
    ranks = [1] * 30 + [2] * 10
    asked = [Question(id=str(n), lang="ja", question="?", document="d") for n in range(len(ranks))]
    outcomes = tuple(
        Outcome(question, rank, faults=(), first="d", milliseconds=1.0)
        for question, rank in zip(asked, ranks, strict=True)
    )
    low, high = share_interval(30, 40)
    report = Report("hybrid", "builtin", outcomes)
    assert interval(report, "ja") == interval(report, "all") == (low, high)
    assert interval(report, "en") == (0.0, 0.0)
    figures = summary(np.array(ranks))
    assert (figures["first_low"], figures["first_high"]) == (round(low, 4), round(high, 4))
    assert share(30, 40) == f"0.750 ({low:.2f}-{high:.2f})"
