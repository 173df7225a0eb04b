"""What the door lets in: requests that come whole, in time, and not too many at once."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import anyio.to_thread
import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.arrival import make_protocol
from qa_service.serving.library import Library

SECONDS = 0.4  # that headers and bodies may take here


@contextmanager
def running(app: FastAPI) -> Iterator[int]:
    protocol = make_protocol(admission=app.state.admission, seconds=SECONDS)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=protocol, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def port(chapter_index: Index) -> Iterator[int]:
    with running(create_app(Library(chapter_index), receive_seconds=SECONDS)) as port:
        yield port


def talk(port: int, *pieces: bytes) -> bytes:
    """What the server says until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(piece)
        said = b""
        while received := connection.recv(65536):
            said += received
        return said


def problem(said: bytes) -> tuple[int, str]:
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    value = json.loads(body)
    assert int(head.split()[1]) == value["status"]
    assert value["detail"]
    return value["status"], value["code"]


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "],
    ids=["nothing", "half a line", "half a header"],
)
def test_headers_that_do_not_come_are_given_up(port: int, begun: bytes) -> None:
    assert problem(talk(port, begun)) == (408, "request_timeout")


def test_a_second_request_that_does_not_come_whole_is_given_up(port: int) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    said = talk(port, whole, b"GET /heal")
    assert said.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408" in said


def test_a_body_that_does_not_come_to_its_end_is_408(port: int) -> None:
    head = b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    said = talk(port, head + b"Content-Length: 100\r\n\r\n", b'{"query": "')
    assert problem(said) == (408, "request_timeout")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
        + b"".join(b"X-%d: y\r\n" % n for n in range(9_000)),
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n",
    ],
    ids=["headers", "address"],
)
def test_too_much_before_the_body_is_431(port: int, head: bytes) -> None:
    assert problem(talk(port, head + b"\r\n")) == (431, "headers_too_large")


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x02\x00\x01\x00", b"hello\r\n\r\n"])
def test_what_is_no_http_is_400(port: int, said: bytes) -> None:
    assert problem(talk(port, said)) == (400, "bad_request")


def test_many_half_open_connections_keep_nobody_out(port: int) -> None:
    held = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(200)]
    for connection in held:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
    assert talk(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(
        b"HTTP/1.1 200"
    )
    for connection in held:
        assert connection.recv(65536).startswith(b"HTTP/1.1 408")
        connection.close()


@pytest.fixture
def busy_app(chapter_index: Index) -> tuple[FastAPI, threading.Event]:
    """Two places in the queue and one thread, which a request to /busy holds until it is let go."""
    app = create_app(Library(chapter_index), search_threads=1, queue_max=2)
    let_go = threading.Event()

    @app.get("/busy")
    async def hold(request: Request) -> str:
        limiter = request.app.state.search_limiter
        await anyio.to_thread.run_sync(let_go.wait, limiter=limiter)
        return "done"

    return app, let_go


def test_beyond_the_queue_requests_are_refused_at_once(
    busy_app: tuple[FastAPI, threading.Event],
) -> None:
    app, let_go = busy_app
    get = b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answers: list[bytes] = []
    with running(app) as port:
        waiting = [
            threading.Thread(target=lambda: answers.append(talk(port, get % b"/busy")))
            for _ in range(3)
        ]
        for thread in waiting:
            thread.start()
        while not app.state.admission.full:
            time.sleep(0.01)
        refused = talk(port, get % b"/v1/documents")
        healthy = talk(port, get % b"/healthz")
        let_go.set()
        for thread in waiting:
            thread.join()
        after = talk(port, get % b"/v1/documents")
    assert problem(refused) == (503, "overloaded")
    assert b"retry-after: 1" in refused.lower()
    assert healthy.startswith(b"HTTP/1.1 200")
    assert [answer.split()[1] for answer in answers] == [b"200"] * 3
    assert after.startswith(b"HTTP/1.1 200")


def test_behind_another_server_the_gate_refuses_the_same(
    busy_app: tuple[FastAPI, threading.Event],
) -> None:
    app, let_go = busy_app
    with TestClient(app) as client:
        waiting = [threading.Thread(target=client.get, args=("/busy",)) for _ in range(3)]
        for thread in waiting:
            thread.start()
        while not app.state.admission.full:
            time.sleep(0.01)
        refused: Any = client.get("/v1/documents")
        assert client.get("/readyz").status_code == 200
        let_go.set()
        for thread in waiting:
            thread.join()
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"
