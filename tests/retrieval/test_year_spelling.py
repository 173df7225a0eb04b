"""Years of a question as the documents write them (qa_service/retrieval/year_spelling.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_service.answering.answer import Request, ask
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import build_index, load_index
from qa_service.retrieval.year_spelling import spell_years, spellings_in

TEXTS = (
    "令和4年度の歳出は91億円",
    "２０２２年には見直しが行われ",
    "平成元年の歳出",
    "昭和六十年",
    "令和5年度の歳出",
    "平成12年度の歳出",
    "昭和55年の歳出",
)


def spelled(question: str) -> str:
    return spell_years(question, lambda year: spellings_in(TEXTS, year))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("2022年度の歳出", "令和4年度の歳出"),
        ("２０２２年度の歳出", "令和4年度の歳出"),
        ("令和4年度の歳出", "令和4年度の歳出"),
        ("令和4年の見直し", "2022年の見直し"),
        ("2022年の見直し", "2022年の見直し"),
        ("平成34年度の歳出", "令和4年度の歳出"),
        ("Ｒ４年度の歳出", "令和4年度の歳出"),
        ("FY2022の歳出", "令和4年度の歳出"),
        ("町のFY2022の歳出", "町の令和4年度の歳出"),
        ("JFY2022 expenditure", "令和4年度 expenditure"),
        ("Heisei 1 expenditure", "平成元年 expenditure"),
        ("2023年の歳出", "令和5年度の歳出"),
        ("1989年と1985年の歳出", "平成元年と昭和六十年の歳出"),
        ("expenditure in fiscal 2022", "expenditure in 令和4年度"),
        ("FY2022 expenditure", "令和4年度 expenditure"),
        ("expenditure in 1989", "expenditure in 平成元年"),
        ("the review of 2022", "the review of 2022"),
        ("the review in Reiwa 4", "the review in 2022"),
        ("expenditure in Heisei 1", "expenditure in 平成元年"),
        ("expenditure in fiscal Reiwa 4", "expenditure in 令和4年度"),
    ],
)
def test_a_year_is_spelled_as_most_texts_that_speak_of_it_spell_it(
    question: str, expected: str
) -> None:
    assert spelled(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "2021年度の歳出",
        "2022年版の白書",
        "2023年度版の白書",
        "2000年前の地層",
        "1980年代の歳出",
        "歳出は2023円",
        "歳出",
        "JIS Q 2023とは",
        "2023年2月の歳出",
        "2023 people",
        "in 2023 people",
        "FY2023-24",
        "room 1980",
        "令和4年度と5年度の歳出",
        "2022～2023年度",
        "「2023年度報告」の概要",
        "①2023年の㈱",
    ],
)
def test_what_no_text_speaks_of_and_what_is_no_year_stays(question: str) -> None:
    assert spelled(question) == question


REPORT = """# 若葉町統計

## 1 令和3年度の決算

令和3年度の一般会計の歳出は84億円であった。歳入は88億円である。

## 2 令和4年度の決算

令和4年度の一般会計の歳出は91億円であった。歳入は95億円である。

## 3 令和5年度の決算

令和5年度の一般会計の歳出は87億円であった。歳入は90億円である。

## 4 予算

2022年には予算の見直しが行われ、一般会計の歳出の基準が定められた。
"""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("2022年度の一般会計の歳出はいくらですか", "91億円"),
        ("2021年度の歳入はいくらですか", "88億円"),
        ("What was the expenditure in FY2023?", "87億円"),
    ],
)
def test_a_western_year_finds_what_a_document_counts_by_eras(
    tmp_path: Path, question: str, expected: str
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "report.md").write_text(REPORT, encoding="utf-8")
    embedder = load_embedder()
    build_index(tmp_path / "corpus", tmp_path / "index", embedder=embedder)
    index = load_index(tmp_path / "index", embedder=embedder)
    answered = ask(index, Request(question))
    assert any(expected in statement.text for statement in answered.answer.statements)
    (section,) = {citation.section for citation in answered.citations}  # nothing of another year
    assert section.title
