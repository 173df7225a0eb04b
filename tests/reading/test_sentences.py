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


@pytest.mark.parametrize("closed", [True, False])
def test_deeply_nested_brackets_hold_a_sentence_together_where_they_are_closed(
    closed: bool,
) -> None:
    inner = "（" * 200_000 + "はい。いいえ。"
    text = f"{inner}{'）' * 200_000 if closed else ''}と述べた。"
    sentences = [sentence.of(text) for sentence in split_sentences(text)]
    if closed:
        assert sentences == [text]
    else:
        assert sentences == [inner[:-4], "いいえ。", "と述べた。"]


@given(st.text(alphabet="（）「」。あ\n", max_size=60))
def test_a_sentence_ends_at_each_full_stop_outside_pairs_of_brackets(text: str) -> None:
    ends = {sentence.end for sentence in split_sentences(text)}
    for place, character in enumerate(text):
        enclosed = any(first < place < last for first, last in _pairs(text))
        if character == "。" and text[place + 1 : place + 2] == "あ":  # nothing is taken along
            assert (place + 1 in ends) is not enclosed


def _pairs(text: str) -> list[tuple[int, int]]:
    """Places of the brackets that belong together, in one line."""
    pairs, opened = [], list[int]()
    for place, character in enumerate(text):
        if character in "（「":
            opened.append(place)
        elif character == "\n":
            opened = []
        elif opened and text[opened[-1]] + character in ("（）", "「」"):
            pairs.append((opened.pop(), place))
    return pairs
