"""What many tests need: the repository's chapter, indexed once, for real."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from qa_service.retrieval.index import Index

REPOSITORY = Path(__file__).parent.parent


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


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see the defaults, whatever the environment of the person who runs them."""
    for name in tuple(os.environ):
        if name.startswith("QA_SERVICE_"):
            monkeypatch.delenv(name)
