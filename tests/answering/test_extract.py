"""Which sentences answer (qa_service/answering/extract.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_service.answering.extract import extract
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import build_index, load_index
from qa_service.retrieval.search import search

RELIEF = {
    "ja": "両国は災害の後の救援について協力することで合意した。会議は東京で開かれた。昼食には魚が出た。",
    "en": "Both nations agreed on relief after disasters. The conference took place in Tokyo. Fish was served.",
}


def _best(folder: Path, languages: list[str], question: str) -> str:
    for language in languages:
        text = f"---\nlanguage: {language}\n---\n# A\n\n{RELIEF[language]}\n"
        (folder / f"{language}.md").write_text(text)
    embedder = load_embedder()
    build_index(folder, folder / "index", embedder=embedder)
    index = load_index(folder / "index", embedder=embedder)
    found = extract(index, question, search(index, question).hits)
    return max(found, key=lambda each: each.score).text


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("What did the two countries agree on?", "両国は災害"),
        ("Where was the meeting held?", "会議は東京"),
        ("What was there to eat at noon?", "昼食"),
    ],
)
def test_an_english_question_finds_its_japanese_sentence(
    tmp_path: Path, question: str, sentence: str
) -> None:
    assert _best(tmp_path, ["ja"], question).startswith(sentence)


def test_a_sentence_in_the_language_of_the_question_is_not_outdone_by_its_translation(
    tmp_path: Path,
) -> None:
    question = "On what did both nations agree about relief after disasters?"
    assert _best(tmp_path, ["ja", "en"], question).startswith("Both nations agreed")


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("大臣が議会で演説したのはいつですか", "大臣は2024年4月"),
        ("When did the minister speak in parliament?", "大臣は2024年4月"),
        ("大臣は議会で何について演説しましたか", "公式訪問において"),
    ],
)
def test_when_comes_with_the_sentence_that_holds_the_date(
    tmp_path: Path, question: str, first: str
) -> None:
    text = (
        "# 訪問\n\n委員会は2019年に置かれた。大臣は2024年4月、隣国を公式訪問した。"
        "公式訪問において、大臣は議会で協力について演説を行った。昼食には魚が出た。\n"
    )
    (tmp_path / "visit.md").write_text(text)
    embedder = load_embedder()
    build_index(tmp_path, tmp_path / "index", embedder=embedder)
    index = load_index(tmp_path / "index", embedder=embedder)
    found = extract(index, question, search(index, question).hits)
    assert found[0].text.startswith(first)
