"""Trials that stop a builder: at every step in turn, or at random times; with and without the loss
of what was not synced. Part of scripts/torture_storage.py.

Afterwards the old or the new version has to be there as a whole, the next start has to be quick and
to serve what the corpus says, and after the second start nothing is left lying about.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from random import Random

from lossy_disk import Loss, PageCache
from storage_bench import NOTHING, Bench, Outcome, Version, degraded, litter_in

from qa_service.retrieval.disk import Disk, Step, StepKind
from qa_service.retrieval.index import build_index

_STOPPED = 7  # exit status of a child that ended where it was to
_SLOWEST_START_SECONDS = 5.0
_BLOCK_BYTES = (16384, 6000, 50000)  # by seed: more or fewer steps to stop at

Hook = Callable[[Step], None]


@dataclass(frozen=True)
class Scene:
    """An index before the build of the new version, and what may be found after it was stopped."""

    name: str
    template: Path
    allowed: frozenset[str]


def scenes(bench: Bench) -> Iterator[Scene]:
    older, old, new = Version
    # Whole, but the pointer is not there yet:
    yield Scene("no index", bench.template(), frozenset({NOTHING, degraded(new), new}))
    yield Scene("one generation", bench.template(old), frozenset({old, new}))
    yield Scene("two generations", bench.template(older, old), frozenset({old, new}))
    yield Scene(
        "a damaged one",
        _damaged(bench),
        frozenset({degraded(older), degraded(new), new}),
    )
    yield Scene("a stopped build", _stopped(bench), frozenset({old, new}))


def stop_at_every_step(
    bench: Bench, *, seeds: Sequence[int], every: int = 1, lossy: bool
) -> Outcome:
    """`every` says to try only each so many-th step, another first one for each scene."""
    outcome = Outcome("un-synced writes lost" if lossy else "stopped at every step")
    for shift, scene in enumerate(scenes(bench)):
        for seed in seeds:
            steps = _count_steps(bench, scene, seed)
            outcome.figures[f"steps, {scene.name}, seed {seed}"] = steps
            for number in range(1 + shift % every, steps + 1, every):
                place = f"{scene.name}, step {number} of {steps}, seed {seed}"
                with bench.copy_of(scene.template) as index:
                    hook = _losing(index, number, seed) if lossy else _plainly_stopping(number)
                    if _in_child(partial(_build, bench, index, hook, seed)) != _STOPPED:
                        outcome.faults.append(f"{place}: the child did not stop there")
                    judge(bench, scene, index, place, outcome, start_old=(number + seed) % 2 == 0)
    return outcome


def stop_at_random_times(bench: Bench, *, kills: int, lossy: bool, seed: int = 0) -> Outcome:
    """By SIGKILL; where un-synced writes are to be lost, by a timer in the process itself."""
    outcome = Outcome("random times, un-synced lost" if lossy else "SIGKILL at random times")
    chance = Random(seed)
    chosen = [(scene, _seconds_of_build(bench, scene)) for scene in scenes(bench)]
    finished = 0
    for number in range(kills):
        scene, longest = chosen[number % len(chosen)]
        seconds = chance.uniform(0.001, longest)
        with bench.copy_of(scene.template) as index:
            if lossy:
                ended = _in_child(partial(_build_for, bench, index, seconds, chance))
            else:
                ended = _killed_after(lambda: _build(bench, index, _ignore, 0), seconds)
            finished += ended == 0
            place = f"{scene.name}, kill {number} after {seconds:.3f} s"
            judge(bench, scene, index, place, outcome, start_old=number % 2 == 0)
    outcome.figures["ended before they were stopped"] = finished
    return outcome


def losses_without_sync(bench: Bench, *, folders: bool, every: int = 1) -> Outcome:
    """The trials on trial: a disk that never syncs its folders (or its files) is found out."""
    outcome = Outcome(f"self-check: a disk that never syncs {'folders' if folders else 'files'}")
    scene = next(scene for scene in scenes(bench) if scene.name == "two generations")
    steps = _count_steps(bench, scene, 0)
    found = 0
    for number in range(steps * 2 // 3, steps + 1, every):  # before, there is nothing to lose
        with bench.copy_of(scene.template) as index:
            cache = PageCache(index.parent)

            def remember(step: Step, cache: PageCache = cache) -> None:
                if step.kind is not StepKind.SYNC or step.path.is_dir() != folders:
                    cache(step)

            hook = _stopping(number, remember, partial(cache.lose, Random(number), Loss.ANY))
            _in_child(partial(_build, bench, index, hook, 0))
            found += bench.held(index) not in scene.allowed
            outcome.trials += 1
    outcome.figures["losses found"] = found
    if not found:
        outcome.faults.append("no loss was found: the trials prove nothing")
    return outcome


def judge(
    bench: Bench, scene: Scene, index: Path, place: str, outcome: Outcome, *, start_old: bool
) -> None:
    """Look at what is left, then start twice: with the corpus of the new version or an old one."""
    outcome.trials += 1
    found = bench.held(index)
    if found not in scene.allowed:
        outcome.faults.append(f"{place}: found {found}")
    outcome.count(f"{scene.name}: {found}")
    version = Version.OLD if start_old else Version.NEW
    for start in ("first", "second"):
        opened, seconds = bench.start(index, version)
        outcome.slowest_start_seconds = max(outcome.slowest_start_seconds, seconds)
        if opened.degraded or bench.held(index) != version:
            outcome.faults.append(f"{place}: {start} start: {opened.degraded}, {bench.held(index)}")
        if seconds > _SLOWEST_START_SECONDS:
            outcome.faults.append(f"{place}: {start} start took {seconds:.1f} s")
    if litter := litter_in(index):
        outcome.faults.append(f"{place}: left behind: {litter}")


# --- the builder -------------------------------------------------------------------------------


def _build(bench: Bench, index: Path, hook: Hook, seed: int) -> None:
    """Of the new version; with a checkpoint, so that unfinished work is written too."""
    disk = Disk(hook, block_bytes=_BLOCK_BYTES[seed % len(_BLOCK_BYTES)])
    build_index(
        bench.corpus(Version.NEW), index, embedder=bench.embedder, disk=disk, checkpoint_seconds=0
    )


def _build_for(bench: Bench, index: Path, seconds: float, chance: Random) -> None:
    """Until the time is up; then the power fails."""
    cache, loss = PageCache(index.parent), chance.choice(list(Loss))

    def fail(signal_number: int, frame: object) -> None:
        cache.lose(chance, loss)
        os._exit(_STOPPED)

    signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    _build(bench, index, cache, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


def _losing(index: Path, number: int, seed: int) -> Hook:
    cache, chance = PageCache(index.parent), Random(f"{seed} {number}")
    loss = list(Loss)[seed % len(Loss)]
    return _stopping(number, cache, partial(cache.lose, chance, loss))


def _plainly_stopping(number: int) -> Hook:
    return _stopping(number, _ignore, lambda: None)


def _stopping(number: int, otherwise: Hook, at_the_end: Callable[[], object]) -> Hook:
    """Ends the process in place of the step of that number."""
    numbers = count(1)

    def before(step: Step) -> None:
        if next(numbers) == number:
            at_the_end()
            os._exit(_STOPPED)
        otherwise(step)

    return before


def _ignore(step: Step) -> None:
    pass


def _count_steps(bench: Bench, scene: Scene, seed: int) -> int:
    steps: list[Step] = []
    with bench.copy_of(scene.template) as index:
        _build(bench, index, steps.append, seed)
    return len(steps)


def _seconds_of_build(bench: Bench, scene: Scene) -> float:
    with bench.copy_of(scene.template) as index:
        started = time.perf_counter()
        _in_child(lambda: _build(bench, index, _ignore, 0))
        return time.perf_counter() - started


# --- scenes that take some making --------------------------------------------------------------


def _damaged(bench: Bench) -> Path:
    place = bench.root / "templates" / "damaged" / "index"
    if not place.exists():
        with bench.copy_of(bench.template(Version.OLDER, Version.OLD)) as index:
            current = index / "generations" / (index / "CURRENT").read_text().strip()
            vectors = bytearray((current / "vectors.faiss").read_bytes())
            vectors[len(vectors) // 2] ^= 1
            (current / "vectors.faiss").write_bytes(vectors)
            place.parent.mkdir(parents=True)
            index.rename(place)
    return place


def _stopped(bench: Bench) -> Path:
    """A build was stopped just before the end, another one in the middle of a file."""
    place = bench.root / "templates" / "stopped" / "index"
    if not place.exists():
        with bench.copy_of(bench.template(Version.OLDER, Version.OLD)) as index:
            _in_child(lambda: _build(bench, index, _stopping_at_rename(2), 0))
            half = index / "generations" / "000009.building"
            half.mkdir()
            (half / "vectors.faiss").write_bytes(b"half")
            place.parent.mkdir(parents=True)
            index.rename(place)
    return place


def _stopping_at_rename(number: int) -> Hook:
    numbers = count(1)

    def before(step: Step) -> None:
        if step.kind is StepKind.RENAME and next(numbers) == number:
            os._exit(_STOPPED)

    return before


# --- children ----------------------------------------------------------------------------------


def _in_child(work: Callable[[], object]) -> int:
    """The exit status of a copy of this process that does the work."""
    return _status(_start_child(work))


def _killed_after(work: Callable[[], object], seconds: float) -> int:
    """0 when it ended before, else the signal's number, negative."""
    child = _start_child(work)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return _status(child)


def _start_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(1)


def _status(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
