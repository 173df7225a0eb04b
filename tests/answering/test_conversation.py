"""Follow-ups and questions that stand alone, from data/dialogues.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.answering.conversation import make_standalone
from qa_service.types import Turn

DIALOGUES = tomllib.loads(
    (Path(__file__).parent / "data" / "dialogues.toml").read_text(encoding="utf-8")
)["dialogue"]


@pytest.mark.parametrize("case", DIALOGUES, ids=lambda case: case["id"])
def test_dialogue(case: dict[str, Any]) -> None:
    history = [
        turn
        for asked in case["before"]
        for turn in (Turn("user", asked), Turn("assistant", "お答えします。 [1]"))
    ]
    expected = case["question"] if case.get("unchanged") else case["standalone"]
    assert make_standalone(case["question"], history) == expected


def test_without_history_nothing_changes() -> None:
    assert make_standalone("それはいつですか", []) == "それはいつですか"


@given(st.text(), st.text())
def test_any_text_can_be_asked_after_any(before: str, question: str) -> None:
    make_standalone(question, [Turn("user", before)])
