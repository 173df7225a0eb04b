"""The examples, as a person runs them, against a real server."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from fastapi import FastAPI

from qa_service.keys import KeyRing, Scope
from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.door.access import Access
from qa_service.serving.service.library import Library

QUESTION = "Figure III-2-1-1"
LABEL = "図表Ⅲ-2-1-1"


def needs(package: str, *, module: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"{package} is not installed")


RETRIEVERS = [
    pytest.param("langchain_retriever.py", marks=needs("langchain-core", module="langchain_core")),
    pytest.param("llamaindex_retriever.py", marks=needs("llama-index-core", module="llama_index")),
]


@pytest.fixture(scope="module")
def url(
    chapter_index: Index, serving: Callable[[FastAPI], AbstractContextManager[str]]
) -> Iterator[str]:
    with serving(create_app(Library(chapter_index))) as url:
        yield url


def run(example: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(example), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", RETRIEVERS)
def test_a_retriever_finds_passages(repository: Path, url: str, name: str) -> None:
    done = run(repository / "examples" / name, QUESTION, "--url", url, "--top-k", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("令和6年版防衛白書") == 2
    assert LABEL in done.stdout


@pytest.mark.parametrize("name", RETRIEVERS)
@pytest.mark.parametrize(
    ("question", "server", "words"),
    [
        (" ", None, "No passages: The question is empty."),
        (QUESTION, "http://127.0.0.1:1", "No passages: "),
    ],
    ids=["refused", "nobody-there"],
)
def test_a_retriever_says_what_is_wrong(
    repository: Path, url: str, name: str, question: str, server: str | None, words: str
) -> None:
    done = run(repository / "examples" / name, question, "--url", server or url)
    assert done.returncode == 1
    assert done.stderr.startswith(words)
    assert "Traceback" not in done.stderr


def test_the_mcp_client_asks_over_http(repository: Path, url: str) -> None:
    example = repository / "examples" / "mcp_client.py"
    done = run(example, QUESTION, "--url", f"{url}/mcp")
    assert done.returncode == 0, done.stderr
    assert f"[1] 令和6年版防衛白書 第Ⅲ部第2章第1節3-2 {LABEL}" in done.stdout
    refused = run(example, " ", "--url", f"{url}/mcp")
    assert refused.returncode == 1
    assert "question: The question is empty." in refused.stdout


def test_the_mcp_client_starts_a_server_of_its_own(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_SERVICE_INDEX", str(tmp_path / "index"))
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "apple.txt").write_text("りんごは赤い。\n", encoding="utf-8")
    done = run(repository / "examples" / "mcp_client.py", "りんご", "--corpus", str(corpus))
    assert done.returncode == 0, done.stderr
    assert "Documents: apple" in done.stdout
    assert (tmp_path / "index").is_dir()


@pytest.mark.parametrize("name", [*RETRIEVERS, "mcp_client.py"])
def test_shows_a_key(
    repository: Path,
    chapter_index: Index,
    serving: Callable[[FastAPI], AbstractContextManager[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    ring = KeyRing(tmp_path / "keys.json")
    key = ring.create("example", Scope.READ)
    example = repository / "examples" / name
    with serving(create_app(Library(chapter_index), access=Access(keys=ring))) as url:
        place = f"{url}/mcp" if name == "mcp_client.py" else url
        refused = run(example, QUESTION, "--url", place)
        monkeypatch.setenv("QA_SERVICE_KEY", key)
        done = run(example, QUESTION, "--url", place)
    assert refused.returncode == 1
    assert "Show a key: " in refused.stderr
    assert "Traceback" not in refused.stderr
    assert done.returncode == 0, done.stderr
    assert LABEL in done.stdout


@pytest.mark.parametrize("name", [*RETRIEVERS, "mcp_client.py"])
def test_help(repository: Path, name: str) -> None:
    done = run(repository / "examples" / name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--url" in done.stdout
