"""qa_service and the floor in one process, asked in turn: how many times the floor's time it takes.

Two processes one after the other would measure what else the machine was doing.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from peers.bare_search import build_both
from peers.job import read_job
from peers.qa_service_search import build

_ROUNDS = 2


def main() -> None:
    job = read_job(Path(sys.argv[1]))
    searches = {"qa_service": build(job), "bare": build_both(job)}
    wall: dict[str, list[float]] = {name: [] for name in searches}
    processor: dict[str, list[float]] = {name: [] for name in searches}
    for round in range(_ROUNDS + 1):
        for question in job.questions.values():
            for name, search in searches.items():
                began, used = time.perf_counter(), time.process_time()
                search(question)
                if round:  # the first one warms up
                    processor[name].append((time.process_time() - used) * 1000)
                    wall[name].append((time.perf_counter() - began) * 1000)
    outcome = {**wall, "processor": processor}
    job.outcome.write_text(json.dumps(outcome), encoding="utf-8")


if __name__ == "__main__":
    main()
