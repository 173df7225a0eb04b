"""Documents called by their titles (qa_service/retrieval/titles.py)."""

from __future__ import annotations

import pytest

from qa_service.answering.answer import Request, ask
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.types import Filters

FILES = {
    "records.md": """# 青葉市公文書管理条例

### 第1条（目的）

この条例は、公文書の管理に関し必要な事項を定めることを目的とする。

### 第2条（保存）

実施機関は、公文書を三十年保存する。
""",
    "parks.md": """# 青葉市公園条例

### 第1条（目的）

この条例は、公園の設置に関し必要な事項を定める。

### 第2条（使用料）

公園の使用料は、一時間三百円とする。

### 第3条（罰則）

第2条に違反した者は、過料に処する。
""",
    "white.md": """# 令和6年版防災交通白書

## 第1章 概況

本白書は、防災と交通の状況を述べる。
""",
    "civil.md": """# 民法

### 第4条

年齢十八歳をもって、成年とする。
""",
    "pool.md": """# 青葉市プールの設置及び管理に関する条例

### 第1条（使用料）

プールの使用料は、一回百円とする。
2 使用料は、前納する。
""",
    "food-2023.md": """# 令和5年版食品衛生白書

## 第1章 検査

検査の実施率は、84パーセントであった。
""",
    "food-2024.md": """# 令和6年版食品衛生白書

## 第1章 検査

検査の実施率は、86パーセントであった。
""",
    "10.txt": "公園は三つある。",
    "notes.md": """# Notes

The ferry leaves at noon.
""",
    "harbor.md": """# Harbor Resilience Report 2025

## Chapter 1 Background

This report describes how the port prepares for storms.

## Chapter 2 Measures

The sea wall will be raised from 3.1 to 4.5 metres.

The contractor went through Chapter 11 bankruptcy in 2019.
""",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("titles")
    (folder / "corpus").mkdir()
    for name, text in FILES.items():
        (folder / "corpus" / name).write_text(text, encoding="utf-8")
    embedder = load_embedder()
    build_index(folder / "corpus", folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


@pytest.mark.parametrize(
    ("question", "documents"),
    [
        ("青葉市公文書管理条例第2条", ["records"]),
        ("「青葉市公文書管理条例」の第2条", ["records"]),
        ("公文書管理条例第2条", ["records"]),
        ("青葉市公園条例の概要", ["parks"]),
        ("the Harbor Resilience Report 2025", ["harbor"]),
        ("ＨＡＲＢＯＲ Resilience Report, Chapter 2", ["harbor"]),
        ("Summarise Harbor Resilience Report", ["harbor"]),
        ("青葉市の公園条例第2条", ["parks"]),
        ("公園条例 第2条", ["parks"]),
        ("青葉市 公園条例第2条", ["parks"]),
        ("令和6年版 防災交通白書の第2章", ["white"]),
        ("防災交通白書の第2章", ["white"]),
        ("民法第4条", ["civil"]),
        ("改正民法第4条", ["civil"]),
        ("プール条例第1条", ["pool"]),
        ("青葉市のプール条例第1条", ["pool"]),
        ("プールの設置及び管理に関する条例第1条", ["pool"]),
        ("市プールの設置及び管理に関する条例第1条", ["pool"]),
        ("食品衛生白書の第1章", ["food-2023", "food-2024"]),
        ("令和5年版食品衛生白書の第1章", ["food-2023"]),
        ("2024年版食品衛生白書の第1章", ["food-2024"]),
        ("令和5年の青葉市公園条例の改正", ["parks"]),
        ("令和5年版防災交通白書の第2章", []),
        ("2023年版の「防災交通白書」第2章", []),
        ("ドイツの民法第1条", []),
        ("青葉市公園条例・青葉市公文書管理条例第2条", []),
        ("公園条例第2条と公文書管理条例第1条の違い", []),
        ("公園条例 施行規則第2条", []),
        ("the Harbor Resilience Report 2024", []),
        ("the 2019 Harbor Resilience Report", []),
        ("Boston Harbor Resilience Report, Chapter 2", []),
        ("What do the notes say?", []),
        ("What does Chapter 10 say?", []),
        ("横浜市公文書管理条例第2条", []),
        ("横浜市の公文書管理条例第2条", []),
        ("市の公文書管理条例第2条", []),
        ("青葉市公文書管理条例施行規則第2条", []),
        ("新青葉市公園条例第2条", []),
        ("管理条例第2条", []),
        ("the Annual Report 2025", []),
        ("What does the Boston Resilience Report say?", []),
        ("a Report", []),
        ("", []),
    ],
)
def test_titles_are_found(index: Index, question: str, documents: list[str]) -> None:
    called = index.titles.find(question)
    assert list(called.documents) == documents
    assert (called.question == question) is not bool(documents)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("青葉市公文書管理条例第2条の内容", "三十年"),
        ("青葉市公園条例第2条", "三百円"),
        ("公文書管理条例第1条は何を定めていますか", "公文書の管理"),
        ("民法4条", "十八歳"),
        ("プール条例1条2項", "前納"),
        ("令和5年版「食品衛生白書」第1章", "84"),
        ("令和5年版食品衛生白書で検査の実施率は何パーセントですか", "84"),
        ("2024年版の食品衛生白書では検査の実施率は何パーセントですか", "86"),
        ("青葉市公園条例の概要を教えてください", "公園の設置"),
        ("Harbor Resilience Report, Chapter 2", "sea wall"),
        ("What does Chapter 2 of the Harbor Resilience Report say?", "sea wall"),
        ("What is the Harbor Resilience Report about?", "This report describes"),
        (
            "Does the Harbor Resilience Report say anything about Chapter 11 bankruptcy?",
            "Chapter 11",
        ),
    ],
)
def test_what_is_named_is_told_of_the_document_that_is_called(
    index: Index, question: str, words: str
) -> None:
    answer = ask(index, Request(question)).answer
    assert words in answer.statements[0].text


@pytest.mark.parametrize(
    "question",
    [
        "青葉市公文書管理条例第3条の内容",
        "青葉市公園条例第5章の内容",
        "青葉市公文書管理条例の罰則は",
        "2019年の青葉市公園条例の使用料は",
        "令和6年の検査の実施率は何パーセントでしたか",  # the edition's year is not the data's
        "Chapter 3 of the Harbor Resilience Report",
        "Chapter 2 of the Harbor Resilience Report 2024",
        "令和5年版防災交通白書では防災の状況はどう述べられていますか",
    ],
)
def test_what_only_another_document_has_is_refused(index: Index, question: str) -> None:
    assert not ask(index, Request(question)).answer.answered


@pytest.mark.parametrize(
    "question", ["公文書管理条例の第2項", "青葉市公園条例第3項の内容", "公園条例第1号"]
)
def test_a_paragraph_without_its_article_harms_nothing(index: Index, question: str) -> None:
    assert ask(index, Request(question)).hits


def test_what_a_filter_leaves_out_is_not_told_by_another(index: Index) -> None:
    within = Filters(documents=("parks",))
    assert not ask(index, Request("青葉市公文書管理条例第2条", filters=within)).answer.answered
