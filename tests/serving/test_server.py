"""The real process: it starts, answers over a socket, says what is wrong."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qa_service.errors import SettingsError
from qa_service.retrieval.index import Index
from qa_service.serving.server import listen

# Stands in the way of a package: importing it ends the process that does.
_POISON = "raise AssertionError('the built-in model must do without ' + __name__)\n"


@pytest.fixture
def environment_without_torch(tmp_path: Path) -> dict[str, str]:
    for name in ("torch", "sentence_transformers", "transformers"):
        (tmp_path / "poison").mkdir(exist_ok=True)
        (tmp_path / "poison" / f"{name}.py").write_text(_POISON, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(tmp_path / "poison"), "HF_HUB_OFFLINE": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(
    port: int, corpus: Path, index: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    options = ["--port", str(port), "--corpus", str(corpus), "--index", str(index)]
    process = subprocess.Popen(
        [sys.executable, "-m", "qa_service", "serve", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def ask(
    port: int,
    path: str,
    body: dict[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **(headers or {})},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


def ask_when_ready(port: int, path: str, *, seconds: float = 60) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask(port, path)
        except OSError:  # refused, reset, or not ready
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_serves_without_torch(
    chapter_index: Index, chapter_corpus: Path, environment_without_torch: dict[str, str]
) -> None:
    port = free_port()
    with serving(port, chapter_corpus, chapter_index.path, environment_without_torch):
        assert ask_when_ready(port, "/readyz")["generation"] == chapter_index.generation
        found = ask(port, "/v1/search", {"query": "Who attends the 2+2?"})
        assert found["language"] == "en"
        assert found["results"]


def test_a_proxy_that_was_not_named_speaks_for_nobody(
    chapter_index: Index, chapter_corpus: Path
) -> None:
    """uvicorn by itself believes 127.0.0.1."""
    port = free_port()
    environment = {**os.environ, "QA_SERVICE_RATE_LIMIT": "2/hour"}
    with serving(port, chapter_corpus, chapter_index.path, environment):
        ask_when_ready(port, "/readyz")
        ask(port, "/v1/documents", headers={"X-Forwarded-For": "1.1.1.1"})
        ask(port, "/v1/documents", headers={"X-Forwarded-For": "2.2.2.2"})
        with pytest.raises(urllib.error.HTTPError, match="429") as refused:
            ask(port, "/v1/documents", headers={"X-Forwarded-For": "3.3.3.3"})
        refused.value.close()


def test_builds_a_missing_index_first(
    chapter_corpus: Path, tmp_path: Path, environment_without_torch: dict[str, str]
) -> None:
    port = free_port()
    with serving(port, chapter_corpus, tmp_path / "index", environment_without_torch):
        assert ask_when_ready(port, "/readyz")["status"] == "ready"


def test_a_port_in_use_is_said_with_the_cure(chapter_index: Index, chapter_corpus: Path) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        done = subprocess.run(
            [
                *(sys.executable, "-m", "qa_service", "serve", "--port", str(port)),
                *("--corpus", str(chapter_corpus), "--index", str(chapter_index.path)),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert f"Port {port} of 127.0.0.1 is in use" in done.stderr
    assert f"--port {port + 1}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a" * 300])
def test_an_address_of_another_machine_cannot_be_listened_on(host: str) -> None:
    with pytest.raises(SettingsError, match=r"--host 127\.0\.0\.1"):
        listen(host, 0)
