"""Paragraphs of articles, supplements, appendices that are only referred to, and what acronyms are."""

from __future__ import annotations

import pytest

from qa_service.answering.answer import Request, ask
from qa_service.answering.definitions import asked_acronyms, explains
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.types import Reason

LAW = """# 港の管理に関する条例

目次

第1章 総則（第1条・第2条）
附則

## 第1章 総則

（目的）
第1条 この条例は、港の管理に関し必要な事項を定める。

（点検）
第2条 港の管理者は、施設を点検しなければならない。
2 前項の点検は、毎年度一回以上行う。
３　管理者は、点検の結果を公表する。

（罰則）
第3条 第2条の規定に違反した者は、過料に処する。

附則
1 この条例は、令和5年10月1日から施行する。
"""


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("law")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "port.md").write_text(LAW, encoding="utf-8")
    embedder = load_embedder()
    build_index(folder / "corpus", folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("第2条第1項は何を定めていますか", ["施設を点検しなければならない"]),
        ("第2条第2項", ["毎年度一回以上行う"]),
        ("第二条第三項の内容は", ["結果を公表する"]),
        ("第2条", ["施設を点検しなければならない", "毎年度一回以上", "結果を公表する"]),
        ("第2条第9項", ["施設を点検しなければならない", "毎年度一回以上", "結果を公表する"]),
    ],
)
def test_a_paragraph_of_an_article_is_told_alone(
    law: Index, question: str, words: list[str]
) -> None:
    answer = ask(law, Request(question)).answer
    assert len(answer.statements) == len(words)
    for statement, part in zip(answer.statements, words, strict=True):
        assert part in statement.text


def test_a_supplement_is_no_part_of_the_last_article(law: Index) -> None:
    result = ask(law, Request("この条例はいつから施行されますか"))
    assert "令和5年10月1日" in result.answer.statements[0].text
    assert "附則" in result.citations[0].label
    assert "第3条" not in result.citations[0].label
    (last,) = ask(law, Request("第3条の内容は")).answer.statements
    assert "過料" in last.text


def test_a_title_is_told_from_the_reference_and_the_content_refused(chapter_index: Index) -> None:
    title = ask(chapter_index, Request("資料24の題名は何ですか"))
    assert title.answer.answered
    assert title.answer.text.startswith("資料24は収録されていません。")
    assert "日米同盟にかかわる主な経緯" in title.answer.text
    for question in ("資料24には何が書いてありますか", "資料27の内容は"):
        assert ask(chapter_index, Request(question)).answer.reason is Reason.ONLY_REFERENCED


@pytest.mark.parametrize(
    "question", ["DICASとは何の略ですか", "What does DICAS stand for?", "什么是DICAS", "DICASとは"]
)
def test_an_acronym_is_told_by_the_words_that_explain_it(
    chapter_index: Index, question: str
) -> None:
    (statement,) = ask(chapter_index, Request(question)).answer.statements
    assert "定期協議 (DICAS)" in statement.text


def test_an_acronym_that_is_only_used_is_not_explained(chapter_index: Index) -> None:
    assert asked_acronyms(chapter_index, "What is NATO?") == ("NATO",)
    assert not ask(chapter_index, Request("What is NATO?")).answer.answered
    alone, wide = (ask(chapter_index, Request(each)).answer for each in ("NATO", "ＮＡＴＯ"))
    assert alone.answered == wide.answered


@pytest.mark.parametrize("question", ["What is FOO?", "DICASの開催はいつですか", "What is it?"])
def test_what_asks_for_more_or_for_the_unknown_asks_for_no_acronym(
    chapter_index: Index, question: str
) -> None:
    assert asked_acronyms(chapter_index, question) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("定期協議（DICAS）を設立", True),
        ("the Forum (DICAS), which", True),
        ("DICAS (Forum on Industry)", True),
        ("DICAS：防衛産業の協議", True),
        ("DICASの早期開催", False),
        ("定期協議（DICASX）", False),
        ("XDICAS (a forum)", False),
    ],
)
def test_brackets_and_colons_explain(text: str, told: bool) -> None:
    assert explains(text, "DICAS") is told
