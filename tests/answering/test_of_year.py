"""What of the units that answer tells of the year that is asked about (qa_service/answering/of_year.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_service.answering.answer import Request, ask
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index

STATISTICS = """# みどり町統計年報

## 概要

この年報は、みどり町の人口、財政、観光及びごみ処理に関する統計をまとめたものである。

## 令和3年度の状況

町の人口は12,480人であった。観光客数は8万4千人である。

## 令和4年度の状況

町の人口は12,310人であった。観光客数は11万2千人である。

## 図書館の利用状況

| 年度 | 貸出冊数 |
| --- | --- |
| 令和2年度 | 39,800冊 |
| 令和3年度 | 45,300冊 |

## 観光の動き

2019年の宿泊者数は21万人であったが、2020年には9万人まで落ち込んだ。2021年は11万人、2022年は16万人である。

## 目標

2030年までに温室効果ガスを46パーセント削減する。再生可能エネルギーの導入量を2倍とする。

## ごみ

1人1日当たりのごみは、令和3年度が912グラム、令和4年度が894グラムであった。リサイクル率は令和4年度で21パーセントである。

## 体育館

体育館の利用料は1時間300円である。
"""
REPORT_2023 = """# Harbor Report 2023

## Cargo

The port handled 2.3 million tons of cargo. In 2019 it had been 1.8 million tons.
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder: Path = tmp_path_factory.mktemp("of-year")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "toukei.md").write_text(STATISTICS, encoding="utf-8")
    (folder / "corpus" / "harbor.md").write_text(REPORT_2023, encoding="utf-8")
    embedder = load_embedder()
    build_index(folder / "corpus", folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


def told(index: Index, question: str) -> str:
    answer = ask(index, Request(question)).answer
    return answer.text if answer.answered else ""


@pytest.mark.parametrize(
    "question",
    [
        "みどり町の2020年度の人口は",
        "2018年の宿泊者数は",
        "令和2年度の観光客数は",
        "みどり町の令和4年度の貸出冊数は",
        "リサイクル率は令和3年度で",
    ],
)
def test_other_years_are_no_answer(index: Index, question: str) -> None:
    assert told(index, question) == ""


def test_the_heading_may_name_the_year(index: Index) -> None:
    text = told(index, "2022年度の町の人口は何人ですか")
    assert "12,310人" in text
    assert "12,480人" not in text


def test_whose_the_document_is_need_not_stand_beside_the_year(index: Index) -> None:
    assert "39,800冊" in told(index, "みどり町の令和2年度の貸出冊数は")


def test_the_sentence_of_the_year_comes_with_that_which_names_the_matter(index: Index) -> None:
    text = told(index, "令和4年の宿泊者数は")
    assert text.index("2019年の宿泊者数は21万人") < text.index("2022年は16万人")


def test_the_sentence_before_may_name_the_year(index: Index) -> None:
    assert "再生可能エネルギーの導入量を2倍とする" in told(
        index, "2030年の再生可能エネルギーの導入目標は"
    )


def test_the_title_may_name_the_year(index: Index) -> None:
    text = told(index, "How much cargo did the port handle in 2023?")
    assert "2.3 million tons" in text
    assert "1.8 million tons" not in text


def test_statements_of_several_years_stand_behind_their_headings(index: Index) -> None:
    lines = told(index, "町の人口は何人ですか").splitlines()
    assert any(line.startswith("令和3年度の状況: 町の人口は12,480人") for line in lines)
    assert any(line.startswith("令和4年度の状況: 町の人口は12,310人") for line in lines)


def test_what_is_of_one_year_stands_alone(index: Index) -> None:
    assert told(index, "2022年度の町の人口は").startswith("町の人口は")
