"""One measurement: a set-up builds its index, is asked every question, and says what it found.

Runs inside the environment of the peer that is measured, so it imports little: numpy, tokenizers and
safetensors for the built-in model. `scripts/bench_peers.py` writes the job and judges the outcome.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from qa_service.retrieval.static_model import StaticModel, load_static_model

RESULTS = 10  # what a search returns; MRR@10 needs that many
DEPTH = 100  # of each leg before fusion, where a set-up may choose
_WARM_UP = 10


@dataclass(frozen=True, slots=True)
class Passage:
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Job:
    """`corpus` is the folder that qa_service reads; `passages` are what it read there."""

    set_up: str
    corpus: Path
    passages: tuple[Passage, ...]
    questions: Mapping[str, str]  # by id
    fewest_timings: int
    outcome: Path

    @property
    def ids(self) -> list[str]:
        return [passage.id for passage in self.passages]

    @property
    def texts(self) -> list[str]:
        return [passage.text for passage in self.passages]

    def model(self) -> StaticModel:
        """The built-in model, loaded anew: its time belongs to the build."""
        return load_static_model()


Search = Callable[[str], Sequence[str]]
"""A question to the ids of the best passages, best first."""

Build = Callable[[Job], Search]


def run(set_ups: Mapping[str, Build], *, packages: Sequence[str]) -> None:
    """Carry out the job that the first argument names; `packages` are those whose version matters."""
    job = read_job(Path(sys.argv[1]))
    started = time.perf_counter()
    search = set_ups[job.set_up](job)
    seconds = time.perf_counter() - started
    questions = list(job.questions.values())
    for question in questions[:: max(1, len(questions) // _WARM_UP)]:  # of every language
        search(question)
    found: dict[str, list[str]] = {}
    milliseconds: list[float] = []
    processor: list[float] = []
    while len(milliseconds) < job.fewest_timings or not found:
        for id, question in job.questions.items():
            began, used = time.perf_counter(), time.process_time()
            answer = search(question)
            processor.append((time.process_time() - used) * 1000)
            milliseconds.append((time.perf_counter() - began) * 1000)
            found[id] = list(answer)[:RESULTS]
    outcome = {
        "versions": {package: version(package) for package in packages},
        "build_seconds": seconds,
        "milliseconds": milliseconds,
        "processor_milliseconds": processor,
        "peak_megabytes": peak_megabytes(),
        "found": found,
    }
    job.outcome.write_text(json.dumps(outcome), encoding="utf-8")


def read_job(path: Path) -> Job:
    values = json.loads(path.read_text(encoding="utf-8"))
    passages = _lines(Path(values["passages"]))
    questions = _lines(Path(values["questions"]))
    return Job(
        set_up=values["set_up"],
        corpus=Path(values["corpus"]),
        passages=tuple(Passage(line["id"], line["text"]) for line in passages),
        questions={line["id"]: line["question"] for line in questions},
        fewest_timings=values["fewest_timings"],
        outcome=Path(values["outcome"]),
    )


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def peak_megabytes() -> float:
    """This process's own peak of resident memory. `ru_maxrss` would count what the process was
    before it became this program, so it serves only where there is no /proc."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024  # "VmHWM:  123456 kB"
