"""Reading an index folder: the current generation, every byte verified, or the last good one.

Needs no lock and changes nothing. What the files mean is `index`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from qa_service.errors import (
    IndexBusyError,
    IndexDamagedError,
    IndexFaultError,
    IndexMissingError,
)
from qa_service.retrieval.layout import (
    POINTER,
    checksum_of_name,
    complete_generations,
    damaged,
    foreign,
    generation_folder,
    is_generation_id,
    short_checksum,
    strangers,
)
from qa_service.retrieval.manifest import MANIFEST_FILE, Manifest, file_record

_ATTEMPTS = 3  # of reading, when a builder replaces the index meanwhile


@dataclass(frozen=True, slots=True)
class Stored:
    """A verified generation. `degraded` says why it is not the current one; it may be shown to
    anyone, so it names files without their folders."""

    generation: str
    manifest: Manifest
    files: Mapping[str, bytes]
    degraded: tuple[str, ...] = ()


def load_generation(index: Path, *, fallback: bool = True) -> Stored:
    """The current generation, every file verified; with `fallback`, the last good one instead
    when the current one is damaged.

    Raises IndexMissingError, IndexFormatError, or IndexDamagedError that names the file.
    """
    for _ in range(_ATTEMPTS):
        wanted = current_generation(index)
        try:
            return read_generation(index, read_pointer(index))
        except IndexDamagedError as error:
            if current_generation(index) == wanted:
                if fallback:
                    return _last_good(index, error)
                raise
    raise IndexBusyError(
        index, f"The index in {index} is replaced faster than it can be read. Try again."
    )


def read_pointer(index: Path) -> str:
    """The id that the pointer names, without a look into the generation. Cheap: one small file.
    Raises as `load_generation` does."""
    pointer = index / POINTER
    try:
        text = pointer.read_bytes().decode("ascii")
    except FileNotFoundError as error:
        raise _without_pointer(index) from error
    except NotADirectoryError as error:
        raise foreign(index, "is a file") from error
    except OSError as error:
        raise damaged(index, pointer, error) from error
    except UnicodeDecodeError as error:
        raise damaged(index, pointer, "not the name of a generation") from error
    generation = text[:-1]
    if not text.endswith("\n") or not is_generation_id(generation):
        raise damaged(index, pointer, "not the name of a generation")
    try:
        generation_folder(index, generation).stat()
    except FileNotFoundError as error:
        raise damaged(index, pointer, f"names {generation}, which is not there") from error
    except OSError as error:
        raise damaged(index, pointer, error) from error
    return generation


def current_generation(index: Path) -> str | None:
    """The same, or None when there is no pointer that can be read."""
    try:
        return read_pointer(index)
    except IndexFaultError:
        return None


def read_manifest(index: Path, *, fallback: bool = False) -> Manifest:
    """The current generation's manifest, verified; its files are only checked to be there, at
    their size. With `fallback`, that of the last good generation in place of a damaged one.

    Raises as `load_generation` does.
    """
    try:
        generation = read_pointer(index)
        manifest = _read_manifest(index, generation)
        check_sizes(index, generation, manifest)
    except IndexDamagedError as error:
        if fallback:
            return _last_good(index, error).manifest
        raise
    return manifest


def check_sizes(index: Path, generation: str, manifest: Manifest) -> None:
    """Cheap: nothing is read. Raises IndexDamagedError for a file that is gone, or longer or
    shorter than it was."""
    folder = generation_folder(index, generation)
    for name, record in manifest.files.items():
        try:
            found = (folder / name).stat().st_size
        except OSError as error:
            raise damaged(index, folder / name, error) from error
        if found != record.bytes:
            raise damaged(index, folder / name, f"{found} bytes, not {record.bytes}")


def read_generation(index: Path, generation: str) -> Stored:
    """One generation, current or not, every file verified. Raises as `load_generation` does."""
    folder = generation_folder(index, generation)
    manifest = _read_manifest(index, generation)
    files = {name: _read_file(index, folder / name) for name in manifest.files}
    for name, record in manifest.files.items():
        found = file_record(files[name])
        if found.bytes != record.bytes:
            raise damaged(index, folder / name, f"{found.bytes} bytes, not {record.bytes}")
        if found.sha256 != record.sha256:
            raise damaged(index, folder / name, "its checksum is another")
    return Stored(generation, manifest, files)


def _last_good(index: Path, fault: IndexDamagedError) -> Stored:
    """The newest generation that is whole; `fault` when there is none."""
    wanted = current_generation(index)
    for generation in complete_generations(index):
        if generation == wanted:
            continue
        with suppress(IndexFaultError):
            stored = read_generation(index, generation)
            file = Path(fault.file or "").name
            note = f"The newest index is damaged ({file}); the generation {generation} is served."
            return replace(stored, degraded=(note,))
    raise fault


def _without_pointer(index: Path) -> IndexFaultError:
    """Nothing at all, someone else's folder, or an index that lost its pointer."""
    if complete_generations(index):
        return damaged(index, index / POINTER, "not there")
    if others := strangers(index):
        return foreign(index, f"holds {others[0]}")
    return IndexMissingError(
        index, f"There is no index in {index}. Run `qa-service index` to build it."
    )


def _read_manifest(index: Path, generation: str) -> Manifest:
    path = generation_folder(index, generation) / MANIFEST_FILE
    data = _read_file(index, path)
    if short_checksum(data) != checksum_of_name(generation):
        raise damaged(index, path, "its checksum is another")
    return Manifest.from_json(data, path=path)


def _read_file(index: Path, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise damaged(index, path, error) from error
