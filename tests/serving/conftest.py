from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.service.library import Library


@pytest.fixture(scope="session")
def app(chapter_index: Index) -> FastAPI:
    return create_app(Library(chapter_index))


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client of the real application over the chapter; errors come back as responses."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def document_id(chapter_index: Index) -> str:
    return next(iter(chapter_index.documents))
