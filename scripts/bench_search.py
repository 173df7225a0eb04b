"""Measure speed and memory: search in-process, over HTTP, and as a whole process.

    python scripts/bench_search.py [--corpus DIR] [--rounds 50]

Builds an index of the corpus in a temporary folder, measures, prints a table, and leaves nothing
behind. `bare FAISS + bm25s` is the floor that the search is compared with: the same vectors and the
same passages, the question embedded, one FAISS search, character bigrams in one bm25s search, and
nothing else (no look-ups, no late interaction, no fusion, no citations).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

QUESTIONS = (
    "日米「2+2」には誰が出席しますか",
    "図表Ⅲ-2-1-1",
    "在日米軍の駐留は何のためですか",
    "日米防衛協力のための指針はいつ見直されましたか",
    "What is the purpose of the Japan-U.S. alliance?",
    "Who attends the 2+2 meeting?",
    "When were the Guidelines revised?",
    "日美同盟的意义是什么？",
)


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of many calls, ascending."""

    milliseconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def p99(self) -> float:
        return self.milliseconds[
            min(len(self.milliseconds) - 1, len(self.milliseconds) * 99 // 100)
        ]

    def __str__(self) -> str:
        return f"median {self.median:8.2f} ms   p99 {self.p99:8.2f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default_corpus = Path(__file__).parent.parent / "corpus"
    parser.add_argument("--corpus", type=Path, default=default_corpus, help="default: corpus/")
    parser.add_argument("--rounds", type=int, default=50, help="of all questions (default: 50)")
    parser.add_argument("--processes", type=int, default=7, help="whole processes (default: 7)")
    arguments = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        measure_in_process(arguments.corpus, index, arguments.rounds)
        measure_server(arguments.corpus, index, arguments.rounds)
        measure_whole_process(arguments.corpus, index, arguments.processes)


def measure_in_process(corpus: Path, folder: Path, rounds: int) -> None:
    from qa_service.retrieval.embedding import load_embedder
    from qa_service.retrieval.index import build_index, load_index
    from qa_service.retrieval.search import search

    started = time.perf_counter()
    embedder = load_embedder()
    show("load the built-in model", milliseconds_since(started))
    started = time.perf_counter()
    build_index(corpus, folder, embedder=embedder)
    show("build the index", milliseconds_since(started))
    started = time.perf_counter()
    index = load_index(folder, embedder=embedder)
    show("load the index", milliseconds_since(started))
    show("passages", str(len(index.passages)))
    texts = [passage.text for passage in index.passages]
    bare = make_bare_search(texts, embedder.encode_passages(texts), embedder.encode_queries)
    show("search in-process", time_calls(lambda question: search(index, question), rounds))
    show("bare FAISS + bm25s", time_calls(bare, rounds))
    show("torch imported", str("torch" in sys.modules))
    show(
        "peak memory of this process",
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB",
    )


def make_bare_search(
    texts: Sequence[str], vectors: object, encode: Callable[[list[str]], object]
) -> Callable[[str], object]:
    import bm25s
    import faiss
    import numpy as np

    dense = faiss.IndexFlatIP(np.asarray(vectors).shape[1])
    dense.add(np.asarray(vectors))
    lexical = bm25s.BM25()
    lexical.index([bigrams(text) for text in texts], show_progress=False)
    count = min(10, len(texts))

    def search(question: str) -> object:
        return (
            dense.search(np.asarray(encode([question])), count),
            lexical.retrieve([bigrams(question)], k=count, show_progress=False),
        )

    return search


def bigrams(text: str) -> list[str]:
    return [text[start : start + 2] for start in range(len(text) - 1)]


def measure_server(corpus: Path, index: Path, rounds: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--corpus", str(corpus), "--index", str(index)]
    started = time.perf_counter()
    with running([sys.executable, "-m", "qa_service", "serve", *options]) as process:
        wait_until_ready(port, process)
        show("server ready after", milliseconds_since(started))
        show("server's memory when ready", f"{memory(process.pid)} MB")
        show("search over HTTP", time_calls(lambda question: ask(port, question), rounds))
        show("server's memory afterwards", f"{memory(process.pid)} MB")


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    sys.exit("The server did not become ready: `qa-service serve` says why.")


def ask(port: int, question: str) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/search",
        data=json.dumps({"query": question}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: bytes = response.read()
        return answer


def measure_whole_process(corpus: Path, index: Path, processes: int) -> None:
    places = ["--corpus", str(corpus), "--index", str(index)]
    command = [sys.executable, "-m", "qa_service"]
    for name, arguments in {
        "qa-service search, whole process": ["search", *places, QUESTIONS[0]],
        "qa-service --help, whole process": ["--help"],
    }.items():
        taken = []
        for _ in range(processes):
            started = time.perf_counter()
            subprocess.run([*command, *arguments], check=True, stdout=subprocess.DEVNULL)
            taken.append((time.perf_counter() - started) * 1000)
        show(name, Timing(tuple(sorted(taken))))


def time_calls(call: Callable[[str], object], rounds: int) -> Timing:
    """After one round to warm up."""
    for question in QUESTIONS:
        call(question)
    taken = []
    for _ in range(rounds):
        for question in QUESTIONS:
            started = time.perf_counter()
            call(question)
            taken.append((time.perf_counter() - started) * 1000)
    return Timing(tuple(sorted(taken)))


def milliseconds_since(started: float) -> str:
    return f"{(time.perf_counter() - started) * 1000:.0f} ms"


def memory(process_id: int) -> int:
    """Resident memory in MB."""
    done = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process_id)], check=True, capture_output=True, text=True
    )
    return int(done.stdout) // 1024


def show(name: str, value: object) -> None:
    print(f"{name:<36}{value}", flush=True)


if __name__ == "__main__":
    main()
