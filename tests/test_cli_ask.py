"""`qa-service ask` and `chat` as a person types them, and the settings of the language model."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from qa_service.cli.opening import open_generator
from qa_service.errors import SettingsError
from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.service.library import Library
from qa_service.settings import load_settings

QUESTION = "日米「2+2」には誰が出席しますか"
UNANSWERABLE = "図表Ⅸ-9-9-9には何が書かれていますか"
SECRET = "sk-0123456789"


class Shell:
    """Runs `qa-service` as a process of its own, over the chapter's index."""

    def __init__(self, folder: Path, corpus: Path, index: Path) -> None:
        self.folder = folder
        self.places = ["--corpus", str(corpus), "--index", str(index)]
        self.environment = {**os.environ, "HF_HUB_OFFLINE": "1", "COLUMNS": "100"}

    def __call__(
        self, *arguments: str, typed: bytes = b"", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "qa_service", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            input=typed,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )


@pytest.fixture
def run(tmp_path: Path, chapter_corpus: Path, chapter_index: Index) -> Shell:
    return Shell(tmp_path, chapter_corpus, chapter_index.path)


# --- ask ---------------------------------------------------------------------------------------


def test_prints_the_answer_and_the_citations_below(run: Shell, chapter_index: Index) -> None:
    done = run("ask", *run.places, QUESTION)
    assert (done.returncode, done.stderr) == (0, "")
    answer, _, sources = done.stdout.partition("\n\n")
    assert answer.endswith("]")
    for n in range(1, answer.count(" [") + 1):
        assert f" [{n}]" in answer
        assert f"[{n}] 令和6年版防衛白書" in sources
    assert "of the source" in sources


def test_says_that_an_answer_is_uncertain(run: Shell) -> None:
    doubtful = run("ask", *run.places, "What is Japan's defense budget?")
    sure = run("ask", *run.places, QUESTION)
    assert "An uncertain answer (confidence" in doubtful.stdout
    assert "確度の低い" not in sure.stdout


def test_prints_the_json_of_the_api(run: Shell, chapter_index: Index) -> None:
    options = ["--json", "--top-k", "3", "--kind", "table_row", "--section", "1/3"]
    done = run("ask", *run.places, QUESTION, *options, "--mode", "extractive", "--language", "ja")
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    body = {
        "question": QUESTION,
        "top_k": 3,
        "mode": "extractive",
        "language": "ja",
        "filters": {"kinds": ["table_row"], "section": "1/3"},
    }
    with TestClient(create_app(Library(chapter_index))) as client:
        answered = client.post("/v1/ask", json=body).json()
    del printed["timings_ms"], answered["timings_ms"]
    assert printed == answered


def test_says_that_the_documents_do_not_answer(run: Shell) -> None:
    done = run("ask", *run.places, UNANSWERABLE)
    assert done.returncode == 0, done.stderr
    assert "[1]" not in done.stdout
    assert "近い箇所：" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        pytest.param([""], "empty", id="empty question"),
        pytest.param(["あ" * 2001], "2001 characters", id="too long"),
        pytest.param([QUESTION, "--top-k", "0"], "top_k", id="top-k 0"),
        pytest.param([QUESTION, "--mode", "hybrid"], "hybrid", id="mode of a search"),
        pytest.param([QUESTION, "--section", "9/9"], "9/9", id="unknown section"),
        pytest.param([QUESTION, "--document", "nowhere"], "nowhere", id="unknown document"),
        pytest.param([QUESTION, "--kind", "chunk"], "chunk", id="unknown kind"),
        pytest.param([], "QUESTION", id="no question"),
    ],
)
def test_bad_input_to_ask(run: Shell, arguments: list[str], word: str) -> None:
    done = run("ask", *run.places, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr
    assert "Traceback" not in done.stderr


# --- chat --------------------------------------------------------------------------------------


def test_each_line_is_a_question(run: Shell) -> None:
    typed = f"{QUESTION}\n\n  \nその目的は？\n/quit\n{UNANSWERABLE}\n"
    done = run("chat", *run.places, typed=typed.encode())
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.removeprefix("> ").split("\n> ")[:2]
    assert first.startswith(f"{QUESTION}\n")
    assert second.startswith("その目的は？\n")
    assert "[1] 令和6年版防衛白書" in first
    assert "[1] 令和6年版防衛白書" in second  # of what, only the first question says
    assert UNANSWERABLE not in done.stdout


def test_another_conversation_knows_nothing_of_the_one_before(run: Shell) -> None:
    followed = run("chat", *run.places, typed=f"{QUESTION}\nその目的は？\n".encode())
    afresh = run("chat", *run.places, typed=f"{QUESTION}\n/new\nその目的は？\n".encode())
    assert afresh.returncode == 0, afresh.stderr
    answer = followed.stdout.partition("その目的は？")[2]
    assert afresh.stdout.partition("その目的は？")[2] != answer


def test_what_begins_with_a_slash_is_no_question(run: Shell) -> None:
    done = run("chat", *run.places, typed=b"/help\n/nonsense\n")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("/quit") == 2
    assert done.stdout.split() == [">", "/help", ">", "/nonsense"]


def test_a_line_that_cannot_be_asked_does_not_end_the_conversation(run: Shell) -> None:
    lines = [b"\xff\xfe", "あ".encode() * 2001, QUESTION.encode()]
    done = run("chat", *run.places, typed=b"\n".join(lines))
    assert done.returncode == 0, done.stderr
    assert "half a surrogate pair" in done.stderr
    assert "2001 characters" in done.stderr
    assert "Traceback" not in done.stderr
    assert "[1] 令和6年版防衛白書" in done.stdout


def test_bad_filters_are_said_before_the_first_question(run: Shell) -> None:
    done = run("chat", *run.places, "--section", "9/9", typed=QUESTION.encode())
    assert (done.returncode, done.stdout) == (2, "")
    assert "9/9" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent in another way there")
def test_ctrl_c_while_it_waits_for_a_question_ends_it_orderly(run: Shell) -> None:
    # A shell that starts the tests in the background has it ignored, which children inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [sys.executable, "-m", "qa_service", "chat", *run.places],
        cwd=run.folder,
        env=run.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{UNANSWERABLE}\n".encode())
        process.stdin.flush()
        lines = iter(process.stdout.readline, b"")
        assert any("近い箇所".encode() in line for line in lines)
        assert any(line == b"\n" for line in lines)  # the answer is done
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in complaint


# --- the language model ------------------------------------------------------------------------


def test_answers_without_a_language_model_that_is_out_of_reach(run: Shell) -> None:
    with socket.socket() as occupant:  # bound, and nobody listens
        occupant.bind(("127.0.0.1", 0))
        done = run(
            *("ask", *run.places, QUESTION, "--json"),
            QA_SERVICE_LLM_BASE_URL=f"http://127.0.0.1:{occupant.getsockname()[1]}/v1",
            QA_SERVICE_LLM_MODEL="tiny",
            QA_SERVICE_LLM_API_KEY=SECRET,
        )
    assert done.returncode == 0, done.stderr
    answered = json.loads(done.stdout)
    assert answered["answer"]["mode"] == "extractive"
    assert answered["citations"]
    assert answered["degraded"]
    assert SECRET not in done.stdout + done.stderr


def test_a_key_is_never_printed(run: Shell) -> None:
    done = run("settings", QA_SERVICE_LLM_API_KEY=SECRET)
    assert "QA_SERVICE_LLM_API_KEY" in done.stdout
    assert SECRET not in done.stdout
    as_json = run("settings", "--json", QA_SERVICE_LLM_API_KEY=SECRET)
    assert SECRET not in as_json.stdout
    (run.folder / "qa_service.toml").write_text("llm_api_key = 123456789\n", encoding="utf-8")
    refused = run("settings")
    assert refused.returncode == 2
    assert "llm_api_key" in refused.stderr
    assert "123456789" not in refused.stderr


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"llm_model": "tiny"}, "QA_SERVICE_LLM_BASE_URL"),
        ({"llm_base_url": "http://localhost:1/v1"}, "QA_SERVICE_LLM_MODEL"),
    ],
)
def test_half_a_language_model_is_refused(given: dict[str, str], missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        open_generator(load_settings(**given).settings)


def test_no_language_model_by_default() -> None:
    assert open_generator(load_settings().settings) is None


def test_the_settings_reach_the_language_model() -> None:
    generator = open_generator(
        load_settings(
            llm_base_url="http://localhost:1/v1",
            llm_model="tiny",
            llm_api_key=SECRET,
            llm_timeout_seconds=5.0,
            llm_temperature=0.5,
            llm_max_tokens=99,
            llm_unsupported="mark",
        ).settings
    )
    assert generator is not None
    settings = generator.settings
    assert (settings.base_url, settings.model) == ("http://localhost:1/v1", "tiny")
    assert (settings.api_key, settings.unsupported) == (SECRET, "mark")
    assert (settings.timeout_seconds, settings.temperature, settings.max_tokens) == (5.0, 0.5, 99)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("llm_base_url", "localhost:11434"),
        ("llm_timeout_seconds", "0"),
        ("llm_temperature", "3"),
        ("llm_max_tokens", "0"),
        ("llm_unsupported", "keep"),
    ],
)
def test_settings_of_the_language_model_that_cannot_be_used(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"--{name.replace('_', '-')}"):
        load_settings(**{name: value})
