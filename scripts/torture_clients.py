"""Clients that load a served process, for the scripts that torture a server.

The clients are bare sockets, so that they cost little themselves: server and clients share the
machine's processors. Imports nothing of qa_service: what is measured is what another program sees.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field


def post(path: str, body: bytes, *, headers: str = "") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


SEARCH = post("/v1/search", json.dumps({"query": "日米合同委員会の目的", "top_k": 5}).encode())


# --- single requests ---------------------------------------------------------------------------


async def exchange(port: int, request: bytes, *, patience: float = 30.0) -> bytes:
    """One request on a connection of its own; what came back, empty when the connection broke."""
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request)
                return await response_of(reader)
            finally:
                await hang_up(writer)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return b""


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """At once, whatever is still to be sent."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


async def response_of(reader: asyncio.StreamReader) -> bytes:
    """The head and the body, which a length or chunks delimit."""
    head = await reader.readuntil(b"\r\n\r\n")
    if b"\r\ntransfer-encoding: chunked" in head.lower():
        body = b""
        while not body.endswith(b"0\r\n\r\n"):
            size = await reader.readuntil(b"\r\n")
            body += size + await reader.readexactly(int(size, 16) + 2)
        return head + body
    return head + await reader.readexactly(_length(head))


def status_of(said: bytes) -> str:
    return said[9:12].decode() or "none"


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


# --- load --------------------------------------------------------------------------------------


@dataclass
class Load:
    """What clients saw: seconds of served requests, seconds of refusals, other outcomes."""

    seconds: float = 0.0
    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    lost: int = 0

    @property
    def offered(self) -> int:
        return len(self.served) + len(self.refused) + self.lost

    @property
    def rate(self) -> float:
        """Served requests a second."""
        return len(self.served) / self.seconds

    def p99(self) -> float:
        return percentile(self.served, 99)

    def count(self, said: bytes, seconds: float) -> None:
        if said.startswith(b"HTTP/1.1 200"):
            self.served.append(seconds)
        elif said.startswith(b"HTTP/1.1 503") and b"\r\nretry-after:" in said.lower():
            self.refused.append(seconds)
        else:
            self.lost += 1


def percentile(values: list[float], rank: int) -> float:
    return statistics.quantiles(values, n=100)[rank - 1] if len(values) > 1 else 0.0


async def closed_loop(port: int, *, clients: int, seconds: float) -> Load:
    """Clients that ask, wait for the answer, and ask again, each on its own connection."""
    load, ended = Load(seconds), asyncio.Semaphore(0)
    end = time.perf_counter() + seconds

    def answered(client: _Client, said: bytes, took: float) -> None:
        load.count(said, took)
        if time.perf_counter() < end and not client.gone:
            client.ask()
        else:
            client.hang_up()
            ended.release()

    for client in [await _connect(port, answered) for _ in range(clients)]:
        client.ask()
    for _ in range(clients):
        await ended.acquire()
    return load


async def open_loop(
    port: int, *, rate: float, seconds: float, connections: int = 400, requests_each: int = 20
) -> Load:
    """Requests at a rate, whether or not those before are answered, as far as connections are free.

    A connection is given up and replaced after `requests_each`.
    """
    load, under_way = Load(seconds), 0
    idle: deque[_Client] = deque()
    begun = time.perf_counter()
    sent = 0

    def answered(client: _Client, said: bytes, took: float) -> None:
        nonlocal under_way
        under_way -= 1
        load.count(said, took)
        if client.asked >= requests_each:
            client.hang_up()
        idle.append(client)

    for _ in range(connections):
        idle.append(await _connect(port, answered))
    begun = time.perf_counter()
    while (now := time.perf_counter() - begun) < seconds:
        for _ in range(min(int(now * rate) - sent, len(idle), 50)):
            client = idle.popleft()
            if client.gone:
                client = await _connect(port, answered)
            sent += 1
            under_way += 1
            client.ask()
        await asyncio.sleep(0.0005)
    for _ in range(300):
        if not under_way:
            break
        await asyncio.sleep(0.1)
    load.lost += under_way
    for client in idle:
        client.hang_up()
    return load


Answered = Callable[["_Client", bytes, float], None]


class _Client(asyncio.Protocol):
    """Says to `answered` what came back, and after how long; nothing when the connection broke."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._started: float | None = None
        self.asked = 0
        self.gone = False

    def ask(self) -> None:
        assert self._transport is not None
        self._started = time.perf_counter()
        self.asked += 1
        self._transport.write(SEARCH)

    def hang_up(self) -> None:
        self.gone = True
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n") + 4
        if end < 4 or len(self._received) < end + _length(bytes(self._received[:end])):
            return
        said = bytes(self._received)
        self._received.clear()
        self.gone = self.gone or b"\r\nconnection: close" in said[:end].lower()
        self._say(said)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._say(b"")

    def _say(self, said: bytes) -> None:
        if self._started is not None:
            took, self._started = time.perf_counter() - self._started, None
            self._answered(self, said, took)


async def _connect(port: int, answered: Answered) -> _Client:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: _Client(answered), "127.0.0.1", port)
    return client
