"""Towns named in a question (qa_service/answering/towns.py)."""

from __future__ import annotations

import pytest

from qa_service.answering.towns import asks_of_another_town, without_town

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


@pytest.mark.parametrize(
    ("question", "title", "rest"),
    [
        ("みどり町の人口は", "みどり町統計要覧", "人口は"),
        ("北浜県では何が行われたか", "北浜県環境白書", "何が行われたか"),
        ("青葉町の人口は", "みどり町統計要覧", "青葉町の人口は"),
        ("都市計画の目標は", "都市計画マスタープラン", "都市計画の目標は"),
        ("市町村合併の効果は", "市町村合併計画", "市町村合併の効果は"),
        ("みどり町", "みどり町統計要覧", "みどり町"),
    ],
)
def test_whose_a_document_is_goes_without_saying(question: str, title: str, rest: str) -> None:
    assert without_town(question, title) == rest
