"""Judging questions: figures, citation faults, bad question files."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from qa_service.errors import CorpusError
from qa_service.evaluation import Question, comparison_form, evaluate, read_questions
from qa_service.reading.citations import cite
from qa_service.retrieval.index import Index
from qa_service.types import Citation, Document, Passage

ANSWERABLE = {
    "id": "a",
    "lang": "ja",
    "question": "日米合同委員会の目的は",
    "gold": ["地位協定の実施に関して　協議"],
    "label": "図表Ⅲ-2-1-1",
    "section": "3/2",
}


def test_an_answering_passage_is_found_and_named(chapter_index: Index) -> None:
    report = evaluate(chapter_index, [Question(**ANSWERABLE)])
    assert [summary.language for summary in report.summaries] == ["ja", "all"]
    assert report.summaries[0].hits[1] == 1.0
    assert report.faults == ()


def test_an_answer_is_compared_without_its_spaces_but_with_its_case() -> None:
    assert comparison_form("ＳＣＣ は\u3000協議\nの場") == "SCCは協議の場"
    assert comparison_form("SCC") != comparison_form("scc")  # the search takes them for one


@pytest.mark.parametrize(
    ("change", "fault"),
    [({"section": "1/1"}, "judged '1/1'"), ({"label": "KEY WORD"}, "does not name 'KEY WORD'")],
)
def test_a_citation_that_names_something_else_is_a_fault(
    chapter_index: Index, change: dict[str, str], fault: str
) -> None:
    report = evaluate(chapter_index, [Question(**(ANSWERABLE | change))])
    assert any(fault in each for each in report.faults)


def test_a_quote_that_is_not_at_its_spans_is_a_fault(
    chapter_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forge(document: Document, passage: Passage) -> Citation:
        citation = cite(document, passage)
        return dataclasses.replace(citation, quote=citation.quote.replace("地位", "地方"))

    monkeypatch.setattr("qa_service.retrieval.search.cite", forge)
    report = evaluate(chapter_index, [Question(**ANSWERABLE)])
    assert any("is not what stands at its spans" in fault for fault in report.faults)


def test_questions_without_answer_count_for_no_figure(chapter_index: Index) -> None:
    unanswerable = Question(id="b", lang="en", question="Who won?", gold=())
    report = evaluate(chapter_index, [Question(**ANSWERABLE), unanswerable])
    assert [summary.questions for summary in report.summaries] == [1, 1]
    assert evaluate(chapter_index, [unanswerable]).summaries == ()


def test_a_question_can_be_judged_by_its_document(chapter_index: Index) -> None:
    document = next(iter(chapter_index.documents))
    report = evaluate(
        chapter_index, [Question(id="c", lang="ja", question="協議", document=document)]
    )
    assert report.summaries[0].hits[1] == 1.0


@pytest.mark.parametrize(
    ("content", "line", "word"),
    [
        ("", None, "no question"),
        ("{}\n", 1, "id"),
        (json.dumps(ANSWERABLE) + "\nnot json\n", 2, "JSON"),
        (json.dumps(ANSWERABLE | {"answer": "x"}), 1, "answer"),
    ],
    ids=["empty", "missing keys", "not JSON", "unknown key"],
)
def test_a_bad_question_file_is_named_with_its_line(
    tmp_path: Path, content: str, line: int | None, word: str
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        read_questions(path)
    assert caught.value.line == line
    assert word in str(caught.value)


def test_a_missing_question_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        read_questions(tmp_path / "none.jsonl")
