"""Torture the door of a real server: slow and huge requests, overload, stops under load.

    python scripts/torture_door.py [--seconds 60] [--stops 50] [--only overload …]

Starts `qa-service serve` on a free port for each probe and prints a table of what was wanted and what
was measured. Server and clients share the machine's processors, and whatever else runs there: where
that matters the processor time that the server got stands beside.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import uvloop
from torture_clients import (
    SEARCH,
    Load,
    closed_loop,
    exchange,
    hang_up,
    open_loop,
    percentile,
    post,
    response_of,
    status_of,
)
from torture_server import Finding, Probe, Server, report, serving

HUGE = 150_000_000
HALF_OPEN = 1_000
DEAF = 40
DEADLINE_SECONDS = 15.0  # receive_timeout_seconds, and the margin of `server`
MODEL_SECONDS = 5

# Bodies that are no question, and the field that the answer names; QUERY stands for its name.
ODD_BODIES = {
    "330,000 values": (b'{"QUERY": "x", "history": [' + b"{}," * 330_000 + b"{}]}", ""),
    "100,000-deep nesting": (b'{"QUERY": ' + b"[" * 100_000, "QUERY"),
    "5,000-digit integer": (b'{"QUERY": "x", "top_k": ' + b"9" * 5_000 + b"}", "top_k"),
    "bad UTF-8": (b'{"QUERY": "\xff"}', "QUERY"),
    "lone surrogate": (b'{"QUERY": "\\ud800"}', "QUERY"),
    "NUL": (b'{"QUERY": "a\\u0000b"}', "QUERY"),
    "NaN": (b'{"QUERY": "x", "top_k": NaN}', "top_k"),
    "1e999": (b'{"QUERY": "x", "top_k": 1e999}', "top_k"),
    "true as a number": (b'{"QUERY": "x", "top_k": true}', "top_k"),
    "duplicate keys": (b'{"QUERY": "x", "QUERY": "y"}', "QUERY"),
}


# --- bodies ------------------------------------------------------------------------------------


def huge_bodies(options: argparse.Namespace) -> Iterator[Finding]:
    piece = b" " * 100_000
    plain = post("/v1/search", b"").partition(b"Content-Length")[0]
    ways = {
        "announced": (plain + b"Content-Length: %d\r\n\r\n" % HUGE, piece),
        "in chunks": (
            plain + b"Transfer-Encoding: chunked\r\n\r\n",
            b"%x\r\n" % len(piece) + piece + b"\r\n",
        ),
        "to no route": (
            plain.replace(b"/v1/search", b"/nowhere") + b"Content-Length: %d\r\n\r\n" % HUGE,
            piece,
        ),
    }
    with serving() as server:
        for name, (head, sent) in ways.items():
            before = server.memory_peak_mb()
            said = uvloop.run(_pour(server.port, head, sent, HUGE // len(piece)))
            grown = server.memory_peak_mb() - before
            yield Finding(
                f"150 MB body, {name}",
                "413, memory flat",
                f"{status_of(said)}, {grown:+.0f} MB at most",
                status_of(said) == "413" and grown < 20,
            )


async def _pour(port: int, head: bytes, piece: bytes, times: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(OSError):
        writer.write(head)
        for _ in range(times):
            writer.write(piece)
            await writer.drain()
    said = b""
    with suppress(OSError):
        said = await reader.read(65536)
    await hang_up(writer)
    return said


def slow_bodies(options: argparse.Namespace) -> Iterator[Finding]:
    with serving() as server:
        for name, whole in (
            ("half-sent body", SEARCH),
            ("half-sent body to no route", SEARCH.replace(b"/v1/search", b"/nowhere")),
        ):
            started = time.perf_counter()
            said = uvloop.run(exchange(server.port, whole[:-10], patience=60))
            measured = f"{status_of(said)} after {time.perf_counter() - started:.1f} s"
            yield Finding(name, "408", measured, status_of(said) == "408")
        seconds = uvloop.run(_dribble(server.port))
        yield Finding("a byte a second", "closed", f"after {seconds:.1f} s", seconds < 15)
        before = server.memory_peak_mb()
        statuses = uvloop.run(_hold_bodies(server.port))
        grown = server.memory_peak_mb() - before
        yield Finding(
            f"{HALF_OPEN:,} half-sent bodies of 1 MB",
            "408 or 503, memory bounded",
            f"{statuses}, {grown:+.0f} MB at most",
            set(statuses) <= {"408", "503"} and grown < 300,
        )


async def _dribble(port: int) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started = time.perf_counter()
    writer.write(SEARCH.partition(b"Content-Length")[0] + b"Content-Length: 100000\r\n\r\n")
    with suppress(OSError):
        while not reader.at_eof() and time.perf_counter() - started < 60:
            writer.write(b" ")
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(65536), 1)
    await hang_up(writer)
    return time.perf_counter() - started


async def _hold_bodies(port: int) -> dict[str, int]:
    head = SEARCH.partition(b"Content-Length")[0] + b"Content-Length: 999999\r\n\r\n"
    statuses: dict[str, int] = {}

    async def hold() -> None:
        said = await exchange(port, head + b" " * 990_000, patience=60)
        statuses[status_of(said)] = statuses.get(status_of(said), 0) + 1

    await asyncio.gather(*(hold() for _ in range(HALF_OPEN)))
    return statuses


# --- heads -------------------------------------------------------------------------------------


def half_sent_headers(options: argparse.Namespace) -> Iterator[Finding]:
    with serving() as server:
        alone, beside, held = uvloop.run(_beside_half_open(server.port, options.seconds))
    ratio = beside.p99() / alone.p99()
    yield Finding(
        f"{HALF_OPEN:,} half-sent headers for {options.seconds:.0f} s",
        "closed in 15 s",
        f"{len(held):,} opened, {max(held):.1f} s at most",
        max(held) <= 15,
    )
    yield Finding(
        "good clients meanwhile",
        "99th percentile ≤ 2×",
        f"{alone.p99() * 1000:.0f} → {beside.p99() * 1000:.0f} ms ({ratio:.1f}×)",
        ratio <= 2,
    )


async def _beside_half_open(port: int, seconds: float) -> tuple[Load, Load, list[float]]:
    """Good clients before and beside clients that open a new connection whenever one is closed."""
    held: list[float] = []
    alone = await closed_loop(port, clients=2, seconds=max(seconds / 4, 1))
    end = time.perf_counter() + seconds

    async def hold() -> None:
        while time.perf_counter() < end:
            started = time.perf_counter()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
            with suppress(OSError):
                await reader.read()
            await hang_up(writer)
            held.append(time.perf_counter() - started)

    holding = [asyncio.create_task(hold()) for _ in range(HALF_OPEN)]
    beside = await closed_loop(port, clients=2, seconds=seconds)
    await asyncio.gather(*holding)
    return alone, beside, held


def odd_requests(options: argparse.Namespace) -> Iterator[Finding]:
    many = b"".join(b"X-%d: y\r\n" % n for n in range(5_000))
    heads = {
        "5,000 headers": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + many + b"\r\n",
        "200 kB address": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    }
    with serving() as server:
        for name, request in heads.items():
            said = uvloop.run(exchange(server.port, request))
            yield Finding(name, "431", status_of(said), status_of(said) == "431")
        for path, query in (("/v1/search", "query"), ("/v1/ask", "question")):
            for name, (body, field) in ODD_BODIES.items():
                request = post(path, body.replace(b"QUERY", query.encode()))
                said = uvloop.run(exchange(server.port, request))
                named = _named_field(said)
                wanted = field.replace("QUERY", query)
                held = status_of(said).startswith("4") and named.split(".")[0] == wanted
                yield Finding(
                    f"{path}: {name}", f"4xx, {wanted}", f"{status_of(said)} {named}", held
                )


def _named_field(said: bytes) -> str:
    try:
        errors = json.loads(said.partition(b"\r\n\r\n")[2])["errors"]
    except (ValueError, KeyError):
        return ""
    return errors[0]["field"] if errors else ""


# --- clients that do not read ------------------------------------------------------------------


def deaf_clients(options: argparse.Namespace) -> Iterator[Finding]:
    """Clients that ask and ask and read nothing, while one that reads is answered."""
    large = post("/v1/search", json.dumps({"query": "日米同盟", "top_k": 100}).encode())
    with serving() as server, ExitStack() as stack:
        before = server.memory_peak_mb()
        deaf = [stack.enter_context(socket.socket()) for _ in range(DEAF)]
        for connection in deaf:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.setblocking(False)
            with suppress(OSError):
                connection.send(large * 120)
        begun = time.perf_counter()
        statuses = []
        while time.perf_counter() - begun < DEADLINE_SECONDS:
            statuses.append(status_of(uvloop.run(exchange(server.port, SEARCH))))
            time.sleep(0.2)
        gone = sum(map(_is_cut_off, deaf))
        grown = server.memory_peak_mb() - before
    served = statuses.count("200") / len(statuses)
    yield Finding(
        f"{DEAF} clients that read nothing", "good clients served", f"{served:.0%}", served > 0.9
    )
    yield Finding(
        "they themselves",
        f"cut off in {DEADLINE_SECONDS:.0f} s",
        f"{gone} of {DEAF}, {grown:+.0f} MB at most",
        gone == DEAF and grown < 100,
    )


def _is_cut_off(connection: socket.socket) -> bool:
    with suppress(BlockingIOError):
        try:
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass
        return True
    return False


# --- overload ----------------------------------------------------------------------------------


def overload(options: argparse.Namespace) -> Iterator[Finding]:
    """The peak is measured before and after, since what else the machine does changes meanwhile."""
    length = max(options.seconds / 6, 2)
    with serving() as server:

        def measure(work: Coroutine[None, None, Load]) -> tuple[Load, float]:
            begun = server.processor_seconds()
            return uvloop.run(work), server.processor_seconds() - begun

        measure(closed_loop(server.port, clients=8, seconds=2))
        before, used_before = measure(closed_loop(server.port, clients=8, seconds=length))
        flood, used = measure(
            open_loop(server.port, rate=10 * before.rate, seconds=options.seconds)
        )
        time.sleep(min(5, options.seconds))
        after, used_after = measure(closed_loop(server.port, clients=8, seconds=length))
    peak, p99 = (before.rate + after.rate) / 2, (before.p99() + after.p99()) / 2
    share, slower = flood.rate / peak, flood.p99() / p99
    by_processor = (before.rate + after.rate) * length / (used_before + used_after)
    efficiency = len(flood.served) / used / by_processor
    median, slowest = (percentile(flood.refused, rank) * 1000 for rank in (50, 99))
    yield Finding(
        f"{flood.offered / flood.seconds / peak:.1f}× of {peak:.0f}/s, {flood.seconds:.0f} s",
        "≥ 80 % of peak served",
        f"{share:.0%} ({used / flood.seconds:.2f} of a processor for the server, "
        f"{(used_before + used_after) / 2 / length:.2f} at the peak)",
        share >= 0.8,
    )
    yield Finding("by processor time", "≥ 80 %", f"{efficiency:.0%}", efficiency >= 0.8)
    yield Finding(
        "99th percentile of those",
        "≤ 2×",
        f"{p99 * 1000:.0f} → {flood.p99() * 1000:.0f} ms ({slower:.1f}×)",
        slower <= 2,
    )
    yield Finding(
        f"{len(flood.refused):,} refusals",
        "Retry-After, in ≤ 50 ms",
        f"median {median:.0f} ms, 99th percentile {slowest:.0f} ms",
        slowest <= 50,
    )
    yield Finding("neither", "0", str(flood.lost), flood.lost == 0)
    calm = after.p99() / before.p99()
    yield Finding("5 s after", "normal", f"99th percentile {calm:.1f}×", calm <= 2)


# --- stops -------------------------------------------------------------------------------------


@dataclass
class Stop:
    """What clients saw of a stop. Lost is a request that was sent whole, on a connection that stood,
    before the stop, and has no whole answer; `let_in` counts connections that were made a second
    after it."""

    answered: int = 0
    streams: int = 0
    lost: int = 0
    let_in: int = 0
    seconds: float = 0.0


def stops(options: argparse.Namespace) -> Iterator[Finding]:
    found = []
    for _ in range(options.stops):
        with model_stand_in() as address:
            seconds = str(MODEL_SECONDS)
            with serving(
                llm_base_url=address, llm_model="m", llm_timeout_seconds=seconds
            ) as server:
                found.append(uvloop.run(_stop_under_load(server)))
    answered, streams = sum(each.answered for each in found), sum(each.streams for each in found)
    lost, let_in = sum(each.lost for each in found), sum(each.let_in for each in found)
    slowest = max(each.seconds for each in found)
    yield Finding(
        f"SIGTERM under load, {options.stops} times",
        "no accepted request lost",
        f"{lost} lost, {answered:,} answered, {streams} of them streams that went on over the stop",
        lost == 0 and streams > 0,
    )
    yield Finding("connections a second later", "refused", f"{let_in} let in", let_in == 0)
    deadline = DEADLINE_SECONDS + MODEL_SECONDS
    yield Finding(
        "exit", f"≤ {deadline:.0f} s, the longest deadline", f"{slowest:.1f} s", slowest <= deadline
    )


async def _stop_under_load(server: Server) -> Stop:
    stop, stopped = Stop(), asyncio.Event()
    question = {"question": "日米合同委員会の目的は何ですか", "stream": True, "mode": "generated"}
    answer = post("/v1/ask", json.dumps(question).encode())
    clients = [
        *(_client(server.port, SEARCH, stop, stopped, stays=True) for _ in range(10)),
        *(_client(server.port, SEARCH, stop, stopped, stays=False) for _ in range(4)),
        *(_client(server.port, answer, stop, stopped, stays=True) for _ in range(4)),
    ]
    running = [asyncio.create_task(client) for client in clients]
    await asyncio.sleep(1.5)
    stopped.set()
    begun = time.perf_counter()
    server.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(1)
    if server.process.poll() is None:
        stop.let_in += bool(await exchange(server.port, SEARCH, patience=5))
    await asyncio.gather(*running)
    while server.process.poll() is None:
        await asyncio.sleep(0.02)
    stop.seconds = time.perf_counter() - begun
    return stop


async def _client(
    port: int, request: bytes, stop: Stop, stopped: asyncio.Event, *, stays: bool
) -> None:
    """Asks until the stop; on one connection, as far as the server lets it, or on many."""
    while not stopped.is_set():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        ended = False
        while not stopped.is_set() and not ended:
            writer.write(request)  # a small one: it is sent at once
            try:
                said = await response_of(reader)
            except (OSError, asyncio.IncompleteReadError):
                stop.lost += 1
                break
            whole = b"event: " not in said or b"event: done" in said
            stop.lost += not whole
            stop.answered += 1
            stop.streams += stopped.is_set() and b"event: done" in said
            ended = not stays or b"\r\nconnection: close" in said.lower()
        await hang_up(writer)


@contextmanager
def model_stand_in() -> Iterator[str]:
    """A language model that takes a second for a short answer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Model)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


class _Model(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._begin("application/json")
        self.wfile.write(b'{"object": "list", "data": []}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._begin("text/event-stream")
        with suppress(OSError):
            for word in (
                "日米",
                "合同",
                "委員会",
                "は、",
                "協議",
                "する",
                "機関",
                "である",
                "。[1]",
            ):
                self._say({"delta": {"content": word}, "finish_reason": None})
                time.sleep(0.1)
            self._say({"delta": {}, "finish_reason": "stop"})

    def _begin(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def _say(self, choice: dict[str, object]) -> None:
        chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, **choice}]}
        self.wfile.write(b"data: %s\n\n" % json.dumps(chunk).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


PROBES: dict[str, Probe] = {
    "body": huge_bodies,
    "half-body": slow_bodies,
    "deaf": deaf_clients,
    "headers": half_sent_headers,
    "odd": odd_requests,
    "overload": overload,
    "stops": stops,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="length of the overload and of the slow headers"
    )
    parser.add_argument("--stops", type=int, default=50, help="how often to stop it under load")
    parser.add_argument("--only", nargs="+", choices=PROBES, default=list(PROBES))
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors for server and clients, load {load:.1f} before\n")
    return report(PROBES, options.only, options)


if __name__ == "__main__":
    sys.exit(main())
