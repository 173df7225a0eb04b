"""Compare qa_service with txtai, LlamaIndex, LangChain and Haystack, and with bare FAISS + bm25s.

    python scripts/bench_peers.py DATA [--peers NAME …] [--tasks NAME …] [--json FILE]

DATA is a folder with `eval/` and `train/`. Each peer is installed into a virtual environment of its own
(once, under build/peers/) and gets the same passages and the same built-in embedding model, through
its own hook for embeddings; it is set up as its documentation says and, beside it, as well as we can for
Japanese (see `scripts/peers/`). Each set-up runs alone in a process, with one thread. Prints a
Markdown table a task: share answered first, MRR@10, share in the first five; seconds to build the index
from passages in memory (qa_service: from files, written to disk and loaded); wall-clock times of a
search and the median of its processor time; the process's peak memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from peer_environments import (
    PEERS,
    PeerUnavailableError,
    environment_variables,
    last_line,
    python_of,
)
from peer_figures import Row, judge, percentile_99, table
from peer_tasks import TASKS, Data, Task, make_task

from qa_service.errors import QaServiceError

_REPOSITORY = Path(__file__).resolve().parent.parent
_USUAL_TASKS = ["chapter", "dev", "all", "20000"]
_FEWEST_TIMINGS = 300
_HOURS = 2  # a set-up may take on a task


def main() -> None:
    arguments = _arguments()
    data = Data(
        folder=arguments.data,
        chapter=arguments.corpus,
        chapter_questions=arguments.chapter_questions
        or arguments.data / "eval/chapter_questions.jsonl",
        questions=arguments.questions,
        seed=arguments.seed,
    )
    report: dict[str, Any] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "questions": arguments.questions,
        "seed": arguments.seed,
        "tasks": {},
    }
    try:
        for name in arguments.tasks:
            report["tasks"][name] = _compare(name, data, arguments.peers, arguments.environments)
            if arguments.json:
                text = json.dumps(report, ensure_ascii=False, indent=2)
                arguments.json.write_text(text + "\n", encoding="utf-8")
    except (QaServiceError, PeerUnavailableError, OSError) as error:
        sys.exit(str(error))
    print(_versions(report["tasks"].values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="data folder with train/ and eval/")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="NAME",
                        help=f"of {', '.join(PEERS)} (default: all)")  # fmt: skip
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=_USUAL_TASKS, metavar="NAME",
                        help=f"of {', '.join(TASKS)} (default: all but the last)")  # fmt: skip
    parser.add_argument("--questions", type=int, default=600, metavar="N",
                        help="sample of JaQuAD's, 0 for all (default: 600)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the samples (default: 0)")
    parser.add_argument("--corpus", type=Path, default=_REPOSITORY / "corpus",
                        help="folder of the chapter (default: corpus/)")  # fmt: skip
    parser.add_argument("--chapter-questions", type=Path, metavar="FILE",
                        help="default: DATA/eval/chapter_questions.jsonl")  # fmt: skip
    parser.add_argument("--environments", type=Path, default=_REPOSITORY / "build/peers",
                        metavar="DIR", help="default: build/peers/")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    return parser.parse_args()


def _compare(name: str, data: Data, peers: Sequence[str], environments: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        task = make_task(name, data, Path(folder) / "corpus")
        _write(Path(folder) / "passages.jsonl", task.passages, ("id", "text"))
        _write(Path(folder) / "questions.jsonl", task.questions, ("id", "question"))
        rows: list[Row] = []
        for row in _rows(task, Path(folder), peers, environments):
            print(f"{row.system}, {row.set_up}: {row.fault or 'done'}", file=sys.stderr, flush=True)
            rows.append(row)
        title = f"{task.title}: {len(task.questions)} questions, {len(task.passages):,} passages"
        print(table(title, rows), end="\n\n")
        result: dict[str, Any] = {"title": title, "rows": [dataclasses.asdict(row) for row in rows]}
        if {"qa_service", "bare"} <= set(peers):
            result["in_turn"] = _in_turn(task, Path(folder))
            print(result["in_turn"]["sentence"], end="\n\n", flush=True)
        return result


def _rows(task: Task, folder: Path, peers: Sequence[str], environments: Path) -> Iterator[Row]:
    for name in peers:
        try:
            python = python_of(name, environments)
        except PeerUnavailableError as error:
            yield Row(name, "", {}, fault=str(error))
            continue
        for set_up in PEERS[name].set_ups:
            try:
                outcome = _measured(python, PEERS[name].module, set_up, task, folder)
            except PeerUnavailableError as error:
                yield Row(name, set_up, {}, fault=str(error))
                continue
            yield Row(
                system=name,
                set_up=set_up,
                versions=outcome["versions"],
                figures=judge(task, outcome["found"]),
                build_seconds=outcome["build_seconds"],
                median_milliseconds=median(outcome["milliseconds"]),
                p99_milliseconds=percentile_99(outcome["milliseconds"]),
                processor_milliseconds=median(outcome["processor_milliseconds"]),
                peak_megabytes=outcome["peak_megabytes"],
            )


def _in_turn(task: Task, folder: Path) -> dict[str, Any]:
    taken = _measured(Path(sys.executable), "side_by_side", "", task, folder)
    ours, floor = median(taken["qa_service"]), median(taken["bare"])
    processor = {name: median(values) for name, values in taken["processor"].items()}
    ratio = processor["qa_service"] / processor["bare"]
    return {
        "qa_service_milliseconds": ours,
        "bare_milliseconds": floor,
        "times": ours / floor,
        "times_processor": ratio,
        "sentence": f"In one process, asked in turn: qa_service {ours:.2f} ms, tokenise + FAISS + "
        f"bm25s {floor:.2f} ms (medians), {ours / floor:.2f} times; in processor time {ratio:.2f}.",
    }


def _measured(python: Path, module: str, set_up: str, task: Task, folder: Path) -> dict[str, Any]:
    """What the process wrote; PeerUnavailableError with its last words when it failed."""
    job, outcome = folder / "job.json", folder / "outcome.json"
    values = {
        "set_up": set_up,
        "corpus": str(task.corpus),
        "passages": str(folder / "passages.jsonl"),
        "questions": str(folder / "questions.jsonl"),
        "fewest_timings": _FEWEST_TIMINGS,
        "outcome": str(outcome),
    }
    job.write_text(json.dumps(values), encoding="utf-8")
    outcome.unlink(missing_ok=True)
    command = [str(python), "-P", "-m", f"peers.{module}", str(job)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=environment_variables(),
            timeout=_HOURS * 3600,
        )
    except subprocess.TimeoutExpired as error:
        raise PeerUnavailableError(f"stopped after {_HOURS} hours") from error
    if done.returncode:
        raise PeerUnavailableError(f"failed: {last_line(done.stderr)}")
    result: dict[str, Any] = json.loads(outcome.read_text(encoding="utf-8"))
    return result


def _write(path: Path, items: Iterable[object], fields: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for item in items:
            record = {field: getattr(item, field) for field in fields}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _versions(tasks: Iterable[dict[str, Any]]) -> str:
    versions: dict[str, str] = {}
    for task in tasks:
        for row in task["rows"]:
            versions |= row["versions"]
    return ", ".join(f"{package} {version}" for package, version in versions.items())


if __name__ == "__main__":
    main()
