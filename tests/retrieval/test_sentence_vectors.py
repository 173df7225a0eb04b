"""A question and the nearest sentence of each passage."""

from __future__ import annotations

import numpy as np
import pytest

from qa_service.retrieval.passage_pieces import cut_in_pieces
from qa_service.retrieval.sentence_vectors import SentenceVectors
from qa_service.retrieval.static_model import StaticModel, load_static_model

TEXTS = [
    "日米両国は抑止力を強化する。雨が降った。",
    "在日米軍の駐留経費は、特別協定に基づいて日本が負担しており、その額は国会の議論を経て年ごとに見直されている。",
    "",
    "The two governments agreed to share information. It rained all day.",
]


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return load_static_model()


@pytest.fixture(scope="module")
def vectors(model: StaticModel) -> SentenceVectors:
    return SentenceVectors.build(cut_in_pieces(TEXTS, model), model)


def test_a_passage_is_as_near_as_its_nearest_sentence(
    vectors: SentenceVectors, model: StaticModel
) -> None:
    question = model.encode(["情報を共有することで合意した。"])[0]
    found = vectors.similarities(question, np.arange(4))
    assert found.argmax() == 3
    sentence = model.encode(["The two governments agreed to share information."])[0]
    assert found[3] == pytest.approx(question @ sentence, abs=0.01)


def test_a_clause_comes_nearer_than_its_sentence(
    vectors: SentenceVectors, model: StaticModel
) -> None:
    question = model.encode(["在日米軍の駐留経費は、特別協定に基づいて日本が負担しており、"])[0]
    (found,) = vectors.similarities(question, np.array([1]))
    assert found > 0.98 > question @ model.encode([TEXTS[1]])[0]


def test_a_passage_without_text_is_near_to_nothing(
    vectors: SentenceVectors, model: StaticModel
) -> None:
    question = model.encode(["抑止力"])[0]
    assert vectors.similarities(question, np.array([2])).tolist() == [0]


def test_some_rows_as_among_all(vectors: SentenceVectors, model: StaticModel) -> None:
    question = model.encode(["抑止力を強化する"])[0]
    every = vectors.similarities(question, np.arange(4))
    for rows in ([], [2], [3, 0]):
        chosen = np.array(rows, dtype=np.int64)
        np.testing.assert_allclose(vectors.similarities(question, chosen), every[chosen], atol=1e-6)


def test_joined_parts_are_the_whole(vectors: SentenceVectors, model: StaticModel) -> None:
    cut = cut_in_pieces(TEXTS, model)
    joined = SentenceVectors.joined(
        [SentenceVectors.build(cut[:3], model), SentenceVectors.build(cut[3:], model)]
    )
    assert joined.passages.tolist() == vectors.passages.tolist()
    np.testing.assert_array_equal(joined.steps, vectors.steps)


def test_files_give_back_the_same(vectors: SentenceVectors) -> None:
    restored = SentenceVectors.from_files(vectors.to_files())
    assert len(restored) == len(vectors) == 4
    for name in ("steps", "scales", "passages"):
        np.testing.assert_array_equal(getattr(restored, name), getattr(vectors, name))
