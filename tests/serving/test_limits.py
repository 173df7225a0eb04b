"""What the door lets in: requests that come whole, in time, and not too many at once."""

from __future__ import annotations

import json
import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import anyio
import anyio.to_thread
import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.door.admission import Admission
from qa_service.serving.door.arrival import make_protocol
from qa_service.serving.door.listening import ListeningServer
from qa_service.serving.service.library import Library

SECONDS = 0.4  # that headers and bodies may take here


@contextmanager
def running(app: FastAPI) -> Iterator[int]:
    with serving(app) as (port, _):
        yield port


@contextmanager
def serving(app: FastAPI) -> Iterator[tuple[int, ListeningServer]]:
    protocol = make_protocol(admission=app.state.admission, seconds=SECONDS)
    listener = socket.create_server(("127.0.0.1", 0))
    server = ListeningServer(uvicorn.Config(app, http=protocol, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1], server
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


@contextmanager
def connected(port: int, *, times: int = 1) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            for _ in range(times)
        ]


def answer(connection: socket.socket) -> bytes:
    """One response, whole; the connection may go on."""
    said = b""
    while True:
        head, end, body = said.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: ([0-9]+)", head.lower())
        if end and length is not None and len(body) == int(length[1]):
            return said
        received = connection.recv(65536)
        assert received, said
        said += received


def problem(said: bytes) -> tuple[int, str]:
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    value = json.loads(body)
    assert int(head.split()[1]) == value["status"]
    assert value["detail"]
    return value["status"], value["code"]


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "],
    ids=["nothing", "half a line", "half a header"],
)
def test_headers_that_do_not_come_are_given_up(port: int, begun: bytes) -> None:
    assert problem(talk(port, begun)) == (408, "request_timeout")


def test_a_second_request_that_does_not_come_whole_is_given_up(port: int) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    said = talk(port, whole, b"GET /heal")
    assert said.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408" in said


def test_a_body_that_does_not_come_to_its_end_is_408(port: int) -> None:
    head = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    said = talk(port, head + b"Content-Length: 100\r\n\r\n", b'{"query": "')
    assert problem(said) == (408, "request_timeout")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
        + b"".join(b"X-%d: y\r\n" % n for n in range(9_000)),
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n",
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
    assert talk(
        port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ).startswith(b"HTTP/1.1 200")
    for connection in held:
        assert connection.recv(65536).startswith(b"HTTP/1.1 408")
        connection.close()


def head(path: str, *fields: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *fields)
    return "\r\n".join((*lines, "", "")).encode()


@pytest.mark.parametrize("path", ["/v1/search", "/nowhere", "/healthz", "/mcp"])
@pytest.mark.parametrize(
    ("length", "body"),
    [
        ("Content-Length: 150000000", b""),
        ("Content-Length: 150000000", b" " * 200_000),
        ("Transfer-Encoding: chunked", b"f4241\r\n" + b" " * 1_000_001),
    ],
    ids=["announced", "announced and begun", "in chunks"],
)
def test_a_body_too_large_is_413_before_it_has_come(
    port: int, path: str, length: str, body: bytes
) -> None:
    assert problem(talk(port, head(path, length) + body)) == (413, "body_too_large")


def test_refusals_of_bodies_are_in_the_form_of_the_path(port: int) -> None:
    said = talk(port, head("/v1/chat/completions", "Content-Length: 150000000"))
    assert said.startswith(b"HTTP/1.1 413 ")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        pytest.param(head("/v1/search", "Content-Length: 150000000"), 413, id="413"),
        pytest.param(head("/v1/search", "Content-Length: 100"), 408, id="408"),
        pytest.param(b"GET /" + b"a" * 200_000, 431, id="431"),
        pytest.param(b"hello\r\n\r\n", 400, id="400"),
    ],
)
def test_who_sends_on_after_the_answer_is_not_listened_to(
    port: int, said: bytes, status: int
) -> None:
    with connected(port) as [connection]:
        connection.sendall(said)
        assert problem(answer(connection))[0] == status
        assert connection.recv(65536) == b""
        closed = False
        while not closed:
            try:
                connection.sendall(b" " * 1_000)
            except OSError:
                closed = True


def test_requests_that_come_together_are_all_answered(port: int) -> None:
    body = b'{"query": "2+2"}'
    ask = head("/v1/search", f"Content-Length: {len(body)}") + body
    with connected(port) as [connection]:
        connection.sendall(ask + ask[:-5])
        assert answer(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(ask[-5:])
        assert answer(connection).startswith(b"HTTP/1.1 200 ")


def test_what_is_no_body_after_all_is_400(port: int) -> None:
    said = talk(port, head("/v1/search", "Transfer-Encoding: chunked") + b"zz\r\n")
    assert problem(said) == (400, "bad_request")


def test_bodies_under_way_are_bounded_together(chapter_index: Index) -> None:
    size = 10_000
    app = create_app(
        Library(chapter_index), body_max_bytes=size, receive_seconds=SECONDS, queue_max=100
    )
    begun = head("/v1/search", f"Content-Length: {size}") + b" " * (size - 1)
    with running(app) as port, connected(port, times=80) as held:
        for connection in held:
            connection.sendall(begun)
        answers = [problem(answer(connection)) for connection in held]
    assert set(answers) == {(408, "request_timeout"), (503, "overloaded")}
    assert answers.count((408, "request_timeout")) == 64


def test_what_one_address_holds_leaves_room_for_small_bodies(chapter_index: Index) -> None:
    size = 100_000
    app = create_app(
        Library(chapter_index), body_max_bytes=size, receive_seconds=2.0, queue_max=100
    )
    begun = head("/v1/search", f"Content-Length: {size}") + b" " * (size - 1)
    question = json.dumps({"query": "日米同盟", "top_k": 1}).encode()
    whole = head("/v1/search", f"Content-Length: {len(question)}", "Connection: close") + question
    with running(app) as port, connected(port, times=30) as held:
        for connection in held:
            connection.sendall(begun)
        refused: list[socket.socket] = []
        while len(refused) < 30 - 16:
            refused = select.select(held, [], [], 1.0)[0]
        assert {problem(answer(connection)) for connection in refused} == {(503, "overloaded")}
        assert talk(port, whole).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions", "/mcp"])
def test_more_values_than_any_request_needs_are_refused(port: int, path: str) -> None:
    body = b'{"question": "x", "history": [' + b"{}," * 100_000 + b"{}]}"
    said = talk(port, head(path, f"Content-Length: {len(body)}", "Connection: close") + body)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"10,000 JSON values" in said


def test_commas_in_a_text_are_no_values(port: int) -> None:
    turns = [{"role": "user", "content": 'a, "b", \\" c,' * 1_200}] * 4
    body = json.dumps({"question": "日米同盟の意義は？", "history": turns}).encode()
    assert body.count(b",") > 10_000
    said = talk(port, head("/v1/ask", f"Content-Length: {len(body)}", "Connection: close") + body)
    assert said.startswith(b"HTTP/1.1 200 ")


def test_who_does_not_read_keeps_nobody_out_and_is_cut_off(chapter_index: Index) -> None:
    app = create_app(Library(chapter_index), receive_seconds=SECONDS, search_threads=1, queue_max=1)
    question = json.dumps({"query": "日米同盟", "top_k": 100}).encode()
    whole = head("/v1/search", f"Content-Length: {len(question)}") + question
    with serving(app) as (port, server), ExitStack() as stack:
        deaf = [stack.enter_context(socket.socket()) for _ in range(4)]
        for connection in deaf:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", port))
            connection.setblocking(False)
            with suppress(BlockingIOError):  # it does not listen any more
                for _ in range(200):
                    connection.send(whole)
        until = time.monotonic() + 20
        while server.server_state.connections:
            assert time.monotonic() < until, "they were left alone"
            time.sleep(0.05)
        said = b""
        while not said.startswith(b"HTTP/1.1 200 "):  # the crowd that it was is over soon
            assert time.monotonic() < until, said
            said = talk(
                port,
                head("/v1/search", f"Content-Length: {len(question)}", "Connection: close"),
                question,
            )
    assert app.state.admission.under_way == 0


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
    get = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
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


@contextmanager
def waiting_at(app: FastAPI, port: int, let_go: threading.Event) -> Iterator[None]:
    """As many requests to /busy as may come in; they are answered at the end."""
    busy = b"GET /busy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    threads = [threading.Thread(target=talk, args=(port, busy)) for _ in range(3)]
    for thread in threads:
        thread.start()
    while not app.state.admission.full:
        time.sleep(0.01)
    try:
        yield
    finally:
        let_go.set()
        for thread in threads:
            thread.join()


def test_a_refused_client_may_ask_again_on_its_connection(
    busy_app: tuple[FastAPI, threading.Event],
) -> None:
    app, let_go = busy_app
    body = b'{"query": "2+2"}'
    ask = head("/v1/search", f"Content-Length: {len(body)}") + body
    with running(app) as port, connected(port) as [connection]:
        with waiting_at(app, port, let_go):
            for _ in range(2):
                connection.sendall(ask)
                assert problem(answer(connection)) == (503, "overloaded")
        connection.sendall(ask)
        assert answer(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(head("/v1/search", "Content-Length: 9") + b"{", id="half a body"),
        pytest.param(head("/v1/search", "Transfer-Encoding: chunked") + b"0\r\n\r\n", id="chunks"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", id="HTTP/1.0"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT", id="more than one"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n" * 2 + b"\r\n1", id="lengths"),
        pytest.param(b"hello", id="nonsense"),
        pytest.param(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="HEAD"),
    ],
)
def test_a_refused_connection_ends_where_the_next_request_is_in_doubt(
    busy_app: tuple[FastAPI, threading.Event], request_: bytes
) -> None:
    app, let_go = busy_app
    with running(app) as port, waiting_at(app, port, let_go):
        said = talk(port, request_)
    assert problem(said) == (503, "overloaded")
    assert b"connection: close" in said.lower()


def test_refusals_are_in_the_form_of_the_path_and_counted(
    busy_app: tuple[FastAPI, threading.Event],
) -> None:
    app, let_go = busy_app
    with running(app) as port, waiting_at(app, port, let_go):
        said = talk(
            port, head("/v1/chat/completions", "Content-Length: 2", "Connection: close") + b"{}"
        )
        metrics = talk(
            port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
    assert said.startswith(b"HTTP/1.1 503 ")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == "overloaded"
    assert b"\nqa_service_refused_total 1.0\n" in metrics


def admission(*, waiting_for_model: int = 0) -> Admission:
    return Admission(
        threads=2,
        queue_max=6,
        requests_max=20,
        waiting_for_model=lambda: waiting_for_model,
        count=lambda: None,
    )


@pytest.mark.parametrize(
    ("under_way", "waiting_for_model", "full"),
    [(7, 0, False), (8, 0, True), (19, 12, False), (19, 11, True), (20, 20, True)],
)
def test_what_computes_and_what_is_under_way_are_bounded(
    under_way: int, waiting_for_model: int, full: bool
) -> None:
    door = admission(waiting_for_model=waiting_for_model)
    door.under_way = under_way
    assert door.full is full


def test_while_requests_are_refused_the_queue_is_short() -> None:
    door = admission()
    door.under_way = 4
    calm = door.full
    door.refused()
    crowded = door.full
    door.under_way = 3
    assert (calm, crowded, door.full) == (False, True, False)


def test_a_stop_ends_what_has_begun_and_lets_nobody_in(
    busy_app: tuple[FastAPI, threading.Event],
) -> None:
    app, let_go = busy_app
    with serving(app) as (port, server), connected(port, times=2) as [asked, silent]:
        asked.sendall(b"GET /busy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not app.state.admission.under_way:
            time.sleep(0.01)
        server.should_exit = True
        assert silent.recv(65536) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=10)
        let_go.set()
        said = answer(asked)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close" in said.lower()


def test_a_stop_answers_who_has_connected_and_was_not_heard_yet(chapter_index: Index) -> None:
    app = create_app(Library(chapter_index))
    held, let_go = threading.Event(), threading.Event()

    @app.get("/hold")
    async def hold() -> str:
        """Keeps the server from hearing anybody."""
        held.set()
        let_go.wait()
        return "done"

    get = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with serving(app) as (port, server), connected(port, times=2) as [first, early]:
        early.sendall(get % b"/healthz")
        assert answer(early).startswith(b"HTTP/1.1 200 ")
        first.sendall(get % b"/hold")
        held.wait()
        with connected(port, times=10) as late:
            for connection in (early, *late):
                connection.sendall(get % b"/healthz")
            server.should_exit = True
            time.sleep(
                0.2
            )  # the server finds both at the same moment: the stop and the connections
            let_go.set()
            for connection in (first, early, *late):
                assert answer(connection).startswith(b"HTTP/1.1 200 ")


def test_a_crowd_that_comes_at_once_is_taken_in_at_once(chapter_index: Index) -> None:
    app = create_app(Library(chapter_index))
    held, let_go = threading.Event(), threading.Event()

    @app.get("/hold")
    async def hold() -> int:
        """How many are connected a few turns of the loop after a time in which it heard nobody."""
        held.set()
        let_go.wait()
        for _ in range(10):
            await anyio.sleep(0)
        return len(server.server_state.connections)

    with serving(app) as (port, server), connected(port, times=1) as [first]:
        first.sendall(b"GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n")
        held.wait()
        with connected(port, times=60):
            let_go.set()
            assert answer(first).endswith(b"\r\n\r\n61")


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
