"""Follow-ups and questions that stand alone, from data/dialogues.jsonl.

A line holds the questions asked before (`history`), the next one and what it must become
(`standalone`). `qa-service evaluate` counts the same file.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.answering.conversation import make_standalone
from qa_service.evaluation import Question, read_questions
from qa_service.types import Turn

DIALOGUES = read_questions(Path(__file__).parent / "data" / "dialogues.jsonl")


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.id)
def test_dialogue(dialogue: Question) -> None:
    history = [
        turn
        for asked in dialogue.history
        for turn in (Turn("user", asked), Turn("assistant", "お答えします。 [1]"))
    ]
    assert make_standalone(dialogue.question, history) == dialogue.standalone


@pytest.mark.parametrize(
    ("asked", "question", "standalone"),
    [
        (
            "What is the purpose of the Joint Committee?",
            "Who attends?",
            "Who attends (Joint Committee)?",
        ),
        ("What is deterrence?", "What is interoperability?", "What is interoperability?"),
        ("日米合同委員会の目的は", "米側の出席者は？", "日米合同委員会について、米側の出席者は？"),
        ("日米合同委員会の目的は", "なぜ？", "日米合同委員会について、なぜ？"),
        ("日米合同委員会の目的は", "ありがとうございます", "ありがとうございます"),
        ("Who attends the 2+2?", "Thank you very much!", "Thank you very much!"),
    ],
)
def test_what_leans_on_the_question_before(asked: str, question: str, standalone: str) -> None:
    assert make_standalone(question, [Turn("user", asked)]) == standalone


def test_a_verb_is_no_topic() -> None:
    history = [
        Turn("user", "What is the purpose of the Joint Committee?"),
        Turn("user", "Who attends?"),
    ]
    assert make_standalone("and who chairs it?", history) == "who chairs Joint Committee?"


def test_without_history_nothing_changes() -> None:
    assert make_standalone("それはいつですか", []) == "それはいつですか"


@given(st.text(), st.text())
def test_any_text_can_be_asked_after_any(before: str, question: str) -> None:
    make_standalone(question, [Turn("user", before)])


def test_a_long_earlier_turn_is_read_in_its_beginning_only() -> None:
    turn = Turn("user", "日米合同委員会は" * 2_500)
    assert len(make_standalone("その目的は？", [turn])) < 300


def test_what_history_holds_cannot_spoil_a_good_question() -> None:
    for content in ("a\0b" * 100, "あ" * 19_000, "SCC\0とは何か"):
        standalone = make_standalone("その目的は？", [Turn("user", content)])
        assert "\0" not in standalone
        assert len(standalone) < 300
