"""MaxSim over the built-in pieces."""

from __future__ import annotations

import numpy as np
import pytest

from qa_service.retrieval.interaction import PieceIndex
from qa_service.retrieval.static_model import load_static_model

TEXTS = [
    "日米合同委員会は地位協定の実施に関して協議する。",
    "今日は天気がよい。",
    "",
    "The treaty was signed.",
]


@pytest.fixture(scope="module")
def index() -> PieceIndex:
    return PieceIndex.build(TEXTS, load_static_model())


@pytest.mark.parametrize(
    ("query", "row"),
    [("地位協定", 0), ("weather today", 1), ("条約の署名", 3)],
    ids=["same words", "English to Japanese", "Japanese to English"],
)
def test_the_passage_that_means_it_wins(index: PieceIndex, query: str, row: int) -> None:
    assert int(index.scores(query).argmax()) == row


def test_a_text_matches_itself_wholly_and_an_empty_one_nothing(index: PieceIndex) -> None:
    scores = index.scores(TEXTS[0])
    assert scores[0] == pytest.approx(1, abs=1e-5)
    assert scores[2] == 0
    assert ((scores >= 0) & (scores <= 1 + 1e-6)).all()


def test_chosen_rows_score_as_among_all(index: PieceIndex) -> None:
    rows = np.array([3, 0, 2])
    np.testing.assert_allclose(index.scores("協議", rows), index.scores("協議")[rows], rtol=1e-6)


@pytest.mark.parametrize("query", ["", " ", "\0"])
def test_a_question_without_pieces_matches_nothing(index: PieceIndex, query: str) -> None:
    assert not index.scores(query).any()


def test_what_is_missing(index: PieceIndex) -> None:
    assert index.missing("地位協定", 0) < 0.1 < 0.4 < index.missing("地位協定", 1)
    assert index.missing("", 0) == 1.0


def test_files_give_back_the_same_scores(index: PieceIndex) -> None:
    restored = PieceIndex.from_files(index.to_files(), index.model)
    np.testing.assert_array_equal(restored.scores("協議"), index.scores("協議"))


def test_an_index_of_nothing() -> None:
    empty = PieceIndex.build([], load_static_model())
    assert empty.scores("協議").shape == (0,)
    assert len(PieceIndex.from_files(empty.to_files(), empty.model)) == 0
