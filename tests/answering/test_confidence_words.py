"""What a question asks for and an answer need not name (qa_service/answering/confidence.py)."""

from __future__ import annotations

import pytest

from qa_service.answering.answer import Request, ask
from qa_service.answering.confidence import measure
from qa_service.retrieval.index import Index
from qa_service.retrieval.search import search


@pytest.mark.parametrize(
    "question", ["SDCのメンバーは誰ですか", "日米「2+2」の目的は？", "SCCのメンバーは誰ですか"]
)
def test_the_word_for_what_is_asked_need_not_be_there(chapter_index: Index, question: str) -> None:
    assert ask(chapter_index, Request(question)).answer.answered


def test_another_word_that_is_not_there_counts(chapter_index: Index) -> None:
    def coverage(question: str) -> float:
        return measure(chapter_index, question, search(chapter_index, question).hits).coverage

    assert coverage("SDCのメンバー") > 0.9 > coverage("SDCの食堂")
