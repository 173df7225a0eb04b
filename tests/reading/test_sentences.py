"""Sentence ends in Japanese and English, from data/sentences.txt, and on any text."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.reading.sentences import split_sentences


def _cases() -> list[tuple[str, str, list[str]]]:
    content = (Path(__file__).parent / "data" / "sentences.txt").read_text(encoding="utf-8")
    cases = []
    for block in content.split("\n\n")[1:]:
        title, text, *sentences = block.strip().split("\n")
        cases.append((title, text.replace("⏎", "\n"), [line[2:] for line in sentences]))
    return cases


@pytest.mark.parametrize(("title", "text", "expected"), _cases(), ids=lambda value: str(value)[:40])
def test_sentences(title: str, text: str, expected: list[str]) -> None:
    assert [sentence.of(text) for sentence in split_sentences(text)] == expected


@given(st.text(alphabet='あ漢aB. 。！？!?「」（）()"\n・、1'))
def test_every_character_but_white_space_is_in_one_sentence(text: str) -> None:
    sentences = split_sentences(text)
    kept = "".join(sentence.of(text) for sentence in sentences)
    assert "".join(kept.split()) == "".join(text.split())
    assert all(a.end <= b.start for a, b in pairwise(sentences))


def test_many_open_brackets_take_no_longer_than_their_number() -> None:
    text = "（" * 50_000 + "。" * 50_000
    assert len(split_sentences(text)) >= 1
