"""The index on disk: what is written is read, damage is found, strangers are left alone.

Power cuts, and all of it at full size, are `test_crash` and scripts/torture_storage.py.
"""

from __future__ import annotations

import errno
import json
import os
import random
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qa_service.errors import (
    IndexBusyError,
    IndexDamagedError,
    IndexFaultError,
    IndexFormatError,
    IndexMissingError,
)
from qa_service.retrieval.disk import Disk, Step, StepKind
from qa_service.retrieval.generations import (
    Stored,
    current_generation,
    load_generation,
    read_manifest,
)
from qa_service.retrieval.manifest import FORMAT, FORMAT_VERSION, EmbedderRecord, Manifest
from qa_service.retrieval.publishing import building, tidy

FILES = {"vectors.faiss": bytes(range(256)) * 8, "passages.jsonl": "{}\n日米\n".encode()}
MANIFEST = Manifest(
    format=FORMAT,
    format_version=FORMAT_VERSION,
    created=datetime(2026, 1, 1, tzinfo=UTC),
    program_version="1",
    recipe="r",
    embedder=EmbedderRecord("builtin", "f", 4, ""),
    piece_model="f",
    sources=(),
    passages=0,
    files={},
)


def publish(index: Path, content: str, *, disk: Disk | None = None) -> str:
    with building(index, disk=disk) as writer:
        return writer.publish(MANIFEST, {**FILES, "content": content.encode()})


def content_of(stored: Stored) -> str:
    """Which of the test's generations this is; its files must all be as written."""
    assert stored.files.keys() == {*FILES, "content"}
    assert all(stored.files[name] == data for name, data in FILES.items())
    return stored.files["content"].decode()


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def test_what_is_published_is_loaded(index: Path) -> None:
    generation = publish(index, "a")
    stored = load_generation(index)
    assert (stored.generation, content_of(stored), stored.degraded) == (generation, "a", ())
    assert current_generation(index) == generation
    assert read_manifest(index) == stored.manifest
    assert replace(stored.manifest, files={}) == MANIFEST


def test_the_one_before_is_kept_and_older_ones_are_removed(index: Path) -> None:
    published = [publish(index, content) for content in "abcd"]
    assert names(index / "generations") == set(published[-2:])
    assert names(index) == {"CURRENT", "LOCK", "generations"}


# --- a build that does not end ------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_disk_that_refuses(index: Path, code: int) -> None:
    def refuse(step: Step) -> None:
        if step.kind is StepKind.WRITE and step.path.name != "LOCK":
            raise OSError(code, os.strerror(code))

    publish(index, "old")
    with pytest.raises(IndexFaultError, match="cannot be written") as caught:
        publish(index, "new", disk=Disk(refuse))
    assert os.strerror(code) in caught.value.message
    assert caught.value.file == "vectors.faiss"
    assert content_of(load_generation(index)) == "old"
    assert names(index / "generations") == {load_generation(index).generation}


def test_an_interrupt_while_building_changes_nothing(index: Path) -> None:
    publish(index, "old")
    with pytest.raises(KeyboardInterrupt), building(index):
        raise KeyboardInterrupt
    assert content_of(load_generation(index)) == "old"
    publish(index, "new")  # the lock is free


def test_a_full_disk_keeps_nothing_of_what_did_not_fit(index: Path) -> None:
    def refuse(step: Step) -> None:
        if step.kind is StepKind.WRITE and step.path.name != "LOCK":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with building(index, disk=Disk(refuse)) as writer:
        with pytest.raises(IndexFaultError, match="No space left"):
            writer.save_unfinished("key", b"vectors")
        with pytest.raises(IndexFaultError, match="No space left"):
            writer.publish(MANIFEST, FILES)
    assert {path.name for path in index.rglob("*") if path.is_file()} == {"LOCK"}


def test_what_cannot_be_removed_is_no_reason_not_to_build(
    index: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(step: Step) -> None:
        if step.kind is StepKind.REMOVE:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(step.path))

    for content in "abc":
        publish(index, content, disk=Disk(refuse))
    assert content_of(load_generation(index)) == "c"
    assert "cannot remove" in caplog.text
    publish(index, "d")
    assert names(index) == {"CURRENT", "LOCK", "generations"}
    assert len(names(index / "generations")) == 2


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EACCES])
def test_a_folder_that_cannot_be_synced(
    index: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network share, or in a folder that may be written but not listed."""
    sync = os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    publish(index, "a")
    assert content_of(load_generation(index)) == "a"


def test_what_a_stopped_build_left_is_tidied_up(index: Path) -> None:
    published = [publish(index, content) for content in "ab"]
    with building(index) as writer:
        writer.save_unfinished("done", b"of no more use")
        writer.save_unfinished("other", b"of use")
    for name in ("000003.building", "000001-0123456789abcdef.removed"):
        (index / "generations" / name).mkdir()
        (index / "generations" / name / "vectors.faiss").write_bytes(b"half")
    (index / "CURRENT.new").write_bytes(b"0000")
    with building(index):
        tidy(index, finished="done")  # not now: another one builds
    assert (index / "CURRENT.new").exists()
    tidy(index, finished="done")
    assert names(index) == {"CURRENT", "LOCK", "generations", "unfinished"}
    assert names(index / "generations") == set(published)
    assert names(index / "unfinished") == {"other"}
    tidy(index, finished="other")
    assert names(index) == {"CURRENT", "LOCK", "generations"}


def test_a_folder_with_nothing_to_tidy_is_not_touched(index: Path) -> None:
    publish(index, "a")
    before = {path: path.stat().st_mtime_ns for path in (index, *index.rglob("*"))}
    tidy(index, finished="key")
    assert {path: path.stat().st_mtime_ns for path in (index, *index.rglob("*"))} == before


# --- damage ------------------------------------------------------------------------------------


def _flip(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]


def _truncate(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _extend(data: bytes, chance: random.Random) -> bytes:
    return data + chance.randbytes(3)


@pytest.mark.parametrize("file", [*FILES, "content", "manifest.json", "CURRENT"])
@pytest.mark.parametrize("damage", [_flip, _truncate, _extend])
def test_damage_is_found_and_named(
    index: Path, file: str, damage: Callable[[bytes, random.Random], bytes]
) -> None:
    publish(index, "old")
    generation = publish(index, "new")
    path = index / file if file == "CURRENT" else index / "generations" / generation / file
    whole = path.read_bytes()
    for seed in range(30):
        path.write_bytes(damage(whole, random.Random(seed)))
        with pytest.raises(IndexDamagedError) as caught:
            load_generation(index, fallback=False)
        assert caught.value.file == path.relative_to(index).as_posix()
        assert file in caught.value.message
        assert "qa-service index" in caught.value.message
        _assert_served_from_the_last_good(index, "new" if file == "CURRENT" else "old", file)


@pytest.mark.parametrize("file", [*FILES, "content", "manifest.json", "CURRENT"])
def test_a_missing_file_is_found_and_named(index: Path, file: str) -> None:
    publish(index, "old")
    generation = publish(index, "new")
    path = index / file if file == "CURRENT" else index / "generations" / generation / file
    path.unlink()
    with pytest.raises(IndexDamagedError) as caught:
        load_generation(index, fallback=False)
    assert caught.value.file == path.relative_to(index).as_posix()
    _assert_served_from_the_last_good(index, "new" if file == "CURRENT" else "old", file)


def _assert_served_from_the_last_good(index: Path, content: str, file: str) -> None:
    stored = load_generation(index)
    assert content_of(stored) == content
    assert file in stored.degraded[0]
    assert stored.generation in stored.degraded[0]


def test_nothing_good_is_left(index: Path) -> None:
    for content in ("old", "new"):
        path = index / "generations" / publish(index, content) / "content"
        path.write_bytes(b"x")
    with pytest.raises(IndexDamagedError) as caught:
        load_generation(index)
    assert caught.value.file == path.relative_to(index).as_posix()
    publish(index, "newest")
    assert content_of(load_generation(index)) == "newest"
    assert len(names(index / "generations")) == 1


def test_the_last_good_one_is_kept_rather_than_a_damaged_one(index: Path) -> None:
    good = publish(index, "good")
    (index / "generations" / publish(index, "bad") / "content").write_bytes(b"x")
    newest = publish(index, "newest")
    assert names(index / "generations") == {good, newest}


def test_sizes_are_checked_without_reading(index: Path) -> None:
    path = index / "generations" / publish(index, "a") / "content"
    path.write_bytes(b"longer than before")
    with pytest.raises(IndexDamagedError, match="content"):
        read_manifest(index)


def test_the_manifest_of_the_last_good_one(index: Path) -> None:
    with building(index) as writer:
        writer.publish(replace(MANIFEST, recipe="old"), FILES)
    generation = publish(index, "new")
    (index / "generations" / generation / "manifest.json").write_bytes(b"{}")
    with pytest.raises(IndexDamagedError, match=r"manifest\.json"):
        read_manifest(index)
    assert read_manifest(index, fallback=True).recipe == "old"


# --- other folders -----------------------------------------------------------------------------


def test_nothing_there(index: Path) -> None:
    for _ in range(2):
        with pytest.raises(IndexMissingError, match="qa-service index"):
            load_generation(index)
        assert current_generation(index) is None
        index.mkdir(exist_ok=True)
        (index / "README.md").write_text("Built indexes.")


def test_a_folder_with_something_else_is_left_alone(index: Path) -> None:
    index.mkdir()
    (index / "thesis.docx").write_bytes(b"years of work")
    for attempt in (lambda: load_generation(index), lambda: publish(index, "a")):
        with pytest.raises(IndexFormatError, match=r"thesis\.docx"):
            attempt()
    assert names(index) == {"thesis.docx"}


def test_a_file_in_place_of_the_folder(index: Path) -> None:
    index.write_text("text")
    for attempt in (lambda: load_generation(index), lambda: publish(index, "a")):
        with pytest.raises(IndexFormatError, match="is a file"):
            attempt()
    assert index.read_text() == "text"


def test_strangers_beside_an_index_are_left_alone(index: Path) -> None:
    publish(index, "a")
    (index / "notes.txt").write_text("mine")
    (index / "generations" / "my-own").mkdir()
    for content in "bcd":
        publish(index, content)
    assert (index / "notes.txt").read_text() == "mine"
    assert (index / "generations" / "my-own").is_dir()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        pytest.param({"format_version": FORMAT_VERSION + 1}, "newer", id="newer"),
        pytest.param({"format_version": FORMAT_VERSION - 1}, "older", id="older"),
        pytest.param({"format": "another program"}, "not written by qa-service", id="foreign"),
    ],
)
def test_another_format(index: Path, change: Mapping[str, object], word: str) -> None:
    with building(index) as writer:
        writer.publish(replace(MANIFEST, **change), FILES)  # type: ignore[arg-type]
    with pytest.raises(IndexFormatError, match=word):
        load_generation(index)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"format": 1}'])
def test_a_manifest_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "generations" / "000001-0000000000000000" / "manifest.json"
    with pytest.raises(IndexDamagedError):
        Manifest.from_json(content, path=path)


def test_a_manifest_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    data = json.loads(MANIFEST.to_json())
    data["files"] = {"../../secret": {"bytes": 1, "sha256": "0"}}
    path = tmp_path / "generations" / "000001-0000000000000000" / "manifest.json"
    with pytest.raises(IndexDamagedError, match="outside"):
        Manifest.from_json(json.dumps(data).encode(), path=path)


# --- several at once ---------------------------------------------------------------------------


def test_two_builders(index: Path) -> None:
    with building(index) as writer:
        with pytest.raises(IndexBusyError, match=str(os.getpid())), building(index):
            pass
        writer.publish(MANIFEST, FILES)
    publish(index, "after")


def test_readers_while_the_index_is_replaced(index: Path) -> None:
    publish(index, "0")
    faults: list[BaseException] = []
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                stored = load_generation(index)
                assert not stored.degraded
                seen.add(content_of(stored))
            except BaseException as error:
                faults.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 25):
        publish(index, str(number))
    done.set()
    for reader in readers:
        reader.join()
    assert not faults
    assert len(seen) > 1


# --- unfinished work ---------------------------------------------------------------------------


def test_unfinished_work_is_found_again_until_something_is_published(index: Path) -> None:
    with building(index) as writer:
        for data in (b"one", b"two"):
            writer.save_unfinished("key", data)
        writer.save_unfinished("other", b"three")
    with building(index) as writer:
        writer.clean()
        assert writer.read_unfinished("key") == [b"one", b"two"]
        assert writer.read_unfinished("none") == []
        writer.publish(MANIFEST, FILES)
        assert writer.read_unfinished("key") == []
    assert names(index) == {"CURRENT", "LOCK", "generations"}


def test_unfinished_work_that_is_damaged_is_passed_over(index: Path) -> None:
    with building(index) as writer:
        for data in (b"one", b"two"):
            writer.save_unfinished("key", data)
        next(path for path in sorted((index / "unfinished" / "key").iterdir())).write_bytes(b"o")
        (index / "unfinished" / "key" / "000009-folder").mkdir()
        assert writer.read_unfinished("key") == [b"two"]
