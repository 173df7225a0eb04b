"""Work of a build that was stopped, kept for the next one to go on with.

Nothing depends on it: what is not whole is passed over.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qa_service.retrieval.disk import Disk
from qa_service.retrieval.layout import UNFINISHED, checksum_of_name, entries, short_checksum


@dataclass(frozen=True, slots=True)
class UnfinishedWork:
    """Of one index folder; only its builder (see `publishing`) writes it."""

    index: Path
    disk: Disk

    def save(self, key: str, data: bytes) -> None:
        """Under a `key` (letters, digits) that says for which build; several may have one key.
        Raises OSError."""
        folder = self._folder / key
        self.disk.make_folder(folder)
        path = folder / f"{len(entries(folder)):06d}-{short_checksum(data)}"
        try:
            self.disk.write_file(path, data)
        except OSError:
            with suppress(OSError):  # half of it would only fill the disk
                self.disk.remove(path)
            raise
        self.disk.sync_folder(folder)

    def read(self, key: str) -> list[bytes]:
        """What was kept under `key` and is whole, in the order of saving."""
        return [data for path in entries(self._folder / key) if (data := _read(path)) is not None]

    def kept(self, key: str | None = None) -> list[Path]:
        """What there is to remove: all that is under `key`, or everything."""
        keys = [entry.name for entry in entries(self._folder)]
        if key is None or set(keys) <= {key}:
            return [self._folder] if self._folder.exists() else []
        return [self._folder / key] if key in keys else []

    @property
    def _folder(self) -> Path:
        return self.index / UNFINISHED


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data if short_checksum(data) == checksum_of_name(path.name) else None
