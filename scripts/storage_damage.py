"""Trials with damaged, missing and unwritable files. Part of scripts/torture_storage.py.

Every damage has to be found and its file named; the last good version is served, it is said that
this is so, and its answers are those that it always gave.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from random import Random

from starlette.testclient import TestClient
from storage_bench import Bench, Outcome, Version, degraded, litter_in

from qa_service.errors import IndexDamagedError, IndexFaultError
from qa_service.retrieval.disk import Disk, Step, StepKind
from qa_service.retrieval.index import build_index, load_index
from qa_service.serving.app import create_app
from qa_service.serving.service.library import Library

_QUESTIONS = ("品目3の手続を担当するのは", "図表1-4の数量", "Which edition is the procedure of?")
_POINTER = "CURRENT"
_STARTED_EVERY = 20  # of the damages, the next start is tried too

Damage = Callable[[bytes, Random], bytes]


def flip(data: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]


def truncate(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data))]


def extend(data: bytes, chance: Random) -> bytes:
    return data + chance.randbytes(chance.randint(1, 5000))


def damage_files(bench: Bench, *, flips: int, seed: int = 0) -> Outcome:
    """Flips, truncations and a few extensions, over all files of the current generation and the
    pointer in turn."""
    outcome = Outcome("damaged files")
    chance = Random(seed)
    with bench.copy_of(bench.template(Version.OLDER, Version.OLD)) as index:
        expected = _expected_answers(bench)
        files = [*sorted(_current(index).iterdir()), index / _POINTER]
        for number in range(flips):
            path = files[number % len(files)]
            damage: Damage = chance.choices((flip, truncate, extend), (7, 2, 1))[0]
            whole = path.read_bytes()
            path.write_bytes(damage(whole, chance))
            place = f"{damage.__name__} {number} of {path.name}"
            if path.read_bytes() == whole:
                outcome.faults.append(f"{place}: changed nothing")
            _judge(bench, index, path, place, outcome, expected)
            path.write_bytes(whole)
            outcome.count(damage.__name__)
            if number % _STARTED_EVERY == 0:
                _judge_start(bench, index, path, damage, chance, outcome)
        outcome.figures["files"] = len(files)
    return outcome


def damage_older_files(bench: Bench, *, flips: int, seed: int = 0) -> Outcome:
    """The generation that is kept for bad times: the current one is served, as if nothing were."""
    outcome = Outcome("damaged files of the generation before")
    chance = Random(seed)
    with bench.copy_of(bench.template(Version.OLDER, Version.OLD)) as index:
        (older,) = set((index / "generations").iterdir()) - {_current(index)}
        files = sorted(older.iterdir())
        for number in range(flips):
            path = files[number % len(files)]
            whole = path.read_bytes()
            path.write_bytes(chance.choice((flip, truncate))(whole, chance))
            outcome.trials += 1
            if (found := bench.held(index)) != Version.OLD:
                outcome.faults.append(f"{path.name}, {number}: found {found}")
            path.write_bytes(whole)
    return outcome


def remove_files(bench: Bench) -> Outcome:
    """Each file alone, whole folders, and the same file in both generations."""
    outcome = Outcome("missing files")
    template = bench.template(Version.OLDER, Version.OLD)
    expected = _expected_answers(bench)
    with bench.copy_of(template) as index:
        for path in [*sorted(_current(index).iterdir()), index / _POINTER]:
            away = path.rename(index.parent / "away")
            _judge(bench, index, path, f"without {path.name}", outcome, expected)
            away.rename(path)
        current = _current(index)
        away = current.rename(index.parent / "away")
        _judge(
            bench, index, index / _POINTER, "without the generation", outcome, expected, older=True
        )
        away.rename(current)
    for name in ("generations", "vectors.faiss", "manifest.json"):
        with bench.copy_of(template) as index:
            for path in sorted(index.rglob(name)):
                path.rename(index.parent / f"away-{path.parent.name}")
            _judge_hopeless(bench, index, name, outcome)
    return outcome


def refuse_writes(bench: Bench, *, every: int = 1) -> Outcome:
    """From each step of a build on, the disk is full, or read-only, or broken."""
    outcome = Outcome("refused writes")
    for versions in ((), (Version.OLDER, Version.OLD)):
        template = bench.template(*versions)
        with bench.copy_of(template) as index:
            steps: list[Step] = []
            _build(bench, index, Disk(steps.append, block_bytes=16384))
        for code in (errno.ENOSPC, errno.EROFS, errno.EIO):
            for number in range(1, len(steps) + 1, every):
                place = f"{os.strerror(code)} from step {number} on, {len(versions)} generations"
                with bench.copy_of(template) as index:
                    said = _refused(bench, index, code, number)
                    _judge_refusal(bench, index, said, code, place, outcome, known=bool(versions))
    return outcome


# --- judging -----------------------------------------------------------------------------------

Answers = Sequence[Sequence[tuple[str, str]]]  # by question, the hits' passages and quotes


def _judge(
    bench: Bench,
    index: Path,
    path: Path,
    place: str,
    outcome: Outcome,
    expected: dict[Version, Answers],
    *,
    older: bool | None = None,
) -> None:
    """`path` is damaged: it is named, and what is good is served by the real application."""
    outcome.trials += 1
    name = path.relative_to(index).as_posix()
    version = Version.OLDER if older or path.name != _POINTER else Version.OLD
    try:
        load_index(index, embedder=bench.embedder, fallback=False)
        outcome.faults.append(f"{place}: not found")
    except IndexDamagedError as error:
        if error.file != name or name not in error.message:
            outcome.faults.append(f"{place}: {error.file} is blamed")
    if (found := bench.held(index)) != degraded(version):
        outcome.faults.append(f"{place}: found {found}")
    library = Library(load_index(index, embedder=bench.embedder))
    with TestClient(create_app(library)) as client:
        ready = client.get("/readyz").json()
        if ready["status"] != "degraded" or path.name not in str(ready["degraded"]):
            outcome.faults.append(f"{place}: /readyz says {ready}")
        if str(index) in str(ready):
            outcome.faults.append(f"{place}: /readyz names a path of this machine")
        if _answers(client) != expected[version]:
            outcome.faults.append(f"{place}: the answers are others")


def _judge_start(
    bench: Bench, index: Path, path: Path, damage: Damage, chance: Random, outcome: Outcome
) -> None:
    """The next start mends the damage; done in another copy."""
    with bench.copy_of(index, name="mended") as copy:
        damaged = copy / path.relative_to(index)
        damaged.write_bytes(damage(damaged.read_bytes(), chance))
        opened, seconds = bench.start(copy, Version.OLD)
        outcome.slowest_start_seconds = max(outcome.slowest_start_seconds, seconds)
        bench.start(copy, Version.OLD)
        if opened.degraded or bench.held(copy) != Version.OLD or litter_in(copy):
            outcome.faults.append(f"{path.name}: not mended by a start: {bench.held(copy)}")
    outcome.count("starts that mended it")


def _judge_hopeless(bench: Bench, index: Path, name: str, outcome: Outcome) -> None:
    """No generation is whole: that is said with the file's name, and a start builds anew."""
    outcome.trials += 1
    try:
        load_index(index, embedder=bench.embedder)
        outcome.faults.append(f"{name} gone everywhere: loaded all the same")
    except IndexDamagedError as error:
        if (_POINTER if name == "generations" else name) not in error.message:
            outcome.faults.append(f"{name} gone everywhere: {error.message}")
    bench.start(index, Version.NEW)
    if (found := bench.held(index)) != Version.NEW:
        outcome.faults.append(f"{name} gone everywhere: found {found} after a start")


def _judge_refusal(
    bench: Bench,
    index: Path,
    said: str | None,
    code: int,
    place: str,
    outcome: Outcome,
    *,
    known: bool,
) -> None:
    outcome.trials += 1
    found = bench.held(index)
    allowed = {Version.NEW, *([Version.OLD] if known else ["nothing", degraded(Version.NEW)])}
    if found not in allowed or (said is None and found != Version.NEW):
        outcome.faults.append(f"{place}: found {found}, said {said}")
    if said is not None and os.strerror(code) not in said:
        outcome.faults.append(f"{place}: said {said}")
    outcome.count("built all the same" if said is None else "said so")
    left = {path.name for path in index.rglob("*") if path.suffix in (".building", ".new")}
    if code == errno.ENOSPC and left:
        outcome.faults.append(f"{place}: the disk stays full of {left}")
    for _ in range(2):
        _, seconds = bench.start(index, Version.NEW)
        outcome.slowest_start_seconds = max(outcome.slowest_start_seconds, seconds)
    if (found := bench.held(index)) != Version.NEW or litter_in(index):
        outcome.faults.append(f"{place}: after the starts {found}, {litter_in(index)}")


def _expected_answers(bench: Bench) -> dict[Version, Answers]:
    found = {}
    for version in (Version.OLDER, Version.OLD):
        place = bench.template(version)
        with TestClient(create_app(Library(load_index(place, embedder=bench.embedder)))) as client:
            found[version] = _answers(client)
    return found


def _answers(client: TestClient) -> Answers:
    answers = []
    for question in _QUESTIONS:
        found = client.post("/v1/search", json={"query": question}).json()
        answers.append(
            [(hit["passage"]["id"], hit["citation"]["quote"]) for hit in found["results"]]
        )
    return answers


# --- work --------------------------------------------------------------------------------------


def _refused(bench: Bench, index: Path, code: int, first: int) -> str | None:
    """What is said of a build whose disk refuses from step `first` on; None when it succeeds.
    A full disk still renames and removes."""
    numbers = count(1)

    def refuse(step: Step) -> None:
        spared = code == errno.ENOSPC and step.kind in (StepKind.RENAME, StepKind.REMOVE)
        if next(numbers) >= first and not spared:
            raise OSError(code, os.strerror(code), str(step.path))

    try:
        _build(bench, index, Disk(refuse, block_bytes=16384))
    except IndexFaultError as error:
        return error.message
    return None


def _build(bench: Bench, index: Path, disk: Disk) -> None:
    build_index(
        bench.corpus(Version.NEW), index, embedder=bench.embedder, disk=disk, checkpoint_seconds=0
    )


def _current(index: Path) -> Path:
    return index / "generations" / (index / _POINTER).read_text(encoding="ascii").strip()
