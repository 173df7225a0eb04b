"""Months and days, from data/dates.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from qa_service.retrieval.dates import find_dates

CASES = tomllib.loads((Path(__file__).parent / "data" / "dates.toml").read_text(encoding="utf-8"))


def _found(text: str) -> list[str]:
    return [
        f"{date.month}" if date.day is None else f"{date.month}/{date.day}"
        for date in find_dates(text)
    ]


@pytest.mark.parametrize(("date", "texts"), CASES["dates"].items())
def test_spellings_of_a_date(date: str, texts: list[str]) -> None:
    for text in texts:
        assert _found(text) == [date], text


@pytest.mark.parametrize("text", CASES["none"]["texts"])
def test_what_is_no_date(text: str) -> None:
    assert _found(text) == []


def test_a_date_knows_its_words() -> None:
    assert [date.text for date in find_dates("締結は4月10日、発効は June 23")] == [
        "4月10日",
        "June 23",
    ]
