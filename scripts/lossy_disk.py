"""A model of what a disk keeps when the power fails: only what was synced is sure to be there.

`PageCache` is told each step of a `Disk` and keeps, beside the real folder, what is durable: contents
since the file's last sync, names since the folder's. `lose` then makes of the real folder one of the
many that a power cut could leave. Of what was not synced, each rename, each new name and each block
may or may not have reached the disk, in any order: that is all that POSIX promises.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from random import Random

from qa_service.retrieval.disk import Step, StepKind


class Loss(Enum):
    """Which changes of names that were not synced are lost."""

    ALL = "all"
    LATEST = "latest"  # as in a journal: those before a random one are there
    ANY = "any"  # each by itself


@dataclass
class _File:
    current: bytes = b""
    durable: bytes | None = None  # None: never synced

    def survivor(self, chance: Random) -> bytes:
        if self.current == self.durable:
            return self.current
        part = self.current[: chance.randint(0, len(self.current))]
        zeros = bytes(len(self.current))  # the length was written, the contents were not
        return chance.choice((b"", part, zeros, self.durable or b""))


@dataclass
class _Folder:
    durable: dict[str, _File | _Folder] = field(default_factory=dict)
    current: dict[str, _File | _Folder] = field(default_factory=dict)
    pending: list[_Change] = field(default_factory=list)  # to `durable`, in order

    def change(self, change: _Change) -> None:
        change.apply(self.current)
        self.pending.append(change)

    def sync(self) -> None:
        self.durable = dict(self.current)
        self.pending.clear()

    def survivors(self, chance: Random, loss: Loss) -> dict[str, _File | _Folder]:
        entries = dict(self.durable)
        kept = chance.randint(0, len(self.pending))
        for number, change in enumerate(self.pending):
            if (loss is Loss.LATEST and number < kept) or (
                loss is Loss.ANY and chance.random() < 0.5
            ):
                change.apply(entries)
        return entries


@dataclass(frozen=True)
class _Change:
    """`removed` and `added` happen together: a rename."""

    removed: str | None
    added: str | None
    node: _File | _Folder | None

    def apply(self, entries: dict[str, _File | _Folder]) -> None:
        if self.removed is not None:
            entries.pop(self.removed, None)
        if self.added is not None and self.node is not None:
            entries[self.added] = self.node


class PageCache:
    """Pass it to `Disk` as `before`; everything that is in `root` at the start is durable."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tree = _read(root)

    def __call__(self, step: Step) -> None:
        name, folder = step.path.name, self._parent(step.path)
        match step.kind:
            case StepKind.MAKE_FOLDER:
                folder.change(_Change(None, name, _Folder()))
            case StepKind.OPEN | StepKind.LOCK:
                self._open(folder, name)
            case StepKind.WRITE:
                file = folder.current[name]
                assert isinstance(file, _File)
                file.current += step.data
            case StepKind.SYNC:
                _sync(self._tree if step.path == self._root else folder.current[name])
            case StepKind.RENAME:
                assert step.target is not None
                assert step.target.parent == step.path.parent
                folder.change(_Change(name, step.target.name, folder.current[name]))
            case StepKind.REMOVE:
                folder.change(_Change(name, None, None))

    def lose(self, chance: Random, loss: Loss) -> None:
        """Make the real folder what a power cut leaves."""
        for entry in self._root.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        _write(self._tree, self._root, chance, loss)

    def _open(self, folder: _Folder, name: str) -> None:
        file = folder.current.get(name)
        if isinstance(file, _File):
            file.current = b""
        else:
            folder.change(_Change(None, name, _File()))

    def _parent(self, path: Path) -> _Folder:
        if path == self._root:
            return self._tree
        folder = self._tree
        for part in path.parent.relative_to(self._root).parts:
            found = folder.current[part]
            assert isinstance(found, _Folder)
            folder = found
        return folder


def _sync(node: _File | _Folder) -> None:
    if isinstance(node, _File):
        node.durable = node.current
    else:
        node.sync()


def _read(folder: Path) -> _Folder:
    entries = dict(_nodes(folder))
    return _Folder(durable=entries, current=dict(entries))


def _nodes(folder: Path) -> Iterator[tuple[str, _File | _Folder]]:
    for path in folder.iterdir():
        if path.is_dir():
            yield path.name, _read(path)
        else:
            data = path.read_bytes()
            yield path.name, _File(data, data)


def _write(tree: _Folder, folder: Path, chance: Random, loss: Loss) -> None:
    for name, node in tree.survivors(chance, loss).items():
        if isinstance(node, _File):
            (folder / name).write_bytes(node.survivor(chance))
        else:
            (folder / name).mkdir()
            _write(node, folder / name, chance, loss)
