"""The commands as a person types them: what they print, and the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from qa_service import __version__
from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.service.library import Library

QUESTION = "日米「2+2」には誰が出席しますか"


class Shell:
    """Runs `qa-service` as a process of its own, over the chapter's index."""

    def __init__(self, folder: Path, corpus: Path, index: Path) -> None:
        self.folder = folder
        self.places = ["--corpus", str(corpus), "--index", str(index)]
        self.environment = {
            **{name: value for name, value in os.environ.items() if "QA_SERVICE" not in name},
            "HF_HUB_OFFLINE": "1",
            "COLUMNS": "100",
        }

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "qa_service", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )


@pytest.fixture
def run(tmp_path: Path, chapter_corpus: Path, chapter_index: Index) -> Shell:
    return Shell(tmp_path, chapter_corpus, chapter_index.path)


def assert_refused(done: subprocess.CompletedProcess[str], *words: str, status: int = 2) -> None:
    """One clear message on standard error, nothing on standard output."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_version(run: Shell) -> None:
    assert run("--version").stdout == f"qa-service {__version__}\n"


@pytest.mark.parametrize("command", ["index", "search", "serve", "mcp", "evaluate", "settings"])
def test_help(run: Shell, command: str) -> None:
    assert command in run("--help").stdout
    done = run(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_search_reads_well(run: Shell) -> None:
    done = run("search", *run.places, "図表Ⅲ-2-1-1", "--top-k", "1")
    assert done.returncode == 0, done.stderr
    assert " 1. 令和6年版防衛白書" in done.stdout
    assert "図表Ⅲ-2-1-1" in done.stdout
    assert "of the source" in done.stdout


def test_search_prints_the_json_of_the_api(run: Shell, chapter_index: Index) -> None:
    done = run("search", *run.places, QUESTION, "--json", "--top-k", "3", "--kind", "box")
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    body = {"query": QUESTION, "top_k": 3, "filters": {"kinds": ["box"]}}
    with TestClient(create_app(Library(chapter_index))) as client:
        answered = client.post("/v1/search", json=body).json()
    del printed["timings_ms"], answered["timings_ms"]
    assert printed == answered


def test_search_filters(run: Shell, chapter_index: Index) -> None:
    (document,) = chapter_index.documents
    done = run(
        *("search", *run.places, QUESTION, "--json", "--mode", "lexical"),
        *("--section", "1/3", "--document", document, "--kind", "paragraph", "--kind", "table_row"),
    )
    hits = json.loads(done.stdout)["results"]
    assert hits
    assert all(hit["citation"]["section"]["id"].startswith("1/3") for hit in hits)
    assert {hit["passage"]["kind"] for hit in hits} <= {"paragraph", "table_row"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        pytest.param([""], "empty", id="empty question"),
        pytest.param([" \u3000"], "empty", id="blank question"),
        pytest.param(["あ" * 2001], "2001 characters", id="too long"),
        pytest.param([QUESTION, "--top-k", "0"], "top_k", id="top-k 0"),
        pytest.param([QUESTION, "--top-k", "101"], "top_k", id="top-k 101"),
        pytest.param([QUESTION, "--top-k", "many"], "top-k", id="top-k not a number"),
        pytest.param([QUESTION, "--mode", "fast"], "fast", id="unknown mode"),
        pytest.param([QUESTION, "--kind", "chunk"], "chunk", id="unknown kind"),
        pytest.param([QUESTION, "--section", "9/9"], "9/9", id="unknown section"),
        pytest.param([QUESTION, "--document", "nowhere"], "nowhere", id="unknown document"),
        pytest.param([], "QUESTION", id="no question"),
    ],
)
def test_bad_input_to_search(run: Shell, arguments: list[str], word: str) -> None:
    assert_refused(run("search", *run.places, *arguments), word)


def test_a_question_that_is_no_text(run: Shell) -> None:
    done = subprocess.run(
        [sys.executable.encode(), b"-m", b"qa_service", b"search", b"\xff\xfe"],
        cwd=run.folder,
        env=run.environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_index_builds_once_and_says_what_it_did(run: Shell, chapter_corpus: Path) -> None:
    places = ["--corpus", str(chapter_corpus), "--index", "new"]
    first = run("index", *places)
    assert first.returncode == 0, first.stderr
    again = run("index", *places)
    assert again.returncode == 0, again.stderr
    assert (run.folder / "new").is_dir()
    assert first.stdout != again.stdout


def test_search_builds_a_missing_index(run: Shell, chapter_corpus: Path) -> None:
    done = run("search", "--corpus", str(chapter_corpus), "--index", "new", QUESTION, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"]
    assert done.stderr  # says that it builds


def test_search_builds_anew_when_the_corpus_has_changed(run: Shell) -> None:
    corpus = run.folder / "papers"
    corpus.mkdir()
    (corpus / "a.txt").write_text("りんごは赤い。\n", encoding="utf-8")
    assert run("search", "--corpus", "papers", "りんご").returncode == 0
    (corpus / "b.txt").write_text("みかんは甘い。\n", encoding="utf-8")
    done = run("search", "--corpus", "papers", "みかん", "--json", "--top-k", "1")
    assert json.loads(done.stdout)["results"][0]["citation"]["document"]["id"] == "b"
    assert (run.folder / "papers-index").is_dir()


def test_a_question_does_not_put_other_documents_into_an_index(run: Shell) -> None:
    for name, text in (("apples", "りんごは赤い。\n"), ("oranges", "みかんは甘い。\n")):
        (run.folder / name).mkdir()
        (run.folder / name / f"{name}.txt").write_text(text, encoding="utf-8")
    assert run("index", "--corpus", "apples", "--index", "kept").returncode == 0
    other = ("--corpus", "oranges", "--index", "kept")
    assert_refused(run("search", *other, "みかん"), "kept", "apples", "qa-service index")
    assert run("search", "--corpus", "apples", "--index", "kept", "りんご").returncode == 0
    assert run("index", *other).returncode == 0
    assert run("search", *other, "みかん").returncode == 0
    assert run("index", "--index", "kept").returncode == 0  # the chapter, which makes room
    assert run("search", *other, "みかん").returncode == 0
    (run.folder / "oranges").rename(run.folder / "moved")
    assert run("search", "--corpus", "moved", "--index", "kept", "みかん").returncode == 0


def _write_nothing(corpus: Path) -> None:
    pass


def _write_cp932(corpus: Path) -> None:
    (corpus / "a.md").write_bytes("# 日米同盟\n防衛白書の本文です。\n".encode("cp932"))


def _write_twice(corpus: Path) -> None:
    for name in ("a.md", "b.md"):
        (corpus / name).write_text("同じ本文です。\n", encoding="utf-8")


def _write_broken_metadata(corpus: Path) -> None:
    (corpus / "a.md").write_text("本文です。\n", encoding="utf-8")
    (corpus / "a.toml").write_text('title = "白書"\nedition = \n', encoding="utf-8")


@pytest.mark.parametrize(
    ("write", "words"),
    [
        pytest.param(_write_nothing, ["papers"], id="empty"),
        pytest.param(_write_cp932, ["a.md", "UTF-8"], id="not UTF-8"),
        pytest.param(_write_twice, ["a.md", "b.md"], id="duplicated"),
        pytest.param(_write_broken_metadata, ["a.toml", "2"], id="broken metadata"),
    ],
)
def test_a_corpus_that_cannot_be_read(run: Shell, write: Any, words: list[str]) -> None:
    corpus = run.folder / "papers"
    corpus.mkdir()
    write(corpus)
    for command in (["index"], ["search", QUESTION], ["serve", "--port", "0"]):
        done = run(*command, "--corpus", "papers")
        assert_refused(done, *words)


def _damage(index: Path) -> None:
    for file in index.rglob("*"):
        if file.is_file() and file.name not in ("CURRENT", "LOCK"):
            file.write_bytes(file.read_bytes()[:-1])


def test_a_damaged_index_is_named_and_built_anew(run: Shell, chapter_corpus: Path) -> None:
    places = ["--corpus", str(chapter_corpus), "--index", "new"]
    assert run("index", *places).returncode == 0
    _damage(run.folder / "new")
    done = run("search", *places, QUESTION, "--json")
    assert done.returncode == 0, done.stderr
    assert "is damaged" in done.stderr
    assert json.loads(done.stdout)["results"]
    assert run("search", *places, QUESTION).stderr == ""


def test_a_folder_of_someone_else_is_left_alone(run: Shell, chapter_corpus: Path) -> None:
    letter = run.folder / "letters" / "letter.txt"
    letter.parent.mkdir()
    letter.write_text("Dear …", encoding="utf-8")
    for command in (["index"], ["search", QUESTION], ["serve", "--port", "0"]):
        done = run(*command, "--corpus", str(chapter_corpus), "--index", "letters")
        assert done.returncode == 1
        assert "letters is not an index: it holds letter.txt" in done.stderr
        assert "Traceback" not in done.stderr
    assert [path.name for path in letter.parent.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("command", [["index"], ["search", QUESTION], ["serve", "--port", "0"]])
def test_a_corpus_that_is_not_there(run: Shell, command: list[str]) -> None:
    done = run(*command, "--corpus", "nowhere")
    assert_refused(done, "nowhere")
    assert "Building" not in done.stderr


def test_verdicts_that_are_not_there(run: Shell) -> None:
    assert_refused(run("feedback", "list", "--file", "no.sqlite3"), "no.sqlite3", status=1)
    assert not list(run.folder.glob("*.sqlite3*"))


def test_a_question_needs_no_quotation_marks(run: Shell) -> None:
    apart = run("search", *run.places, "--json", *"What is extended deterrence".split())
    together = run("search", *run.places, "--json", "What is extended deterrence")
    assert apart.returncode == 0, apart.stderr
    assert _hits(apart) == _hits(together)


def _hits(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [hit["passage"]["id"] for hit in json.loads(done.stdout)["results"]]


def test_an_unknown_model(run: Shell, chapter_corpus: Path) -> None:
    done = run("index", "--corpus", str(chapter_corpus), "--index", "new", "--embedder", "nowhere")
    assert_refused(done, "nowhere")


def test_a_bad_setting(run: Shell) -> None:
    done = run("search", *run.places, QUESTION, QA_SERVICE_PORT="eighty")
    assert_refused(done, "QA_SERVICE_PORT", "eighty")


def test_settings_are_listed_with_their_origin(run: Shell) -> None:
    done = run("settings", QA_SERVICE_PORT="9")
    assert "port = 9  [QA_SERVICE_PORT]" in done.stdout
    listed = json.loads(run("settings", "--json").stdout)
    assert {"name", "variable", "value", "origin", "description"} == listed[0].keys()


def _questions(folder: Path, *questions: dict[str, Any]) -> Path:
    file = folder / "questions.jsonl"
    lines = (json.dumps(question, ensure_ascii=False) for question in questions)
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


GOOD = {
    "id": "a",
    "lang": "ja",
    "question": "図表Ⅲ-2-1-1",
    "gold": ["日米「2＋2」"],
    "section": None,
    "label": None,
}


def test_evaluate(run: Shell) -> None:
    file = _questions(run.folder, GOOD)
    done = run("evaluate", *run.places, str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every citation holds." in done.stdout
    figures = json.loads(run("evaluate", *run.places, str(file), "--json").stdout)
    assert figures["summaries"][0]["questions"] == 1
    assert figures["faults"] == []


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "no question"),
        ('{"id": "a", "lang": "ja", "question": "x", "gold": [], "pending": true}\n', "pending"),
        ("{\n", ":1"),
        ('{"id": "a"}\n', "lang"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_question_file(run: Shell, content: str | None, word: str) -> None:
    file = run.folder / "questions.jsonl"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert_refused(run("evaluate", *run.places, str(file)), "questions.jsonl", word)
