"""Printed numbers, from data/numbers.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.reading.numbering import (
    Label,
    find_labels,
    find_place,
    heading_number,
    label_at_start,
    normalise,
)

_CASES = tomllib.loads(
    (Path(__file__).parent / "data" / "numbers.toml").read_text(encoding="utf-8")
)
_PRINTED = "0123456789０１２３一二十百ⅠⅡⅫIVXivx第図表資料節章条の-－−ー.．（）() ①アa:：Figure"


@pytest.mark.parametrize(("heading", "expected"), _CASES["headings"].items())
def test_heading(heading: str, expected: str) -> None:
    number = heading_number(heading)
    form = "" if number is None else "1.1" if number.level == "decimal" else number.level
    found = "" if number is None else f"{form} {'.'.join(map(str, number.values))}"
    assert found == expected


@pytest.mark.parametrize(("text", "expected"), _CASES["labels"].items())
def test_labels(text: str, expected: list[str]) -> None:
    assert [label.id for label in find_labels(text)] == expected


@pytest.mark.parametrize(("text", "expected"), _CASES["places"].items())
def test_place(text: str, expected: list[str]) -> None:
    assert list(find_place(text)) == expected


def test_label_at_the_start_of_a_marked_caption() -> None:
    text = "**【図表Ⅲ-2-1-1】** 主な政策協議"
    label = label_at_start(text)
    assert label is not None
    assert text[label.start : label.end] == "図表Ⅲ-2-1-1"


@pytest.mark.parametrize("id", ["figure-3-2-1-1", "table-3-2-1-1"])
def test_figure_and_table_are_used_for_one_another(id: str) -> None:
    assert find_labels("Table III-2-1-1")[0].names(id)


def test_an_appendix_is_no_figure() -> None:
    assert not Label("appendix", ("1",), "資料1", 0, 3).names("figure-1")


@given(st.text(_PRINTED, max_size=40))
def test_labels_stand_in_the_text_in_order(text: str) -> None:
    labels = find_labels(text)
    assert [text[label.start : label.end] for label in labels] == [label.text for label in labels]
    assert [label.start for label in labels] == sorted(label.start for label in labels)
    assert all(part for label in labels for part in label.parts)


@given(st.text(_PRINTED) | st.text())
def test_any_text_has_a_number_or_none(text: str) -> None:
    normalise(text)
    find_place(text)
    number = heading_number(text)
    if number is not None:
        assert text.startswith(number.printed)
        assert number.values[0] > 0
        assert number.part.isascii()
