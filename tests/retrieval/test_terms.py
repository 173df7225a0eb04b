"""Spellings that are one term and those that are not, from data/terms.toml."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.retrieval.terms import extract_terms, fold

CASES = tomllib.loads((Path(__file__).parent / "data" / "terms.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES["same"], ids=lambda case: case["id"])
def test_spellings_share_terms(case: dict[str, Any]) -> None:
    for text in case["texts"]:
        assert set(case["shared"]) <= set(getattr(extract_terms(text), case["field"])), text


@pytest.mark.parametrize("case", CASES["different"], ids=lambda case: case["id"])
def test_terms_that_must_not_arise(case: dict[str, Any]) -> None:
    terms = getattr(extract_terms(case["text"]), case["field"])
    assert not set(case["absent"]) & set(terms)


def test_atoms_of_declared_names_join_both_fields() -> None:
    terms = extract_terms("SCCとは", find_atoms=lambda folded: ["=x"] if "scc" in folded else [])
    assert "=x" in terms.characters
    assert "=x" in terms.morphemes


@given(st.text())
def test_any_text_has_terms(text: str) -> None:
    assert all(extract_terms(text).characters)
    assert fold(fold(text)) == fold(text)


def test_a_text_longer_than_sudachi_takes_is_cut() -> None:
    assert len(extract_terms("防衛" * 30_000).morphemes) >= 30_000


def test_threads_do_not_disturb_each_other() -> None:
    texts = [f"第{number}回日米安全保障協議委員会" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(extract_terms, texts)) == [extract_terms(text) for text in texts]


def test_words_near_one_another_are_a_pair_in_any_inflection() -> None:
    close = set(extract_terms("抑止力の強化に向けた取組").pairs)
    assert len(close) == 5  # of four words, each with the next two at most
    assert len(set(extract_terms("抑止力を強化する").pairs) & close) == 1
    assert not set(extract_terms("強化された抑止力").pairs) & close
    assert extract_terms("抑止力").pairs == ()


def test_words_far_apart_are_no_pair() -> None:
    assert extract_terms("抑止力、、、、、、強化").pairs == ()
