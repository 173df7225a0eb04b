"""How an index lies on disk: generations that never change, and a pointer to the current one.

    index/CURRENT                     the id of the current generation, one line
    index/LOCK                        held by the process that builds; its process id
    index/generations/ID/             files, and manifest.json with the checksum of each
    index/generations/ID.building     being written, or left by a build that was stopped
    index/unfinished/                 vectors of a build that was stopped, to go on with

An id is a number that grows and the first half of the checksum of the manifest,
`000007-5fd924625f6ab16a`. So everything is covered by a checksum: the files by the manifest, the
manifest by the folder's name, and the pointer names a folder that exists or it is damaged.

Reading needs no lock and changes nothing. The only module that writes index files. What the files
mean is `index`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from qa_service.errors import (
    IndexBusyError,
    IndexDamagedError,
    IndexFaultError,
    IndexFormatError,
    IndexMissingError,
)
from qa_service.retrieval.disk import Disk
from qa_service.retrieval.manifest import MANIFEST_FILE, Manifest, file_record

_POINTER = "CURRENT"
_LOCK = "LOCK"
_GENERATIONS = "generations"
_UNFINISHED = "unfinished"
_OURS = {_POINTER, f"{_POINTER}.new", _LOCK, _GENERATIONS, _UNFINISHED}
_HARMLESS = {"README.md", ".gitignore", ".gitkeep", ".DS_Store"}

_ID = re.compile(r"(?P<number>\d{6,})-(?P<checksum>[0-9a-f]{16})")  # 000007-5fd924625f6ab16a
_LITTER = re.compile(r"\d{6,}(-[0-9a-f]{16})?\.(building|removed)")  # 000007.building
_REBUILD = "Run `qa-service index` to build it anew."
_ATTEMPTS = 3  # of reading, when a builder replaces the index meanwhile


@dataclass(frozen=True, slots=True)
class Stored:
    """A verified generation. `degraded` says, for people, why it is not the current one."""

    generation: str
    manifest: Manifest
    files: Mapping[str, bytes]
    degraded: tuple[str, ...] = ()


# --- reading -----------------------------------------------------------------------------------


def load_generation(index: Path, *, fallback: bool = True) -> Stored:
    """The current generation, every file verified; with `fallback`, the last good one instead
    when the current one is damaged.

    Raises IndexMissingError, IndexFormatError, or IndexDamagedError that names the file.
    """
    for _ in range(_ATTEMPTS):
        wanted = current_generation(index)
        try:
            return _read_current(index)
        except IndexDamagedError as error:
            if current_generation(index) == wanted:
                return _last_good(index, error) if fallback else _give_up(error)
    raise IndexBusyError(
        index, f"The index in {index} is replaced faster than it can be read. Try again."
    )


def current_generation(index: Path) -> str | None:
    """The id that the pointer names, without a look into the generation; None without a pointer
    that can be read. Cheap: one small file."""
    try:
        return _read_pointer(index)
    except IndexFaultError:
        return None


def read_manifest(index: Path) -> Manifest:
    """The current generation's manifest, verified; its files are only checked to be there, at
    their size. Raises as `load_generation` does."""
    folder = index / _GENERATIONS / _read_pointer(index)
    manifest = _read_manifest(index, folder)
    for name, record in manifest.files.items():
        try:
            found = (folder / name).stat().st_size
        except OSError as error:
            raise _damaged(index, folder / name, error.strerror or str(error)) from error
        if found != record.bytes:
            raise _damaged(index, folder / name, f"{found} bytes, not {record.bytes}")
    return manifest


def _read_current(index: Path) -> Stored:
    return _read_generation(index, _read_pointer(index))


def _last_good(index: Path, fault: IndexDamagedError) -> Stored:
    """The newest generation that is whole; `fault` when there is none."""
    wanted = current_generation(index)
    for generation in _complete(index):
        if generation == wanted:
            continue
        with suppress(IndexFaultError):
            stored = _read_generation(index, generation)
            note = f"{fault.message} Until then, the generation {generation} is used."
            return replace(stored, degraded=(note,))
    raise fault


def _give_up(fault: IndexDamagedError) -> Stored:
    raise fault


def _read_pointer(index: Path) -> str:
    pointer = index / _POINTER
    try:
        text = pointer.read_bytes().decode("ascii")
    except FileNotFoundError as error:
        raise _without_pointer(index) from error
    except NotADirectoryError as error:
        raise _foreign(index, "is a file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(index, pointer, str(error)) from error
    if not text.endswith("\n") or not _ID.fullmatch(text[:-1]):
        raise _damaged(index, pointer, "not the name of a generation")
    if not (index / _GENERATIONS / text[:-1]).is_dir():
        raise _damaged(index, pointer, f"names {text[:-1]}, which is not there")
    return text[:-1]


def _without_pointer(index: Path) -> IndexFaultError:
    """Nothing at all, someone else's folder, or an index that lost its pointer."""
    if _complete(index):
        return _damaged(index, index / _POINTER, "not there")
    strangers = _strangers(index)
    if strangers:
        return _foreign(index, f"holds {strangers[0]}")
    return IndexMissingError(
        index, f"There is no index in {index}. Run `qa-service index` to build it."
    )


def _read_generation(index: Path, generation: str) -> Stored:
    folder = index / _GENERATIONS / generation
    manifest = _read_manifest(index, folder)
    files = {name: _read_file(index, folder / name) for name in manifest.files}
    for name, record in manifest.files.items():
        found = file_record(files[name])
        if found.bytes != record.bytes:
            raise _damaged(index, folder / name, f"{found.bytes} bytes, not {record.bytes}")
        if found.sha256 != record.sha256:
            raise _damaged(index, folder / name, "its checksum is another")
    return Stored(generation, manifest, files)


def _read_manifest(index: Path, folder: Path) -> Manifest:
    path = folder / MANIFEST_FILE
    data = _read_file(index, path)
    if _checksum(data) != folder.name.partition("-")[2]:
        raise _damaged(index, path, "its checksum is another")
    return Manifest.from_json(data, path=path)


def _read_file(index: Path, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _damaged(index, path, error.strerror or str(error)) from error


def _complete(index: Path) -> list[str]:
    """Ids of the generations with a final name, newest first."""
    try:
        names = [entry.name for entry in (index / _GENERATIONS).iterdir()]
    except OSError:
        return []
    return sorted((name for name in names if _ID.fullmatch(name)), key=_number, reverse=True)


def _number(generation: str) -> int:
    return int(generation.partition("-")[0].partition(".")[0])


def _checksum(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()[:16]


# --- writing -----------------------------------------------------------------------------------


@contextmanager
def building(index: Path, *, disk: Disk | None = None) -> Iterator[Writer]:
    """The one writer of an index folder, which is made when it is not there.

    Raises IndexBusyError while another process builds there, IndexFormatError for a folder with
    something else in it (nothing is touched), IndexFaultError when it cannot be written.
    """
    disk = disk or Disk()
    with _translated(index):
        if index.exists() and not index.is_dir():
            raise _foreign(index, "is a file")
        if not _complete(index) and (strangers := _strangers(index)):
            raise _foreign(index, f"holds {strangers[0]}")
        disk.make_folder(index / _GENERATIONS)
        disk.sync_folder(index)
        disk.sync_folder(index.parent)
    with _locked(index):
        yield Writer(index, disk)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes one index folder; made by `building`. All methods raise IndexFaultError."""

    index: Path
    disk: Disk

    def publish(self, manifest: Manifest, files: Mapping[str, bytes]) -> str:
        """Write a new generation, make it the current one, and return its id.

        `manifest.files` is filled in here. Stopped at any moment, the index is as before or as
        after. The last good generation before this one is kept, all older ones are removed.
        """
        records = {name: file_record(data) for name, data in files.items()}
        with _translated(self.index):
            generation = self._write_generation(replace(manifest, files=records), files)
            self._point_to(generation)
            self.clean(unfinished=True)
        return generation

    def clean(self, *, unfinished: bool = False) -> None:
        """Remove what builds that were stopped left behind, and generations that nobody needs;
        with `unfinished`, the vectors kept for going on, too."""
        with _translated(self.index):
            keep = set(self._needed())
            for entry in sorted((self.index / _GENERATIONS).iterdir()):
                if _LITTER.fullmatch(entry.name):
                    self.disk.remove(entry)
                elif _ID.fullmatch(entry.name) and keep and entry.name not in keep:
                    removed = entry.with_name(f"{entry.name}.removed")
                    self.disk.rename(entry, removed)
                    self.disk.remove(removed)
            if (self.index / f"{_POINTER}.new").exists():
                self.disk.remove(self.index / f"{_POINTER}.new")
            if unfinished and (self.index / _UNFINISHED).exists():
                self.disk.remove(self.index / _UNFINISHED)

    def save_unfinished(self, key: str, data: bytes) -> None:
        """Keep something for the next build, under a `key` (letters, digits) that says for which;
        several may be saved under one."""
        folder = self.index / _UNFINISHED / key
        with _translated(self.index):
            self.disk.make_folder(folder)
            path = folder / f"{len(list(folder.iterdir())):06d}-{_checksum(data)}"
            self.disk.write_file(path, data)
            self.disk.sync_file(path)
            self.disk.sync_folder(folder)

    def read_unfinished(self, key: str) -> list[bytes]:
        """What was kept under `key` and is whole, in the order of saving."""
        folder = self.index / _UNFINISHED / key
        found = []
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            data = _read_file(self.index, path)
            if _checksum(data) == path.name.partition("-")[2]:
                found.append(data)
        return found

    def _write_generation(self, manifest: Manifest, files: Mapping[str, bytes]) -> str:
        """Files, then the manifest, then the final name: complete when it has that."""
        generations = self.index / _GENERATIONS
        numbers = [_number(name) for name in _complete(self.index)]
        number = f"{max(numbers, default=0) + 1:06d}"
        folder = generations / f"{number}.building"
        if folder.exists():
            self.disk.remove(folder)
        self.disk.make_folder(folder)
        for name, data in files.items():
            self._write_durably(folder / name, data)
        self.disk.sync_folder(folder)
        data = manifest.to_json()
        self._write_durably(folder / MANIFEST_FILE, data)
        self.disk.sync_folder(folder)
        generation = f"{number}-{_checksum(data)}"
        self.disk.rename(folder, generations / generation)
        self.disk.sync_folder(generations)
        return generation

    def _point_to(self, generation: str) -> None:
        new = self.index / f"{_POINTER}.new"
        self._write_durably(new, f"{generation}\n".encode("ascii"))
        self.disk.rename(new, self.index / _POINTER)
        self.disk.sync_folder(self.index)

    def _write_durably(self, path: Path, data: bytes) -> None:
        self.disk.write_file(path, data)
        self.disk.sync_file(path)

    def _needed(self) -> Iterator[str]:
        """The current generation, and the newest other one that is whole."""
        current = current_generation(self.index)
        if current:
            yield current
        for generation in _complete(self.index):
            if generation != current and _is_whole(self.index, generation):
                yield generation
                return


def _is_whole(index: Path, generation: str) -> bool:
    try:
        _read_generation(index, generation)
    except IndexFaultError:
        return False
    return True


@contextmanager
def _locked(index: Path) -> Iterator[None]:
    """The lock is the kernel's: it ends with the process, however that ends."""
    with _translated(index):
        descriptor = os.open(index / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            raise IndexBusyError(
                index,
                f"Another process ({holder or 'unknown'}) is building the index in {index}. Wait "
                "for it to end, or choose another folder.",
                file=_LOCK,
            ) from error
        with _translated(index):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _translated(index: Path) -> Iterator[None]:
    """A full disk, a read-only folder: said once, with what to do."""
    try:
        yield
    except OSError as error:
        raise IndexFaultError(
            index,
            f"The index in {index} cannot be written: {error.strerror or error}. What was there "
            "before is unchanged. Free space, or choose another folder.",
            file=Path(str(error.filename)).name if error.filename else None,
        ) from error


# --- faults ------------------------------------------------------------------------------------


def _strangers(index: Path) -> list[str]:
    """Names in the folder that no index has."""
    try:
        names = {entry.name for entry in index.iterdir()}
    except OSError:
        return []
    return sorted(names - _OURS - _HARMLESS)


def _foreign(index: Path, what: str) -> IndexFormatError:
    return IndexFormatError(
        index, f"{index} is not an index: it {what}. Choose an empty or a new folder."
    )


def _damaged(index: Path, path: Path, reason: str) -> IndexDamagedError:
    name = path.relative_to(index).as_posix()
    return IndexDamagedError(
        index, f"The index in {index} is damaged: {name} ({reason}). {_REBUILD}", file=name
    )
