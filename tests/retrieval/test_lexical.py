"""BM25 over two fields: what is found, what a score means, and the way through files."""

from __future__ import annotations

import numpy as np
import pytest

from qa_service.retrieval.lexical import LexicalIndex
from qa_service.retrieval.terms import extract_terms

TEXTS = [
    "日米防衛協力のための指針は、1978年に策定された。",
    "日米合同委員会は、地位協定の実施に関して協議する。",
    "安全保障環境は厳しさを増している。",
    "",
]


@pytest.fixture(scope="module")
def index() -> LexicalIndex:
    return LexicalIndex.build(TEXTS)


@pytest.mark.parametrize(
    ("question", "row"),
    [("ガイドラインではなく指針はいつ策定されたか", 0), ("地位協定は", 1), ("環境の厳しさ", 2)],
)
def test_the_text_that_shares_the_rare_words_wins(
    index: LexicalIndex, question: str, row: int
) -> None:
    assert int(index.scores(extract_terms(question)).argmax()) == row


def test_scores_are_shares_of_the_ideal(index: LexicalIndex) -> None:
    for text in TEXTS[:3]:
        scores = index.scores(extract_terms(text))
        assert (scores >= 0).all()
        assert (scores <= 1).all()


def test_a_question_of_unknown_words_scores_nothing(index: LexicalIndex) -> None:
    assert not index.scores(extract_terms("xyzzy")).any()
    assert not index.scores(extract_terms("")).any()


def test_unknown_words_lower_the_share_of_the_known(index: LexicalIndex) -> None:
    alone = index.scores(extract_terms("地位協定"))
    among = index.scores(extract_terms("地位協定 xyzzy plugh"))
    assert 0 < among[1] < alone[1]


def test_files_give_back_the_same_scores(index: LexicalIndex) -> None:
    restored = LexicalIndex.from_files(index.to_files())
    terms = extract_terms("地位協定の実施")
    np.testing.assert_array_equal(restored.scores(terms), index.scores(terms))


@pytest.mark.parametrize("texts", [[], [""], ["。"]], ids=["no text", "empty", "no term"])
def test_an_index_without_terms_finds_nothing(texts: list[str]) -> None:
    built = LexicalIndex.build(texts)
    restored = LexicalIndex.from_files(built.to_files())
    assert restored.scores(extract_terms("協議")).tolist() == [0.0] * len(texts)


def test_progress_counts_texts() -> None:
    seen: list[int] = []
    LexicalIndex.build(TEXTS, progress=seen.append)
    assert seen == [1, 2, 3, 4]


def test_what_is_asked_together_is_found_together() -> None:
    lexical = LexicalIndex.build(
        ["海上の輸送と陸上の警備を担う", "海上の警備と陸上の輸送を担う", "雨が降る"]
    )
    apart, together, _ = lexical.scores(extract_terms("海上の警備")).tolist()
    assert together > apart > 0
