"""Judging answers: right ones, refusals, confidence, follow-ups, the picture of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from qa_service.answer_evaluation import AnswerReport, draw_reliability, evaluate_answers
from qa_service.answering.answer import ask
from qa_service.evaluation import Question
from qa_service.retrieval.index import Index
from qa_service.types import AskResult

QUESTIONS = [
    Question(id="a", lang="ja", question="日米合同委員会の目的は", gold=("地位協定の実施",)),
    Question(id="b", lang="ja", question="日米合同委員会の目的は", gold=("書いていない言葉",)),
    Question(id="c", lang="en", question="How long is the Great Wall of China?"),
    Question(
        id="d", lang="ja", question="その目的は？", history=("SDCとは",), standalone="SDCの目的は？"
    ),
]


@pytest.fixture(scope="module")
def report(chapter_index: Index) -> AnswerReport:
    return evaluate_answers(chapter_index, QUESTIONS)


def test_right_and_wrong_answers_and_refusals_are_counted(report: AnswerReport) -> None:
    by_language = {summary.language: summary for summary in report.summaries}
    assert (by_language["ja"].right, by_language["ja"].answerable) == (1, 2)
    assert (by_language["en"].rightly_refused, by_language["en"].unanswerable) == (1, 1)
    assert by_language["all"].wrongly_refused == 0
    assert report.faults == ()


def test_follow_ups_are_counted_apart(report: AnswerReport) -> None:
    assert (report.dialogues, report.dialogues_right) == (1, 1)
    assert len(report.answers) == 3


def test_confidence_is_compared_and_binned(report: AnswerReport) -> None:
    assert report.auroc == 1.0
    assert sum(each.questions for each in report.reliability) == 3
    assert evaluate_answers_of_nothing().auroc is None


def evaluate_answers_of_nothing() -> AnswerReport:
    return AnswerReport((), 0, 0)


def test_an_altered_quote_is_a_fault(chapter_index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    def forge(index: Index, request: object, **_: object) -> AskResult:
        result = ask(index, request)  # type: ignore[arg-type]
        altered = [dataclasses.replace(c, quote=c.quote + "。") for c in result.citations]
        return dataclasses.replace(result, citations=tuple(altered))

    monkeypatch.setattr("qa_service.answer_evaluation.ask", forge)
    faults = evaluate_answers(chapter_index, QUESTIONS[:1]).faults
    assert any("is not what stands at its spans" in fault for fault in faults)


def test_the_picture_is_a_png(report: AnswerReport, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    path = draw_reliability(report, tmp_path / "plots")
    assert path.read_bytes().startswith(b"\x89PNG")
