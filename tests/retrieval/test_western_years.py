"""Years in one spelling (qa_service/retrieval/western_years.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_service.answering.answer import Request, ask
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.explain import matched_terms
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.retrieval.western_years import era_years, western_years


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("令和4年度の歳出", "2022年度の歳出"),
        ("令和４年度の歳出", "2022年度の歳出"),
        ("令和 4 年度の歳出", "2022 年度の歳出"),
        ("Ｒ４年度の歳出", "2022年度の歳出"),
        ("H30年の歳出", "2018年の歳出"),
        ("平成元年の歳出", "1989年の歳出"),
        ("昭和六十年", "1985年"),
        ("大正12年9月1日", "1923年9月1日"),
        ("二〇三〇年まで", "2030年まで"),
        ("公表した(令和6)", "公表した(2024)"),
        ("| 令和4 | 平成元 |", "| 2022 | 1989 |"),
        ("①令和4年度、表2平成30年", "1 2022年度、表2 2018年"),
        ("R5年版若葉町白書", "2023年版若葉町白書"),
        ("令和5–9年度", "2023–2027年度"),
        ("令和5ー9年度", "2023ー2027年度"),
        ("令和5・6年度", "2023・2024年度"),
        ("令和3年から10年をかけて", "2021年から10年をかけて"),
        ("令和2年、5年ごとに", "2020年、5年ごとに"),
        ("令和元年と10年前", "2019年と10年前"),
        ("FY2022年度の歳出", "2022年度の歳出"),
        ("令和5〜9年度", "2023〜2027年度"),
        ("令和4年度と5年度の歳出", "2022年度と2023年度の歳出"),
        ("昭和60年から63年まで", "1985年から1988年まで"),
        ("平成30年から3年で", "2018年から3年で"),
        ("平成2年から3年間", "1990年から3年間"),
        ("町のFY2022の歳出", "町の2022年度の歳出"),
        ("JFY2022 expenditure", "fiscal year 2022 expenditure"),
        ("expenditure in FY 2022", "expenditure in fiscal year 2022"),
        ("the review in Reiwa 4", "the review in 2022"),
        ("令和3年法律第5号", "2021年法律第5号"),
    ],
)
def test_years_are_western_ones(text: str, expected: str) -> None:
    assert western_years(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2022年度の歳出",
        "令和の時代",
        "昭和四天王",
        "昭和2丁目",
        "大正大学",
        "S3の料金",
        "AR4年",
        "水素(H2)とR2)",
        "地震(M7)",
        "M2年生",
        "平成30年間",
        "Showa 2-chome",
        "Taisho 3-4-5",
        "Heisei 30 years",
        "昭和2-3-4",
        "FY22",
        "heisei 1st",
        "第5条 三年ごとに",
        "歳出は2023円",
    ],
)
def test_what_is_no_year_of_an_era_stays(text: str) -> None:
    assert western_years(text) == text


def test_years_of_eras_are_found_as_they_stand() -> None:
    assert list(era_years("令和４年度と平成元年に、昭和2丁目で")) == [
        ("令和４", 2022),
        ("平成元", 1989),
    ]


REPORT = """# 若葉町統計

## 1 令和3年度の決算

令和3年度の一般会計の歳出は84億円であった。歳入は88億円である。

## 2 令和4年度の決算

令和4年度の一般会計の歳出は91億円であった。歳入は95億円である。

## 3 令和5年度の決算

令和5年度の一般会計の歳出は87億円であった。歳入は90億円である。

## 4 予算

2022年には予算の見直しが行われ、一般会計の歳出の基準が定められた。

## 5 図書館

| 年度 | 貸出冊数 |
| --- | --- |
| 令和元年度 | 57,100冊 |
| 令和2年度 | 39,800冊 |

## 6 観光

2021年の宿泊者数は11万人であった。2022年は16万人、2023年は18万人である。
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder: Path = tmp_path_factory.mktemp("years")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "report.md").write_text(REPORT, encoding="utf-8")
    embedder = load_embedder()
    build_index(folder / "corpus", folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


@pytest.mark.parametrize(
    ("question", "expected", "others"),
    [
        ("2022年度の一般会計の歳出はいくらですか", "91億円", ("84億円", "87億円")),
        ("2021年度の歳入はいくらですか", "88億円", ("95億円", "90億円")),
        ("What was the expenditure in FY2023?", "87億円", ("84億円", "91億円")),
        ("R5年度の歳入は", "90億円", ("88億円", "95億円")),
        ("令和4年の宿泊者数は", "16万人", ()),
    ],
)
def test_a_year_is_found_however_it_is_written(
    index: Index, question: str, expected: str, others: tuple[str, ...]
) -> None:
    told = ask(index, Request(question)).answer.text
    assert expected in told
    assert not [each for each in others if each in told]


@pytest.mark.parametrize(
    "question", ["2020年度の歳出は", "令和元年度の歳入は", "2019年の宿泊者数は"]
)
def test_a_year_that_only_other_matters_have_is_no_answer(index: Index, question: str) -> None:
    answered = ask(index, Request(question))
    assert not answered.answer.answered


def test_what_matches_shows_the_year_as_it_is_printed(index: Index) -> None:
    assert "令和4" in matched_terms(index, "2022年度の歳出", "令和4年度の一般会計の歳出は91億円")


def test_statements_of_several_years_say_of_which(index: Index) -> None:
    answer = ask(index, Request("What was the revenue?")).answer
    told = {each.text: answer.text[: each.start].splitlines()[-1] for each in answer.statements}
    assert told["歳入は88億円である。"].endswith("令和3年度の決算: ")
    assert told["歳入は95億円である。"].endswith("令和4年度の決算: ")
