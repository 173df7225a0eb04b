"""Which element of which work a question names, and what the index holds of it."""

from __future__ import annotations

import pytest

from qa_service.retrieval.build import build_index
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, load_index
from qa_service.retrieval.labels import Place, find_element, find_named, find_rows
from qa_service.retrieval.search import search


@pytest.mark.parametrize(
    ("question", "steps"),
    [
        ("第1節3", ("1節", "3")),
        ("第１節１−３には何が", ("1節", "1", "3")),
        ("第三章第二節", ("3章", "2節")),
        ("防衛白書第1節", ("1節",)),
        ("第3条の2第1項", ("3.2条", "1項")),
        ("What does Chapter 2 say?", ("2章",)),
        ("Section 1.2", ("1.2",)),
        ("What does Chapter 2, Section 3 say?", ("2章", "3節")),
        ("Section 3 of Chapter 2", ("2章", "3節")),
        ("3.1の内容", ("3.1",)),
        ("３．１の内容", ("3.1",)),
        ("第 3 章には何が", ("3章",)),
    ],
)
def test_a_section_is_named_with_its_units(question: str, steps: tuple[str, ...]) -> None:
    assert steps in find_named(question).sections


@pytest.mark.parametrize(
    "question",
    [
        "日米安保条約第6条",
        "民法典第1条は何か",
        "What does Article 1 of the U.S. Constitution say?",
        "section 2 of the Affordable Care Act",
        "2024年4月",
        "2+2",
        "3.1の増加率は",
        "発注30件以上の事業者",
    ],
)
def test_another_works_numbers_and_dates_name_nothing(question: str) -> None:
    assert not find_named(question)


@pytest.mark.parametrize("question", ["第1章には何が書かれているか", "Article 1", "第9節", "第1条"])
def test_a_number_that_no_section_has_finds_no_row(chapter_index: Index, question: str) -> None:
    assert not find_rows(chapter_index, find_named(question))


def test_the_chapter_of_the_metadata_is_a_step(chapter_index: Index) -> None:
    rows = find_rows(chapter_index, find_named("第2章第1節2"))
    assert {chapter_index.passages[row].section_id for row in rows} == {"1/2"}


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("図表Ⅲ-2-1-1", Place.HERE),
        ("資料24は何か", Place.NAMED),
        ("資料24の題名は何ですか", Place.NAMED),
        ("資料24には何が書いてありますか", Place.REFERENCED),
        ("資料24は2020年について何を述べているか", Place.REFERENCED),
        ("資料99", Place.NOWHERE),
        ("図表Ⅳ-9-9-9", Place.NOWHERE),
    ],
)
def test_where_an_element_is(chapter_index: Index, question: str, place: Place) -> None:
    named = find_named(question)
    assert find_element(chapter_index, named.labels[0], named) is place


@pytest.fixture(scope="module")
def large_index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """More passages than are matched whole, each with a footnote of its own."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "corpus").mkdir()
    lines = []
    for number in range(1, 1301):
        lines += [f"## 第{number}節 題{number}", f"{'本文である。' * 20}<sup>{number}</sup>"]
        lines += [f"<sup>{number}</sup> 脚注の文である。"]
    (folder / "corpus" / "long.md").write_text("\n\n".join(lines), encoding="utf-8")
    embedder = load_embedder()
    build_index(folder / "corpus", folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


@pytest.mark.parametrize(
    ("question", "section"), [("脚注1234", "1234"), ("第777節", "777")], ids=["footnote", "section"]
)
def test_an_element_is_found_among_thousands(
    large_index: Index, question: str, section: str
) -> None:
    assert len(large_index.passages) > 2_000
    assert search(large_index, question).hits[0].citation.section.id == section
