"""The few things that `storage` does to a disk, each one step that can be interrupted.

Kept apart so that a test can put another object in its place, stop the program at each step in
turn, and lose what was not yet synced. POSIX: a folder is synced like a file, and a rename is
atomic.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class Disk:
    """Every change to an index folder. All raise OSError."""

    def make_folder(self, path: Path) -> None:
        """Its parents too; fine when it is already there."""
        path.mkdir(parents=True, exist_ok=True)

    def write_file(self, path: Path, data: bytes) -> None:
        """Whole contents; not durable before `sync_file`, and half there when interrupted."""
        path.write_bytes(data)

    def sync_file(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync_folder(self, path: Path) -> None:
        """Makes the names in the folder durable: files created, renamed or removed in it."""
        self.sync_file(path)

    def rename(self, old: Path, new: Path) -> None:
        """Atomic; a file at `new` is replaced."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """A file, or a folder with all that is in it."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
