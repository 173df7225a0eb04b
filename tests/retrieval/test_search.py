"""Searching the chapter: what comes first, what a hit says, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qa_service.errors import InputError
from qa_service.retrieval.index import Index
from qa_service.retrieval.search import Mode, search
from qa_service.types import Filters, PassageKind


@pytest.mark.parametrize(
    "query",
    [
        "図表Ⅲ-2-1-1",
        "図表III-2-1-1",
        "図表Ⅲ－２－１－１",
        "図表Ⅲ−2−1−1は何か",
        "Figure III-2-1-1",
        "Table III-2-1-1",
    ],
)
def test_a_figure_number_in_any_spelling_gives_the_table_first(
    chapter_index: Index, query: str
) -> None:
    first = search(chapter_index, query).hits[0]
    assert first.passage.kind is PassageKind.TABLE
    assert first.citation.figure is not None
    assert first.citation.figure.label == "図表Ⅲ-2-1-1"


@pytest.mark.parametrize(
    ("query", "kind", "words"),
    [
        ("図表Ⅲ-2-1-1の注2", PassageKind.NOTE, "両国次官・局長クラス"),
        ("note 3 of Figure III-2-1-1", PassageKind.NOTE, "代理会合"),
        ("脚注1", PassageKind.FOOTNOTE, "前回は"),
        ("資料25", PassageKind.REFERENCE, "資料25"),
    ],
)
def test_an_element_that_the_question_names_comes_first(
    chapter_index: Index, query: str, kind: PassageKind, words: str
) -> None:
    first = search(chapter_index, query).hits[0]
    assert first.passage.kind is kind
    assert words in first.passage.text


def test_a_section_number_gives_passages_of_that_section(chapter_index: Index) -> None:
    hits = search(chapter_index, "第1節2には何が書かれているか", top_k=2).hits
    assert {hit.citation.section.number for hit in hits} == {"第1節2"}


def test_the_article_of_a_treaty_names_no_section(chapter_index: Index) -> None:
    first = search(chapter_index, "日米安保条約第6条は何を定めているか").hits[0]
    assert "第6条" in first.passage.text
    assert first.score < 0.9


@pytest.mark.parametrize("name", ["SCC", "2+2", "ＳＣＣ", "日米安全保障協議委員会"])
def test_all_names_of_a_committee_find_it(chapter_index: Index, name: str) -> None:
    texts = [hit.passage.text for hit in search(chapter_index, f"{name}とは", top_k=3).hits]
    assert any("日米安全保障協議委員会" in text for text in texts)


@pytest.mark.parametrize("mode", list(Mode))
def test_hits_are_ranked_and_cited(chapter_index: Index, mode: Mode) -> None:
    result = search(chapter_index, "日米合同委員会の目的", mode=mode)
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert [hit.rank for hit in result.hits] == list(range(1, len(scores) + 1))
    for hit in result.hits:
        source = chapter_index.documents[hit.passage.document_id].source.text
        cut = "".join(source[span.start : span.end] for span in hit.citation.spans)
        assert hit.citation.quote == cut


def test_a_mode_of_one_leg_reports_that_leg_alone(chapter_index: Index) -> None:
    assert set(search(chapter_index, "協議", mode=Mode.DENSE).hits[0].scores) == {"dense"}
    assert set(search(chapter_index, "協議", mode=Mode.LEXICAL).hits[0].scores) == {"lexical"}


def test_every_leg_reports_what_it_said(chapter_index: Index) -> None:
    legs = {"lexical", "dense", "interaction", "sentence"}
    japanese, english = (
        search(chapter_index, query).hits[0].scores for query in ("日米の協議", "Who is consulted?")
    )
    assert set(japanese) == legs
    assert set(english) == legs | {"translation"}


def test_words_that_nothing_has_find_nothing_by_words(chapter_index: Index) -> None:
    assert search(chapter_index, "xyzzy", mode=Mode.LEXICAL).hits == ()


@pytest.mark.parametrize(
    ("query", "language"),
    [("共同声明の題名は", "ja"), ("What is the SDC?", "en"), ("联合声明的题目是什么", "zh")],
)
def test_the_language_of_the_question_is_told(
    chapter_index: Index, query: str, language: str
) -> None:
    assert search(chapter_index, query).language == language


def test_chinese_in_either_script_finds_the_same(chapter_index: Index) -> None:
    simplified = search(chapter_index, "日美联合委员会").hits[0].passage.id
    traditional = search(chapter_index, "日美聯合委員會").hits[0].passage.id
    assert simplified == traditional


def test_filters_let_only_their_own_through(chapter_index: Index) -> None:
    rows = search(chapter_index, "目的", filters=Filters(kinds=(PassageKind.TABLE_ROW,))).hits
    assert {hit.passage.kind for hit in rows} == {PassageKind.TABLE_ROW}
    below = search(chapter_index, "協議", filters=Filters(section="1/3"), top_k=50).hits
    assert {hit.citation.section.id for hit in below} >= {"1/3", "1/3/1", "1/3/2"}
    assert all(f"{hit.citation.section.id}/".startswith("1/3/") for hit in below)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"query": ""}, "query"),
        ({"query": " \n　"}, "query"),
        ({"query": "あ" * 2001}, "query"),
        ({"query": "a\0b"}, "query"),
        ({"query": "\ud800"}, "query"),
        ({"query": "a", "top_k": 0}, "top_k"),
        ({"query": "a", "top_k": 101}, "top_k"),
        ({"query": "a", "filters": Filters(documents=("none",))}, "filters.documents"),
        ({"query": "a", "filters": Filters(section="9/9")}, "filters.section"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_input_names_its_field(
    chapter_index: Index, arguments: dict[str, object], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        search(chapter_index, **arguments)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert caught.value.message


def test_the_longest_question_that_is_read(chapter_index: Index) -> None:
    assert search(chapter_index, "協" * 2000).hits


def test_an_index_that_is_not_the_newest_is_said_with_every_result(chapter_index: Index) -> None:
    older = replace(chapter_index, degraded=("The newest index is damaged.",))
    found = search(older, "日米合同委員会とは").degraded
    assert found == ("The newest index is damaged.",)
    assert [each.code for each in found] == ["older_index"]
    assert search(chapter_index, "日米合同委員会とは").degraded == ()
