"""The watch over the index on disk: a newer one is taken up, a damaged one told and left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import pytest
from starlette.testclient import TestClient

from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import build_index, load_index
from qa_service.serving.app import create_app
from qa_service.serving.service.index_watch import watch_for_newer_index
from qa_service.serving.service.library import Library


def _write(corpus: Path, name: str, text: str) -> None:
    corpus.mkdir(exist_ok=True)
    (corpus / name).write_text(text, encoding="utf-8")


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Library]:
    """A corpus of one text, and a library over its index."""
    corpus = tmp_path / "corpus"
    _write(corpus, "a.txt", "りんごは赤い。\n")
    embedder = load_embedder()
    build_index(corpus, tmp_path / "index", embedder=embedder)
    return corpus, Library(load_index(tmp_path / "index", embedder=embedder))


def watch_until(library: Library, done: Callable[[], bool]) -> None:
    """Run the watch until something has happened; fails after 20 seconds."""

    async def run() -> None:
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(
                    partial(watch_for_newer_index, library, seconds=0.01, retry_seconds=0.05)
                )
                while not done():
                    await anyio.sleep(0.01)
                tasks.cancel_scope.cancel()

    anyio.run(run)


def publish(corpus: Path, library: Library) -> str:
    """The generation of a newer index, of one text more, that the library does not know yet."""
    _write(corpus, "b.txt", "みかんは甘い。\n")
    index = library.shelf.index
    return build_index(corpus, index.path, embedder=index.embedder).generation


def readiness(library: Library) -> dict[str, object]:
    with TestClient(create_app(library)) as client:
        assert client.post("/v1/search", json={"query": "りんご"}).json()["results"]
        answer: dict[str, object] = client.get("/readyz").json()
        return answer


def test_takes_up_a_newer_index(small: tuple[Path, Library]) -> None:
    corpus, library = small
    newer = publish(corpus, library)
    watch_until(library, lambda: library.shelf.index.generation == newer)
    assert list(library.shelf.index.documents) == ["a", "b"]
    assert library.faults == ()


def test_keeps_the_old_index_when_the_newer_one_is_damaged(small: tuple[Path, Library]) -> None:
    corpus, library = small
    old = library.shelf.index
    newer = publish(corpus, library)
    file = old.path / "generations" / newer / "vectors.faiss"
    file.write_bytes(bytes(len(file.read_bytes())))
    watch_until(library, lambda: bool(library.faults))
    assert library.shelf.index is old
    answer = readiness(library)
    assert answer["status"] == "degraded"
    assert "index_damaged, vectors.faiss" in str(answer["degraded"])
    assert str(old.path) not in str(answer)


def test_a_newer_index_is_tried_again(small: tuple[Path, Library]) -> None:
    corpus, library = small
    newer = publish(corpus, library)
    file = library.shelf.index.path / "generations" / newer / "vectors.faiss"
    away = file.rename(corpus.parent / "away")
    watch_until(library, lambda: bool(library.faults))
    away.rename(file)
    watch_until(library, lambda: library.shelf.index.generation == newer)
    assert library.faults == ()


@pytest.mark.parametrize("name", ["CURRENT", "generations", "vectors.faiss", "passages.jsonl"])
def test_what_goes_missing_is_told_until_it_is_back(small: tuple[Path, Library], name: str) -> None:
    corpus, library = small
    (path,) = library.shelf.index.path.rglob(name)
    away = path.rename(corpus.parent / "away")
    watch_until(library, lambda: bool(library.faults))
    answer = readiness(library)
    assert answer["status"] == "degraded"
    assert ("CURRENT" if name == "generations" else name) in str(answer["degraded"])
    away.rename(path)
    watch_until(library, lambda: not library.faults)
    assert readiness(library)["status"] == "ready"


def test_an_index_that_is_gone_is_served_from_memory(small: tuple[Path, Library]) -> None:
    _, library = small
    shutil.rmtree(library.shelf.index.path)
    watch_until(library, lambda: bool(library.faults))
    assert "index_missing" in str(readiness(library)["degraded"])


def test_an_older_index_in_place_of_a_damaged_one_is_told(small: tuple[Path, Library]) -> None:
    corpus, library = small
    path = library.shelf.index.path
    newer = publish(corpus, library)
    (path / "generations" / newer / "passages.jsonl").write_bytes(b"x")
    answer = readiness(Library(load_index(path)))
    assert answer["generation"] == library.shelf.index.generation
    assert answer["status"] == "degraded"
    assert "passages.jsonl" in str(answer["degraded"])
    assert str(path) not in str(answer)
