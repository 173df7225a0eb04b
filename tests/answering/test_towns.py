"""Towns named in a question (qa_service/answering/towns.py)."""

from __future__ import annotations

import pytest

from qa_service.answering.towns import asks_of_another_town

ORDINANCE = "青葉町廃棄物条例"


@pytest.mark.parametrize(
    ("question", "title", "text", "expected"),
    [
        ("緑山町では粗大ごみの手数料はいくらですか", ORDINANCE, "手数料は五百円とする。", True),
        ("横浜市における手数料は", ORDINANCE, "手数料は五百円とする。", True),
        ("青葉町の手数料は", ORDINANCE, "手数料は五百円とする。", False),
        ("緑山町との協定は", ORDINANCE, "緑山町と協定を結ぶ。", False),
        ("緑山町と青葉町の手数料は", ORDINANCE, "手数料は五百円とする。", False),
        ("本市の手数料は", ORDINANCE, "手数料は五百円とする。", False),
        ("他の市町村の手数料は", ORDINANCE, "手数料は五百円とする。", False),
        ("緑山町の手数料は", "廃棄物白書", "手数料は五百円とする。", False),
        ("What is the fee?", ORDINANCE, "手数料は五百円とする。", False),
    ],
)
def test_other_towns(question: str, title: str, text: str, expected: bool) -> None:
    assert asks_of_another_town(question, title, [text]) is expected
