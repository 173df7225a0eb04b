"""MaxSim over the built-in pieces."""

from __future__ import annotations

import numpy as np
import pytest

from qa_service.retrieval.interaction import PieceIndex
from qa_service.retrieval.passage_pieces import cut_in_pieces
from qa_service.retrieval.static_model import load_static_model

TEXTS = [
    "日米合同委員会は地位協定の実施に関して協議する。",
    "今日は天気がよい。",
    "",
    "The treaty was signed.",
]


@pytest.fixture(scope="module")
def index() -> PieceIndex:
    return PieceIndex.of_texts(TEXTS, load_static_model())


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


@pytest.mark.parametrize("block", [1, 3, 7, 20])
def test_matching_in_blocks_changes_nothing(
    index: PieceIndex, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = index.scores("地位協定 treaty")
    monkeypatch.setattr("qa_service.retrieval.interaction._BLOCK", block)
    np.testing.assert_array_equal(index.scores("地位協定 treaty"), whole)


def test_of_a_very_long_question_the_weightiest_pieces_count(index: PieceIndex) -> None:
    filler = "".join(chr(0x4E00 + n) for n in range(0, 1900))
    assert int(index.scores(f"地位協定 日米合同委員会 {filler}").argmax()) == 0


@pytest.mark.parametrize("query", ["", " ", "\0"])
def test_a_question_without_pieces_matches_nothing(index: PieceIndex, query: str) -> None:
    assert not index.scores(query).any()


def test_what_one_sentence_says_counts_more_than_the_same_words_all_over() -> None:
    together = "地位協定を両国が協議した。雨が降った。"
    apart = "地位協定がある。両国は雨だった。協議が降った。"
    scores = PieceIndex.of_texts([together, apart], load_static_model()).scores(
        "地位協定 両国 協議"
    )
    assert scores[0] > scores[1]


def test_a_heading_belongs_to_every_sentence_below_it() -> None:
    texts = ["発効は1960年である。雨が降った。", "発効は1960年である。"]
    model = load_static_model()
    index = PieceIndex.build(cut_in_pieces(texts, model, headings=["地位協定", ""]), model)
    scores = index.scores("地位協定の発効")
    assert scores[0] > scores[1]
    assert scores[0] == pytest.approx(1, abs=0.1)  # all but の


def test_what_every_passage_says_counts_less() -> None:
    texts = [f"日米同盟の{word}について。" for word in ("歴史", "予算", "演習", "基地", "外交") * 8]
    index = PieceIndex.of_texts([*texts, "年次予算の説明である。"], load_static_model())
    scores = index.scores("日米同盟の演習")
    assert scores[2] > scores[0]
    share = index.shares("日米同盟の演習", np.array([0]))
    assert scores[0] < share[0]


def test_shares_do_not_depend_on_the_other_passages(index: PieceIndex) -> None:
    alone = PieceIndex.of_texts(TEXTS[:1], index.model)
    question = "日米の協議はどう進むか"
    assert alone.shares(question)[0] == pytest.approx(index.shares(question)[0], abs=1e-6)


def test_what_is_missing(index: PieceIndex) -> None:
    assert index.missing("地位協定", 0) < 0.1 < 0.4 < index.missing("地位協定", 1)
    assert index.missing("", 0) == 1.0


def test_files_give_back_the_same_scores(index: PieceIndex) -> None:
    restored = PieceIndex.from_files(index.to_files(), index.model)
    np.testing.assert_array_equal(restored.scores("協議"), index.scores("協議"))


def test_an_index_of_nothing() -> None:
    empty = PieceIndex.of_texts([], load_static_model())
    assert empty.scores("協議").shape == (0,)
    assert len(PieceIndex.from_files(empty.to_files(), empty.model)) == 0
