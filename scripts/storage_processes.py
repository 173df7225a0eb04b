"""Trials with the whole program as it is installed: started after a stop, on a folder that it may
not write, on a disk that is full, beside another builder. Part of scripts/torture_storage.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from storage_bench import Bench, Outcome, Version, litter_in

_ADDRESS = re.compile(r"at (http://127\.0\.0\.1:\d+)")  # Serving 36 passages at http://127.0.0.1:80
_SECONDS = 60.0
_SLOWEST_START_SECONDS = 5.0
_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1  # linux/prctl.h, linux/capability.h
_FULL_BYTES = 2000  # a file of more cannot be written: EFBIG, as ENOSPC would be


def start_after_kills(bench: Bench, *, kills: int, seed: int = 0) -> Outcome:
    """`qa-service index` killed at a random time, then `qa-service serve` twice, until it answers."""
    outcome = Outcome("qa-service index killed, qa-service serve started")
    chance = Random(seed)
    with bench.copy_of(bench.template(Version.OLDER, Version.OLD)) as index:
        started = time.perf_counter()
        _command(bench, index, "index", Version.NEW).wait()
        longest = time.perf_counter() - started
    for number in range(kills):
        with bench.copy_of(bench.template(Version.OLDER, Version.OLD)) as index:
            process = _command(bench, index, "index", Version.NEW)
            time.sleep(chance.uniform(longest / 2, longest))  # before, it only loads
            process.kill()
            process.wait()
            found = bench.held(index)
            outcome.trials += 1
            outcome.count(f"found {found}")
            if found not in (Version.OLD, Version.NEW):
                outcome.faults.append(f"kill {number}: found {found}")
            for _ in range(2):
                with _serving(bench, index, Version.NEW) as (address, seconds):
                    _judge_ready(address, outcome, f"kill {number}", status="ready")
                    outcome.slowest_start_seconds = max(outcome.slowest_start_seconds, seconds)
                    if seconds > _SLOWEST_START_SECONDS:
                        outcome.faults.append(f"kill {number}: start took {seconds:.1f} s")
            if bench.held(index) != Version.NEW or litter_in(index):
                outcome.faults.append(f"kill {number}: {bench.held(index)}, {litter_in(index)}")
    return outcome


def start_where_nothing_can_be_written(bench: Bench) -> Outcome:
    """The corpus is newer, or the current generation damaged; the folder is read-only, or the disk
    as good as full."""
    outcome = Outcome("qa-service serve where nothing can be written")
    ways = {"disk full": _limit_files, "read-only folder": _respect_rights}
    for way, prepare in ways.items():
        for damaged in (None, "CURRENT", "vectors.faiss", "manifest.json"):
            with bench.copy_of(bench.template(Version.OLDER, Version.OLD)) as index:
                if damaged:
                    *_, path = sorted(index.rglob(damaged))
                    path.write_bytes(path.read_bytes()[:-1])
                place = f"{way}, {f'{damaged} damaged' if damaged else 'newer corpus'}"
                version = Version.OLD if damaged else Version.NEW
                if prepare is _respect_rights:
                    _make_read_only(index)
                with _serving(bench, index, version, preexec_fn=prepare) as (address, seconds):
                    ready = _judge_ready(address, outcome, place, status="degraded")
                    if damaged and damaged not in str(ready["degraded"]):
                        outcome.faults.append(f"{place}: /readyz says {ready}")
                    outcome.slowest_start_seconds = max(outcome.slowest_start_seconds, seconds)
                outcome.trials += 1
                outcome.count(place)
                _make_writable(index)
    return outcome


def two_commands(bench: Bench) -> Outcome:
    """`qa-service index` twice at once, on an index that another builder holds for a while."""
    outcome = Outcome("qa-service index twice at once")
    from qa_service.retrieval.publishing import building

    with bench.copy_of(bench.template(Version.OLD)) as index:
        with building(index):
            processes = [_command(bench, index, "index", Version.NEW) for _ in range(2)]
            said = [_first_line(process) for process in processes]
        rest = [process.communicate(timeout=_SECONDS)[0] for process in processes]
        outcome.trials += 1
        if not all(f"Another process ({os.getpid()}) is building" in line for line in said):
            outcome.faults.append(f"said {said}")
        if any(process.returncode for process in processes) or bench.held(index) != Version.NEW:
            outcome.faults.append(f"said {rest}, {bench.held(index)}")
        outcome.figures["said that another one builds"] = len(said)
    return outcome


def _judge_ready(address: str, outcome: Outcome, place: str, *, status: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}/readyz", timeout=_SECONDS) as response:
        ready: dict[str, Any] = json.load(response)
    if ready["status"] != status:
        outcome.faults.append(f"{place}: /readyz says {ready}")
    request = urllib.request.Request(
        f"{address}/v1/search",
        data=json.dumps({"query": "品目3の手続"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:
        if not json.load(response)["results"]:
            outcome.faults.append(f"{place}: nothing found")
    return ready


@contextlib.contextmanager
def _serving(
    bench: Bench, index: Path, version: Version, **options: Any
) -> Iterator[tuple[str, float]]:
    """Its address, and the seconds from the start of the process until it answered."""
    started = time.perf_counter()
    process = _command(bench, index, "serve", version, "--port", "0", **options)
    try:
        address = _address(process)
        with urllib.request.urlopen(f"{address}/readyz", timeout=_SECONDS):
            seconds = time.perf_counter() - started
        yield address, seconds
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=_SECONDS)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := _ADDRESS.search(line):
            threading.Thread(target=process.stdout.read, daemon=True).start()  # let it go on
            return found[1]
    raise RuntimeError(f"the server did not start: {''.join(said)}")


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _command(
    bench: Bench, index: Path, command: str, version: Version, *more: str, **options: Any
) -> subprocess.Popen[str]:
    places = ("--corpus", str(bench.corpus(version)), "--index", str(index))
    return subprocess.Popen(
        [sys.executable, "-m", "qa_service", command, *places, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def _limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FULL_BYTES, _FULL_BYTES))


def _respect_rights() -> None:
    """Root may write everywhere; without this capability, only where anyone else may."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)


def _make_read_only(index: Path) -> None:
    for path in [*index.rglob("*"), index]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def _make_writable(index: Path) -> None:
    index.chmod(0o755)
    for path in index.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
