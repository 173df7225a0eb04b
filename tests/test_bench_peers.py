"""Judging peers: ranks, shares, the table, and that all search the same passages. Toy data only."""

from __future__ import annotations

from pathlib import Path

import pytest
from peer_environments import PeerUnavailableError, python_of
from peer_figures import Figures, Row, judge, percentile_99, table
from peer_tasks import Task, TaskPassage, read_passages

from qa_service.evaluation import Question
from qa_service.retrieval.index import Index, embedding_text

PASSAGES = tuple(
    TaskPassage(id=f"d{n}:p1", document=f"d{n}", text=text, quotable=(text, quote))
    for n, (text, quote) in enumerate(
        [("日米同盟は基軸である。", "日米同盟は　基軸\nである。"), ("ＳＣＣは協議の場である。", ""), ("雨が降る。", "")]
        + [(f"文{n}", "") for n in range(3, 12)]
    )
)  # fmt: skip


def task(*questions: Question) -> Task:
    return Task("toy", Path("nowhere"), PASSAGES, questions)


def found(*order: int) -> list[str]:
    return [f"d{n}:p1" for n in order]


def test_the_first_answering_passage_gives_the_rank() -> None:
    questions = [
        Question(id="a", lang="ja", question="?", document="d1"),
        Question(id="b", lang="ja", question="?", document="d2"),
    ]
    figures = judge(task(*questions), {"a": found(1, 0), "b": found(0, 1, 2)})
    assert figures == (Figures("ja", 2, first=0.5, mrr=(1 + 1 / 3) / 2, first_five=1.0),)


@pytest.mark.parametrize(
    ("fragment", "first"),
    [("SCCは", 1.0), ("協 議の場", 1.0), ("雨", 0.0)],
    ids=["folded", "white space", "in another passage"],
)
def test_a_fragment_is_looked_for_in_the_folded_words(fragment: str, first: float) -> None:
    question = Question(id="a", lang="ja", question="?", gold=(fragment,))
    assert judge(task(question), {"a": found(1)})[0].first == first


def test_a_fragment_may_stand_in_the_quote_alone() -> None:
    passage = TaskPassage("x", "x", text="context", quotable=("cleaned", "as in the source"))
    question = Question(id="a", lang="en", question="?", gold=("in the source",))
    judged = judge(Task("toy", Path("nowhere"), (passage,), (question,)), {"a": ["x"]})
    assert judged[0].first == 1.0


def test_what_is_only_in_the_context_lines_does_not_answer() -> None:
    passage = TaskPassage("x", "x", text="heading\nwords", quotable=("words", "words"))
    question = Question(id="a", lang="en", question="?", gold=("heading",))
    judged = judge(Task("toy", Path("nowhere"), (passage,), (question,)), {"a": ["x"]})
    assert judged[0].mrr == 0.0


def test_a_passage_beyond_the_tenth_and_a_question_without_results_count_as_not_found() -> None:
    questions = [
        Question(id="a", lang="ja", question="?", document="d11"),
        Question(id="b", lang="ja", question="?", document="d0"),
    ]
    figures = judge(task(*questions), {"a": found(*range(12))})
    assert figures == (Figures("ja", 2, first=0.0, mrr=0.0, first_five=0.0),)


def test_languages_are_judged_apart_and_together() -> None:
    questions = [
        Question(id="a", lang="ja", question="?", document="d0"),
        Question(id="b", lang="en", question="?", document="d0"),
        Question(id="c", lang="en", question="?", document="d0"),
    ]
    figures = judge(task(*questions), {"a": found(0), "b": found(1, 0), "c": found(5)})
    assert [(each.language, each.questions, each.first) for each in figures] == [
        ("ja", 1, 1.0),
        ("en", 2, 0.0),
        ("all", 3, 1 / 3),
    ]


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [([7.0], 7.0), (list(range(1, 101)), 99), (list(range(1, 1001)), 990)],
    ids=["one", "a hundred", "a thousand"],
)
def test_99_of_100_calls_stay_within_the_percentile(
    milliseconds: list[float], expected: float
) -> None:
    assert percentile_99(milliseconds) == expected


def test_a_peer_that_fails_has_its_row_in_the_table() -> None:
    figures = (Figures("ja", 2, 0.5, 0.75, 1.0),)
    rows = [
        Row("broken", "documented", {}, fault="not installed: no a | b"),
        Row("good", "documented", {}, figures, 1.0, 2.0, 3.0, 1.5, 100.0),
    ]
    lines = table("Toy", rows).splitlines()
    assert lines[-1] == (
        "| good | documented | 0.500 / 0.750 / 1.000 | 1.0 | 2.00 | 3.00 | 1.50 | 100 |"
    )
    assert "not installed: no a \\| b" in lines[-2]
    assert len({line.replace("\\|", "").count("|") for line in lines[2:]}) == 1


def test_a_peer_that_cannot_be_installed_says_so(tmp_path: Path) -> None:
    (tmp_path / "haystack").write_text("a file where the environment should be")
    with pytest.raises(PeerUnavailableError, match="not installed"):
        python_of("haystack", tmp_path)


def test_peers_get_the_passages_that_the_index_holds(
    chapter_corpus: Path, chapter_index: Index
) -> None:
    passages = read_passages(chapter_corpus)
    assert [(passage.id, passage.text) for passage in passages] == [
        (passage.id, embedding_text(passage)) for passage in chapter_index.passages
    ]
