"""Every change to an index folder, system call by system call. Nothing else writes there.

A `Disk` tells each step before it takes it, so that a test can stop the program there, refuse the
step, or keep account of what a power cut would lose. What the files mean is `publishing`'s.

POSIX: a rename is atomic; contents are durable once the file is synced, names once their folder is.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_BLOCK_BYTES = 8 << 20
# What file systems say that cannot sync a folder (SMB, some FUSE), or folders that may be written
# but not listed. The names in them become durable a little later, by themselves.
_CANNOT_SYNC_FOLDER = {errno.EINVAL, errno.ENOTSUP, errno.EACCES}


class StepKind(StrEnum):
    MAKE_FOLDER = "make folder"
    OPEN = "open"  # for writing: made, or emptied
    WRITE = "write"  # at the end
    SYNC = "sync"
    RENAME = "rename"
    REMOVE = "remove"  # one file, or one empty folder
    LOCK = "lock"  # made if need be


@dataclass(frozen=True, slots=True)
class Step:
    """What is about to be done; `data` is written, `target` is the name after a rename."""

    kind: StepKind
    path: Path
    data: bytes = b""
    target: Path | None = None


def _nothing(step: Step) -> None:
    pass


class Disk:
    """`before` is called before each step and may raise in its place. All methods raise OSError."""

    def __init__(
        self, before: Callable[[Step], None] = _nothing, *, block_bytes: int = _BLOCK_BYTES
    ) -> None:
        self._before = before
        self._block_bytes = block_bytes

    def make_folder(self, path: Path) -> None:
        """Its parents too; fine when it is already there. Those that were made are durable."""
        if path.is_dir():
            return
        self.make_folder(path.parent)
        self._before(Step(StepKind.MAKE_FOLDER, path))
        path.mkdir(exist_ok=True)
        self.sync_folder(path.parent)

    def write_file(self, path: Path, data: bytes) -> None:
        """Whole contents, durable at the end; the name is so after `sync_folder`."""
        self._before(Step(StepKind.OPEN, path))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            self._write(descriptor, path, data)
            self._before(Step(StepKind.SYNC, path))
            os.fsync(descriptor)
        except OSError as error:
            error.filename = error.filename or str(path)
            raise
        finally:
            os.close(descriptor)

    def sync_folder(self, path: Path) -> None:
        """Makes the names in the folder durable: files created, renamed or removed in it."""
        self._before(Step(StepKind.SYNC, path))
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC_FOLDER:
                raise

    def rename(self, old: Path, new: Path) -> None:
        """Atomic; a file at `new` is replaced."""
        self._before(Step(StepKind.RENAME, old, target=new))
        old.replace(new)

    def remove(self, path: Path) -> None:
        """A file, or a folder with all that is in it; links are not followed."""
        if path.is_dir() and not path.is_symlink():
            for entry in sorted(path.iterdir()):
                self.remove(entry)
            self._before(Step(StepKind.REMOVE, path))
            path.rmdir()
        else:
            self._before(Step(StepKind.REMOVE, path))
            path.unlink()

    @contextmanager
    def lock(self, path: Path) -> Iterator[None]:
        """Held to the end of the block or of the process, however that ends: it is the kernel's.
        The file says, for people, the holder's process id. BlockingIOError when another has it.
        """
        self._before(Step(StepKind.LOCK, path))
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            self._write(descriptor, path, f"{os.getpid()}\n".encode("ascii"))
            yield
        finally:
            os.close(descriptor)

    def _write(self, descriptor: int, path: Path, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            block = rest[: self._block_bytes]
            self._before(Step(StepKind.WRITE, path, bytes(block)))
            rest = rest[os.write(descriptor, block) :]
