"""Writing an index folder: one builder at a time, a new generation as a whole or not at all.

Stopped at any moment, by a power cut too, the index is as before or as after. What is left behind
then is removed by the next builder, or by `tidy`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from qa_service.errors import IndexBusyError, IndexFaultError
from qa_service.retrieval.disk import Disk
from qa_service.retrieval.generations import current_generation, read_generation
from qa_service.retrieval.layout import (
    GENERATIONS,
    LOCK,
    NEW_POINTER,
    POINTER,
    complete_generations,
    foreign,
    generation_folder,
    generation_id,
    is_momentary,
    litter,
    next_number,
    strangers,
)
from qa_service.retrieval.manifest import MANIFEST_FILE, Manifest, file_record
from qa_service.retrieval.unfinished import UnfinishedWork

_log = logging.getLogger(__name__)

_GENERATIONS_KEPT = 2  # the current one, and the last good one before it


@contextmanager
def building(index: Path, *, disk: Disk | None = None) -> Iterator[Writer]:
    """The one writer of an index folder, which is made when it is not there.

    Raises IndexBusyError while another process builds there, IndexFormatError for a folder with
    something else in it (nothing is touched), IndexFaultError when it cannot be written.
    """
    disk = disk or Disk()
    with _translated(index):
        _refuse_foreign(index)
        disk.make_folder(index / GENERATIONS)
        disk.sync_folder(index)  # a builder that was stopped may have made it a moment ago
        disk.sync_folder(index.parent)
    with _locked(index, disk):
        yield Writer(index, disk)


def tidy(index: Path, *, finished: str) -> None:
    """Remove what builds that were stopped left behind in an index that needs no build, where that
    is possible now; `finished` is the key of unfinished work that is of no more use."""
    work = UnfinishedWork(index, Disk())
    surplus = len(complete_generations(index)) > _GENERATIONS_KEPT
    if not (surplus or litter(index) or work.kept(finished)):
        return
    with suppress(IndexFaultError), building(index) as writer:
        writer.clean(finished=finished)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes one index folder; made by `building`."""

    index: Path
    disk: Disk

    def publish(self, manifest: Manifest, files: Mapping[str, bytes]) -> str:
        """Write a new generation, make it the current one, and return its id.

        `manifest.files` is filled in here. The last good generation before this one is kept, all
        older ones are removed. Raises IndexFaultError.
        """
        records = {name: file_record(data) for name, data in files.items()}
        with _translated(self.index):
            generation = self._write_generation(replace(manifest, files=records), files)
            self._point_to(generation)
        self._remove(self._unfinished.kept())
        self.clean()
        return generation

    def clean(self, *, finished: str | None = None) -> None:
        """Remove what builds that were stopped left behind, generations that nobody needs, and
        unfinished work under the key `finished`. What cannot be removed stays, for the next time.
        """
        if finished is not None:
            self._remove(self._unfinished.kept(finished))
        self._remove(litter(self.index))
        keep = set(self._needed())
        surplus = [each for each in complete_generations(self.index) if each not in keep]
        for generation in surplus if keep else []:
            folder = generation_folder(self.index, generation)
            removed = folder.with_name(f"{generation}.removed")
            with _tolerated(folder):
                self.disk.rename(folder, removed)  # half of one never has the name of a whole
                self.disk.remove(removed)

    def save_unfinished(self, key: str, data: bytes) -> None:
        """Keep something for the next build, see `unfinished`. Raises IndexFaultError."""
        with _translated(self.index):
            self._unfinished.save(key, data)

    def read_unfinished(self, key: str) -> list[bytes]:
        return self._unfinished.read(key)

    @property
    def _unfinished(self) -> UnfinishedWork:
        return UnfinishedWork(self.index, self.disk)

    def _write_generation(self, manifest: Manifest, files: Mapping[str, bytes]) -> str:
        """Files, then the manifest, then the final name: complete when it has that."""
        number = next_number(self.index)
        folder = generation_folder(self.index, f"{number}.building")
        if folder.exists():
            self.disk.remove(folder)
        data = manifest.to_json()
        generation = generation_id(number, data)
        with self._removed_on_failure(folder):
            self.disk.make_folder(folder)
            for name, contents in files.items():
                self.disk.write_file(folder / name, contents)
            self.disk.write_file(folder / MANIFEST_FILE, data)
            self.disk.sync_folder(folder)
            self.disk.rename(folder, generation_folder(self.index, generation))
        self.disk.sync_folder(folder.parent)
        return generation

    def _point_to(self, generation: str) -> None:
        new = self.index / NEW_POINTER
        with self._removed_on_failure(new):
            self.disk.write_file(new, f"{generation}\n".encode("ascii"))
            self.disk.rename(new, self.index / POINTER)
        self.disk.sync_folder(self.index)

    @contextmanager
    def _removed_on_failure(self, path: Path) -> Iterator[None]:
        """A full disk is not to stay full of what did not fit."""
        try:
            yield
        except OSError:
            self._remove([path] if path.exists() else [])
            raise

    def _remove(self, paths: Iterable[Path]) -> None:
        for path in paths:
            with _tolerated(path):
                self.disk.remove(path)

    def _needed(self) -> Iterator[str]:
        """The current generation, and the newest other one that is whole."""
        current = current_generation(self.index)
        if current:
            yield current
        for generation in complete_generations(self.index):
            if generation == current:
                continue
            whole = _is_whole(self.index, generation)
            if whole is not False:
                yield generation
            if whole:
                return


def _is_whole(index: Path, generation: str) -> bool | None:
    """None where that cannot be told just now."""
    try:
        read_generation(index, generation)
    except IndexFaultError as error:
        return None if is_momentary(error.__cause__) else False
    return True


def _refuse_foreign(index: Path) -> None:
    if index.exists() and not index.is_dir():
        raise foreign(index, "is a file")
    if not complete_generations(index) and (others := strangers(index)):
        raise foreign(index, f"holds {others[0]}")


@contextmanager
def _locked(index: Path, disk: Disk) -> Iterator[None]:
    with ExitStack() as held:
        with _translated(index):
            try:
                held.enter_context(disk.lock(index / LOCK))
            except BlockingIOError as error:
                raise _busy(index) from error
        yield


def _busy(index: Path) -> IndexBusyError:
    try:
        holder = (index / LOCK).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        holder = ""
    return IndexBusyError(
        index,
        f"Another process ({holder or 'unknown'}) is building the index in {index}. Wait for it to "
        "end, or choose another folder.",
        file=LOCK,
    )


@contextmanager
def _translated(index: Path) -> Iterator[None]:
    """A full disk, a read-only folder: said once, with what to do."""
    try:
        yield
    except OSError as error:
        raise IndexFaultError(
            index,
            f"The index in {index} cannot be written: {error.strerror or error}. Nothing that was "
            "there before is lost. Free space, or choose another folder.",
            file=Path(str(error.filename)).name if error.filename else None,
        ) from error


@contextmanager
def _tolerated(path: Path) -> Iterator[None]:
    """What cannot be removed is no reason not to build."""
    try:
        yield
    except OSError as error:
        _log.warning("cannot remove %s: %s", path, error)
