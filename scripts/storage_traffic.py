"""Trials with several at once: clients of a real server while the index is replaced under them, and
builders of one index. Part of scripts/torture_storage.py.

Every document names its version in every passage, so that an answer from two generations shows.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from storage_bench import Bench, Outcome, Version, write_corpus

from qa_service.errors import IndexBusyError
from qa_service.retrieval.index import build_index, load_index
from qa_service.serving.app import create_app
from qa_service.serving.server import listen
from qa_service.serving.service.index_watch import watch_for_newer_index
from qa_service.serving.service.library import Library

_VERSION = re.compile(r"第(\d+)版")  # 品目3は第17版で定める
_NEVER_CHANGES = "0"
_WATCH_SECONDS = 0.1
_TAKEN_UP_SECONDS = 30.0
_GROWTH_MB = 8.0  # of the median of the last quarter over that of the second


def swap_under_clients(bench: Bench, *, swaps: int, clients: int) -> Outcome:
    """`swaps` times a new version is built and taken up while the clients ask all the time."""
    outcome = Outcome(f"swaps under {clients} clients")
    corpus, index = bench.root / "swapped" / "corpus", bench.root / "swapped" / "index"
    write_corpus(corpus, 100)
    build_index(corpus, index, embedder=bench.embedder)
    with _server(bench, index) as (port, process), _clients(port, clients) as asking:
        memory = [_memory_mb(process)]
        waits = []
        for number in range(101, 101 + swaps):
            write_corpus(corpus, number)
            generation = build_index(corpus, index, embedder=bench.embedder).generation
            waits.append(_wait_until_served(port, generation))
            outcome.trials += 1
            memory.append(_memory_mb(process))
    outcome.faults += asking.faults
    outcome.figures["requests"] = asking.answered
    outcome.figures["versions seen"] = len(asking.versions)
    outcome.figures["taken up after, seconds, median"] = round(statistics.median(waits), 2)
    _judge_memory(memory, outcome)
    if len(asking.versions) < swaps // 2:
        outcome.faults.append(f"only {len(asking.versions)} versions were seen by the clients")
    return outcome


def two_builders(bench: Bench, *, rounds: int, builders: int = 2) -> Outcome:
    """All begin at once: those that do not get the lock say who has it, nobody else fails."""
    outcome = Outcome(f"{builders} builders at once")
    template = bench.template(Version.OLD)
    for number in range(rounds):
        with bench.copy_of(template) as index:
            said = _build_at_once(bench, index, builders)
            outcome.trials += 1
            won = [line for line in said if line.startswith("won")]
            busy = [line for line in said if line.startswith("busy")]
            for line in busy:
                outcome.count("said that another one builds")
                named = [*(winner.split()[1] for winner in won), "unknown"]  # not written yet
                if not any(f"process ({name})" in line for name in named):
                    outcome.faults.append(f"round {number}: {line}, but {won}")
            if not won or len(won) + len(busy) != builders:
                outcome.faults.append(f"round {number}: {said}")
            if (found := bench.held(index)) != Version.NEW:
                outcome.faults.append(f"round {number}: found {found}")
            outcome.count(f"{len(won)} built or found it built")
    return outcome


# --- clients -----------------------------------------------------------------------------------


class Asking:
    """What the clients saw; shared by their threads."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.versions: set[str] = set()
        self.answered = 0
        self.over = threading.Event()
        self._lock = threading.Lock()

    def run(self, port: int, first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        kind = first
        while not self.over.is_set():
            kind += 1
            method, path, body = _REQUESTS[kind % len(_REQUESTS)]
            try:
                status, answer = _send(connection, method, path, body)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._note(f"{path}: {type(error).__name__}: {error}", None)
                connection.close()
                continue
            seen = set(_VERSION.findall(answer)) - {_NEVER_CHANGES}
            fault = None
            if status != 200:
                fault = f"{path}: {status} {answer[:200]}"
            elif len(seen) > 1:
                fault = f"{path}: versions {sorted(seen)} in one answer"
            elif not seen and path != "/readyz":
                fault = f"{path}: no version in {answer[:200]}"
            elif path == "/readyz" and json.loads(answer)["status"] != "ready":
                fault = f"/readyz: {answer}"
            self._note(fault, seen)
        connection.close()

    def _note(self, fault: str | None, seen: set[str] | None) -> None:
        with self._lock:
            self.answered += 1
            if fault:
                self.faults.append(fault)
            self.versions |= seen or set()


_REQUESTS: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/v1/search", {"query": "品目の手続と担当", "top_k": 50}),
    ("POST", "/v1/ask", {"question": "品目3の手続を担当するのはどの部署ですか"}),
    ("GET", "/v1/documents/item-4/source", None),
    ("POST", "/v1/search", {"query": "図表1-5", "mode": "lexical"}),
    ("GET", "/readyz", None),
)


def _send(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any
) -> tuple[int, str]:
    data = None if body is None else json.dumps(body).encode()
    connection.request(method, path, body=data, headers={"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, response.read().decode()


@contextmanager
def _clients(port: int, number: int) -> Iterator[Asking]:
    asking = Asking()
    threads = [threading.Thread(target=asking.run, args=(port, each)) for each in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield asking
    finally:
        asking.over.set()
        for thread in threads:
            thread.join()


# --- the server --------------------------------------------------------------------------------


@contextmanager
def _server(bench: Bench, index: Path) -> Iterator[tuple[int, int]]:
    """Port and process id of the real application in a process of its own."""
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        process = os.fork()
        if not process:
            _serve(bench, index, listener)
    try:
        yield port, process
    finally:
        os.kill(process, signal.SIGTERM)
        os.waitpid(process, 0)


def _serve(bench: Bench, index: Path, listener: socket.socket) -> None:
    try:
        watch = partial(watch_for_newer_index, seconds=_WATCH_SECONDS)
        app = create_app(Library(load_index(index, embedder=bench.embedder)), watch=watch)
        uvicorn.Server(uvicorn.Config(app, log_config=None)).run(sockets=[listener])
    finally:
        os._exit(0)


def _wait_until_served(port: int, generation: str) -> float:
    started = time.monotonic()
    while time.monotonic() - started < _TAKEN_UP_SECONDS:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        _, answer = _send(connection, "GET", "/readyz", None)
        connection.close()
        if json.loads(answer)["generation"] == generation:
            return time.monotonic() - started
        time.sleep(0.02)
    raise TimeoutError(f"{generation} was not taken up: {answer}")


def _memory_mb(process: int) -> float:
    """Resident memory, from Linux's /proc."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(process)


def _judge_memory(memory: list[float], outcome: Outcome) -> None:
    outcome.figures["memory MB at first"] = round(memory[0], 1)
    quarter = len(memory) // 4
    if quarter < 5:  # too short to tell
        return
    early = statistics.median(memory[quarter : 2 * quarter])
    late = statistics.median(memory[-quarter:])
    outcome.figures["memory MB, median of the second quarter"] = round(early, 1)
    outcome.figures["memory MB, median of the last quarter"] = round(late, 1)
    if late - early > _GROWTH_MB:
        outcome.faults.append(f"memory grew from {early:.1f} to {late:.1f} MB")


# --- builders ----------------------------------------------------------------------------------


def _build_at_once(bench: Bench, index: Path, builders: int) -> list[str]:
    """What each builder says at the end."""
    reading, writing = os.pipe()
    start_at = time.monotonic() + 0.05
    processes = []
    for _ in range(builders):
        process = os.fork()
        if not process:
            _build_and_say(bench, index, start_at, partial(os.write, writing))
        processes.append(process)
    os.close(writing)
    for process in processes:
        os.waitpid(process, 0)
    with os.fdopen(reading, encoding="utf-8") as said:
        return said.read().splitlines()


def _build_and_say(
    bench: Bench, index: Path, start_at: float, say: Callable[[bytes], object]
) -> None:
    try:
        time.sleep(max(start_at - time.monotonic(), 0))
        build_index(bench.corpus(Version.NEW), index, embedder=bench.embedder)
        say(f"won {os.getpid()}\n".encode())
    except IndexBusyError as error:
        say(f"busy {error.message}\n".encode())
    except BaseException as error:
        say(f"failed {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(0)
