"""The application around the routes: health, description, faults, a new index."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from qa_service import __version__
from qa_service.errors import IndexDamagedError
from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.service.library import Library


def test_lives(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_is_ready_and_says_with_what(client: TestClient, chapter_index: Index) -> None:
    assert client.get("/readyz").json() == {
        "status": "ready",
        "generation": chapter_index.generation,
        "documents": 1,
        "passages": len(chapter_index.passages),
        "embedder": "builtin",
        "degraded": [],
        "version": __version__,
    }


def test_the_description_loads_nothing_from_elsewhere(
    client: TestClient,
) -> None:
    response = client.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    page = response.text
    assert "POST /v1/search" in page
    for loading in ("http://", "https://", "src=", "<script", "@import"):
        assert loading not in page


def _operations(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_openapi_describes_every_route(client: TestClient) -> None:
    openapi = client.get("/openapi.json").json()
    operations = dict(_operations(openapi))
    assert operations.keys() >= {
        "POST /v1/search",
        "POST /v1/ask",
        "POST /v1/chat/completions",
        "GET /v1/models",
        "GET /v1/models/{id}",
        "GET /v1/documents",
        "GET /v1/documents/{id}",
        "GET /v1/documents/{id}/source",
        "GET /v1/passages/{id}",
        "GET /v1/passages/{id}/citation",
        "POST /v1/feedback",
        "GET /healthz",
        "GET /readyz",
    }
    assert all(operation["summary"] for operation in operations.values())
    search = operations["POST /v1/search"]
    assert search["responses"].keys() >= {"200", "400", "413", "415", "422", "503"}
    for status in ("400", "422"):
        assert search["responses"][status]["content"].keys() == {"application/problem+json"}
    schemas = openapi["components"]["schemas"]
    assert schemas["SearchRequest"]["examples"]
    assert schemas["SearchRequest"]["properties"]["top_k"]["maximum"] == 100


def test_openapi_examples_can_be_asked(client: TestClient) -> None:
    openapi = client.get("/openapi.json").json()
    for example in openapi["components"]["schemas"]["SearchRequest"]["examples"]:
        assert client.post("/v1/search", json=example).status_code == 200


@pytest.fixture
def broken_app(chapter_index: Index) -> FastAPI:
    """An application with two routes that fail: unforeseen, and with a fault of the index."""
    app = create_app(Library(chapter_index))

    @app.get("/unforeseen")
    async def fail() -> None:
        raise RuntimeError("secret /path/of/this/machine")

    @app.get("/damaged")
    async def fail_on_index() -> None:
        raise IndexDamagedError("/path/of/this/machine", "secret.faiss is damaged")

    return app


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/unforeseen", 500, "internal_error"), ("/damaged", 503, "index_damaged")],
)
def test_a_fault_inside_shows_nothing_of_the_inside(
    broken_app: FastAPI, path: str, status: int, code: str
) -> None:
    with TestClient(broken_app, raise_server_exceptions=False) as client:
        response = client.get(path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert response.headers["x-request-id"]
    assert not any(word in response.text for word in ("secret", "machine", "Traceback", "Error("))


def test_a_new_index_replaces_the_old_one_as_a_whole(chapter_index: Index) -> None:
    library = Library(chapter_index)
    shelf = library.shelf
    with TestClient(create_app(library)) as client:
        library.replace(dataclasses.replace(chapter_index, generation="next"))
        assert client.get("/readyz").json()["generation"] == "next"
    assert shelf.index is chapter_index  # a request under way keeps what it began with


def test_two_applications_share_nothing(chapter_index: Index) -> None:
    first, second = create_app(Library(chapter_index)), create_app(Library(chapter_index))
    assert first.state.library is not second.state.library
