"""Does the index survive? Stop, damage, starve and crowd the program that writes it; print figures.

    python scripts/torture_storage.py [--seeds 3] [--kills 200] [--flips 1000] [--swaps 100]

Works on a small corpus in a temporary folder (TMPDIR=/dev/shm makes it faster) and leaves nothing
behind. Ends with 1 when anything was wrong, and says what.

  steps    a builder stopped in place of each of its writes, syncs, renames and removals
  losses   the same, and what was not synced by then is lost
  kills    a builder stopped at random times: by SIGKILL; with losses; qa-service itself
  damage   bit flips, truncations and extensions of every file, missing files
  refusals the disk full, read-only or broken from each step on; qa-service on such a disk
  swaps    a new index again and again under clients of a real server
  builders several of them at once
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # this process forks: it may have no threads
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import json
import logging
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from storage_bench import Bench, Outcome
from storage_crashes import losses_without_sync, stop_at_every_step, stop_at_random_times
from storage_damage import damage_files, damage_older_files, refuse_writes, remove_files
from storage_processes import (
    start_after_kills,
    start_where_nothing_can_be_written,
    two_commands,
)
from storage_traffic import swap_under_clients, two_builders
from tqdm import tqdm  # type: ignore[import-untyped]

PARTS = ("steps", "losses", "kills", "damage", "refusals", "swaps", "builders")
_FAULTS_SHOWN = 10


def main() -> None:
    arguments = _read_arguments()
    # bm25s counts with tqdm, whose lock is shared with children: one that is killed may keep it.
    tqdm.set_lock(threading.RLock())
    tqdm.monitor_interval = 0  # and it starts a thread
    logging.getLogger("qa_service").setLevel(logging.CRITICAL)  # the faults are wanted
    faults = 0
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        bench = Bench(Path(folder))
        for part in arguments.only or PARTS:
            started = time.perf_counter()
            for outcome in run(part, bench, arguments):
                seconds = time.perf_counter() - started
                faults += len(outcome.faults)
                if arguments.json:
                    print(json.dumps({"part": part, **asdict(outcome)}, ensure_ascii=False))
                else:
                    _show(outcome, seconds)
                sys.stdout.flush()
                started = time.perf_counter()
    sys.exit(1 if faults else 0)


def run(part: str, bench: Bench, arguments: argparse.Namespace) -> Iterator[Outcome]:
    seeds, every = range(arguments.seeds), arguments.every
    match part:
        case "steps":
            yield stop_at_every_step(bench, seeds=seeds, every=every, lossy=False)
        case "losses":
            yield losses_without_sync(bench, folders=False, every=min(every, 3))
            yield losses_without_sync(bench, folders=True, every=min(every, 3))
            yield stop_at_every_step(bench, seeds=seeds, every=every, lossy=True)
        case "kills":
            yield stop_at_random_times(bench, kills=arguments.kills, lossy=False)
            yield stop_at_random_times(bench, kills=arguments.kills, lossy=True)
            if arguments.processes:
                yield start_after_kills(bench, kills=arguments.processes)
        case "damage":
            yield damage_files(bench, flips=arguments.flips)
            yield damage_older_files(bench, flips=arguments.flips // 4)
            yield remove_files(bench)
        case "refusals":
            yield refuse_writes(bench, every=every)
            if arguments.processes:
                yield start_where_nothing_can_be_written(bench)
        case "swaps":
            yield swap_under_clients(bench, swaps=arguments.swaps, clients=arguments.clients)
        case "builders":
            yield two_builders(bench, rounds=arguments.rounds)
            yield two_builders(bench, rounds=arguments.rounds // 4, builders=8)
            if arguments.processes:
                yield two_commands(bench)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="runs over all steps (3)")
    parser.add_argument("--every", type=int, default=1, help="only each so many-th step (1)")
    parser.add_argument("--kills", type=int, default=200, help="stops at random times (200)")
    parser.add_argument("--processes", type=int, default=20, help="qa-service killed (20; 0: none)")
    parser.add_argument("--flips", type=int, default=1000, help="damages (1000)")
    parser.add_argument("--swaps", type=int, default=100, help="of the index in service (100)")
    parser.add_argument("--clients", type=int, default=16, help="that ask meanwhile (16)")
    parser.add_argument("--rounds", type=int, default=100, help="of several builders (100)")
    parser.add_argument("--only", choices=PARTS, action="append", help="can be repeated")
    parser.add_argument("--json", action="store_true", help="one JSON object a group of trials")
    return parser.parse_args()


def _show(outcome: Outcome, seconds: float) -> None:
    print(f"{outcome.name}: {outcome.trials} trials, {len(outcome.faults)} faults, {seconds:.0f} s")
    if outcome.slowest_start_seconds:
        print(f"    slowest start: {outcome.slowest_start_seconds:.2f} s")
    for name, value in sorted(outcome.figures.items()):
        print(f"    {name}: {value}")
    for fault in outcome.faults[:_FAULTS_SHOWN]:
        print(f"    FAULT {fault}")
    if len(outcome.faults) > _FAULTS_SHOWN:
        print(f"    … and {len(outcome.faults) - _FAULTS_SHOWN} more")


if __name__ == "__main__":
    main()
