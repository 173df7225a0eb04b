"""Readers' verdicts: kept, listed, made into questions."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from qa_service.answer_evaluation import evaluate_answers
from qa_service.cli.commands import app as cli
from qa_service.errors import FeedbackError
from qa_service.evaluation import evaluate, read_questions, to_json_lines
from qa_service.feedback import CitedPassage, FeedbackStore, Verdict, to_questions
from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.service.library import Library

QUESTION = "日米合同委員会の目的は何ですか"


@pytest.fixture
def store(tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(tmp_path / "new folder" / "feedback.sqlite3", max_entries=100)


@pytest.fixture
def client(chapter_index: Index, store: FeedbackStore) -> Iterator[TestClient]:
    app = create_app(Library(chapter_index), feedback=store)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def verdict(**values: Any) -> dict[str, Any]:
    """Of a refusal, where no passages are given."""
    answered = bool(values.get("passages"))
    asked = {"question": QUESTION, "verdict": "right", "subject": "answer", "answered": answered}
    return {**asked, **values}


def test_a_verdict_becomes_a_question_that_evaluate_reads(
    client: TestClient, store: FeedbackStore, chapter_index: Index, tmp_path: Path
) -> None:
    answer = client.post("/v1/ask", json={"question": QUESTION}).json()
    passages = [citation["url"].split("#")[1] for citation in answer["citations"]]
    kept = client.post("/v1/feedback", json=verdict(passages=passages, comment="表にある"))
    assert kept.status_code == 201
    assert [each.id for each in store.verdicts()] == [kept.json()["id"]]
    refused = verdict(question="ペルーの首都は？")
    assert client.post("/v1/feedback", json=refused).status_code == 201

    file, written = tmp_path / "new folder" / "feedback.sqlite3", tmp_path / "questions.jsonl"
    result = CliRunner().invoke(
        cli, ["feedback", "export", "--file", str(file), "-o", str(written)]
    )
    assert result.exit_code == 0
    first, second = read_questions(written)
    assert (first.question, first.label, first.section) == (QUESTION, "図表Ⅲ-2-1-1", "1/3/2")
    assert (second.question, second.answerable) == ("ペルーの首都は？", False)
    report = evaluate(chapter_index, [first])
    assert report.outcomes[0].rank == 1
    assert report.faults == ()


def passage(id: str, section: str = "1/1") -> CitedPassage:
    return CitedPassage(id, f"{id}の言葉", section, None)


def given(verdict: Any, *passages: CitedPassage, question: str = QUESTION) -> Verdict:
    return Verdict(question, "ja", verdict, "answer", passages=passages, id="0" * 32)


@pytest.mark.parametrize(
    ("verdicts", "gold"),
    [
        ([given("right", passage("a"))], ("aの言葉",)),
        ([given("wrong", passage("a"))], None),
        ([given("right", passage("a")), given("wrong", passage("a"))], None),
        ([given("wrong", passage("a")), given("right", passage("a"))], ("aの言葉",)),
        ([given("right", passage("a"), passage("b"))], ("aの言葉", "bの言葉")),
        ([given("right")], ()),
        ([given("right"), given("wrong")], None),
        ([given("wrong")], None),
    ],
    ids=["right", "wrong", "taken back", "mended", "two", "refusal", "no refusal", "wrong refusal"],
)
def test_what_verdicts_become(verdicts: list[Verdict], gold: tuple[str, ...] | None) -> None:
    questions = to_questions(verdicts)
    assert [question.gold for question in questions] == [gold or ()]
    assert questions[0].judged is (gold is not None)


def test_places_are_judged_where_they_agree() -> None:
    one = to_questions([given("right", passage("a", "1/2"), passage("b", "1/2"))])
    two = to_questions([given("right", passage("a", "1/2"), passage("b", "1/3"))])
    lead = to_questions([given("right", passage("a", "lead"))])
    assert [each[0].section for each in (one, two, lead)] == ["1/2", None, "章頭"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (verdict(question=" "), "question"),
        (verdict(question="あ" * 2001), "question"),
        (verdict(verdict="maybe"), "verdict"),
        (verdict(subject="citation"), "passages"),
        (verdict(passages=["none"]), "passages.0"),
        (verdict(answered=True), "passages"),
        (verdict(comment="あ" * 2001), "comment"),
        (verdict(stars=5), "stars"),
    ],
)
def test_bad_feedback_names_the_field(
    client: TestClient, store: FeedbackStore, body: dict[str, Any], field: str
) -> None:
    response = client.post("/v1/feedback", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field
    assert store.verdicts() == ()


def test_half_a_surrogate_pair_in_a_comment_is_kept(
    client: TestClient, store: FeedbackStore
) -> None:
    body = '{"question": "何？", "verdict": "wrong", "subject": "answer", "answered": false, "comment": "\\ud800"}'
    response = client.post(
        "/v1/feedback", content=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code in (201, 422)
    assert len(store.verdicts()) == (response.status_code == 201)


def test_a_full_store_says_so(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "feedback.sqlite3", max_entries=1)
    store.record(given("right"))
    with pytest.raises(FeedbackError, match="feedback export"):
        store.record(given("right"))


def test_a_file_that_is_no_database_is_left_alone(chapter_index: Index, tmp_path: Path) -> None:
    file = tmp_path / "feedback.sqlite3"
    file.write_text("not a database, and long enough to be looked at as one" * 20, encoding="utf-8")
    app = create_app(Library(chapter_index), feedback=FeedbackStore(file, max_entries=1))
    with TestClient(app, raise_server_exceptions=False) as client:
        response = client.post("/v1/feedback", json=verdict())
    assert (response.status_code, response.json()["code"]) == (503, "feedback_unusable")
    assert str(tmp_path) not in response.text
    assert file.read_text(encoding="utf-8").startswith("not a database")


def test_without_a_store_nothing_is_kept(chapter_index: Index) -> None:
    with TestClient(create_app(Library(chapter_index))) as client:
        assert client.post("/v1/feedback", json=verdict()).json()["code"] == "feedback_off"


def test_verdicts_are_listed(store: FeedbackStore, tmp_path: Path) -> None:
    store.record(given("wrong", passage("a")))
    file = str(tmp_path / "new folder" / "feedback.sqlite3")
    shown = CliRunner().invoke(cli, ["feedback", "list", "--file", file]).stdout
    assert QUESTION in shown
    right = CliRunner().invoke(cli, ["feedback", "list", "--verdict", "right", "--file", file])
    assert "No verdicts" in right.stdout


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("玉露はぬるい湯でいれる。 [1]", "玉露はぬるい湯でいれる。"),
        ("茶は熱い湯でいれる。 [1]\n緑茶も。 [2]", "茶は熱い湯でいれる。"),
        ("玉露はぬるい湯でいれる。茶は熱い湯でいれる。", "玉露はぬるい湯でいれる。"),
        ("ぬるい湯を使います。 [1]", "茶は<b>熱い</b>湯でいれる。玉露はぬるい湯でいれる。"),
    ],
    ids=["its sentence", "a sentence with markup", "the first of two", "in other words"],
)
def test_the_words_that_the_answer_repeats_are_the_gold(answer: str, gold: str) -> None:
    quote, text = (
        "茶は<b>熱い</b>湯でいれる。玉露はぬるい湯でいれる。",
        "茶は熱い湯でいれる。玉露はぬるい湯でいれる。",
    )
    passages = (CitedPassage("tea:1:p1", quote, "1", None, text),)
    verdict = Verdict("玉露は？", "ja", "right", "citation", answer, passages=passages, id="0" * 32)
    assert to_questions([verdict])[0].gold == (gold,)


def test_of_a_row_whose_answer_was_not_sent_a_cell_is_the_gold() -> None:
    row = CitedPassage("t:1:r1", "玉露\tぬるい湯で二分", "1", "表1", "玉露\tぬるい湯で二分")
    verdict = Verdict("玉露は？", "ja", "right", "answer", passages=(row,), id="0" * 32)
    assert to_questions([verdict])[0].gold == ("ぬるい湯で二分",)


def test_answers_marked_right_are_judged_as_right(
    client: TestClient, store: FeedbackStore, chapter_index: Index
) -> None:
    asked = [QUESTION, "国家防衛戦略は米国との同盟関係を何と位置づけているか"]
    for question in asked:
        response = client.post("/v1/ask", json={"question": question}).json()
        passages = [citation["url"].split("#")[1] for citation in response["citations"]]
        body = verdict(question=question, answer=response["answer"]["text"], passages=passages)
        assert client.post("/v1/feedback", json=body).status_code == 201
    client.post("/v1/feedback", json=verdict(question="人口は？", verdict="wrong"))
    questions = to_questions(store.verdicts())
    assert [question.judged for question in questions] == [True, True, False]
    summary = evaluate_answers(chapter_index, questions).summaries[-1]
    assert (summary.right, summary.answerable, summary.unanswerable) == (2, 2, 0)


def test_lines_are_read_back_as_they_were(tmp_path: Path) -> None:
    words = CitedPassage("a", "一\u2028二\x85三\n四", "1/1", None)
    wrong = Verdict("何？", "ja", "wrong", "answer", comment="五\u2028六", id="1" * 32)
    questions = to_questions([given("right", words), wrong])
    path = tmp_path / "questions.jsonl"
    path.write_text(to_json_lines(questions), encoding="utf-8")
    assert read_questions(path) == questions
    assert questions[1].comment == "五\u2028六"


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE bookmarks (address TEXT)")
    before = file.read_bytes()
    store = FeedbackStore(file, max_entries=1)
    for attempt in (lambda: store.record(given("right")), store.verdicts):
        with pytest.raises(FeedbackError, match="QA_SERVICE_FEEDBACK"):
            attempt()
    assert file.read_bytes() == before


def test_a_full_service_says_so(chapter_index: Index, tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "feedback.sqlite3", max_entries=1)
    with TestClient(create_app(Library(chapter_index), feedback=store)) as client:
        answers = [client.post("/v1/feedback", json=verdict()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 507]
    assert "feedback export" in answers[1].json()["detail"]


def test_threads_at_once_keep_each_verdict_and_the_bound(store: FeedbackStore) -> None:
    def record(_: int) -> str | None:
        try:
            return store.record(given("right"))
        except FeedbackError:
            return None

    with ThreadPoolExecutor(8) as threads:
        kept = [id for id in threads.map(record, range(120)) if id is not None]
    assert len(kept) == 100
    assert sorted(kept) == sorted(verdict.id for verdict in store.verdicts())


_RECORD_AND_DIE = """
import os, signal, sys
from pathlib import Path
from qa_service.feedback import FeedbackStore, Verdict
store = FeedbackStore(Path(sys.argv[1]), max_entries=100)
for number in range(10):
    print(store.record(Verdict(str(number), "en", "right", "answer")), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_that_begin_at_once_and_are_killed_lose_nothing(
    store: FeedbackStore, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", _RECORD_AND_DIE, str(tmp_path / "new folder/feedback.sqlite3")]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdout=pipe, text=True) for _ in range(3)]
    said = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [-signal.SIGKILL] * 3
    assert sorted(id for ids in said for id in ids) == sorted(each.id for each in store.verdicts())


def test_what_steers_a_terminal_is_not_listed(store: FeedbackStore, tmp_path: Path) -> None:
    store.record(Verdict("何？", "ja", "wrong", "answer", comment="\x1b[2J違う\u202e"))
    file = str(tmp_path / "new folder" / "feedback.sqlite3")
    shown = CliRunner().invoke(cli, ["feedback", "list", "--file", file]).stdout
    assert "違う" in shown
    assert not {"\x1b", "\u202e"} & set(shown)
