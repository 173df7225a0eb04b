"""Persons named in full (qa_service/answering/persons.py)."""

from __future__ import annotations

import pytest

from qa_service.answering.persons import asks_of_namesake


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("佐藤健の任期は", "委員長は佐藤真理が務める。", True),
        ("佐藤健の任期は", "委員長は佐藤　真理が務める。", True),
        ("佐藤健の任期は", "委員は佐藤真理と佐藤健とする。", False),
        ("佐藤健の任期は", "委員は佐藤 健とする。", False),
        ("佐藤健の任期は", "佐藤真理のほか、佐藤委員が出席した。", False),
        ("佐藤の任期は", "委員長は佐藤真理が務める。", False),
        ("木原稔とは誰ですか", "木原防衛大臣が会談した。", False),
        ("佐藤健の任期は", "委員長は中村恵子が務める。", False),
        ("Who is Ken Sato?", "委員長は佐藤真理が務める。", False),
        ("佐藤健の任期は", "委員長は佐藤健一が務める。", True),
        ("佐藤たけしの任期は", "委員長は佐藤武が務める。", False),
        ("中村俊輔と中村憲剛の違いは", "中村俊輔が出場した。", False),
        ("", "", False),
    ],
)
def test_namesakes(question: str, text: str, expected: bool) -> None:
    assert asks_of_namesake(question, [text]) is expected
