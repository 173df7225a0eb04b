"""What many tests need: the repository's chapter, indexed once, for real."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings as hypothesis_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from qa_service.retrieval.index import Index

REPOSITORY = Path(__file__).parent.parent

hypothesis_settings.register_profile("untimed", deadline=None)  # a busy machine is no fault
hypothesis_settings.load_profile("untimed")


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def chapter_corpus() -> Path:
    """The corpus folder of the repository: read it, never write there."""
    return REPOSITORY / "corpus"


@pytest.fixture(scope="session")
def chapter_index(chapter_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Index:
    """The chapter's index, built with the built-in model and loaded from disk."""
    from qa_service.retrieval.embedding import load_embedder
    from qa_service.retrieval.index import build_index, load_index

    folder = tmp_path_factory.mktemp("chapter") / "index"
    embedder = load_embedder()
    build_index(chapter_corpus, folder, embedder=embedder)
    return load_index(folder, embedder=embedder)


@pytest.fixture(scope="session")
def serving() -> Callable[[FastAPI], AbstractContextManager[str]]:
    """`with serving(app) as url`: the application behind a socket, in a thread."""
    return _serving


@contextmanager
def _serving(app: FastAPI) -> Iterator[str]:
    import uvicorn

    from qa_service.serving.server import address, listen

    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield address(listener)
        finally:
            server.should_exit = True
            thread.join(timeout=30)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see the defaults, whatever the environment of the person who runs them."""
    for name in tuple(os.environ):
        if name.startswith("QA_SERVICE_"):
            monkeypatch.delenv(name)
