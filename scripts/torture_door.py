"""Torture the door of a real server: slow and huge requests, overload, stops under load.

    python scripts/torture_door.py [--seconds 60] [--stops 50] [--only overload …]

Starts `qa-service serve` on a free port for each probe and prints a table of what was wanted and what
was measured. Server and clients share the machine's processors: say so with the figures. The clients
are bare sockets, so that they cost little themselves.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

BODY = json.dumps({"query": "日米合同委員会の目的", "top_k": 5}).encode()
SEARCH = (
    b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY
ODD_BODIES = {
    "100,000-deep nesting": b"[" * 100_000,
    "5,000-digit integer": b'{"query": "x", "top_k": ' + b"9" * 5_000 + b"}",
    "bad UTF-8": b'{"query": "\xff"}',
    "lone surrogate": b'{"query": "\\ud800"}',
    "NUL": b'{"query": "a\\u0000b"}',
    "NaN": b'{"query": "x", "top_k": NaN}',
    "1e999": b'{"query": "x", "top_k": 1e999}',
    "true as a number": b'{"query": "x", "top_k": true}',
    "duplicate keys": b'{"query": "x", "query": "y"}',
}


@dataclass(frozen=True)
class Finding:
    probe: str
    wanted: str
    measured: str
    held: bool


@dataclass
class Load:
    """What clients saw: seconds of served requests, seconds of refusals, other outcomes."""

    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    lost: int = 0

    def p99(self) -> float:
        return statistics.quantiles(self.served, n=100)[98] if len(self.served) > 1 else 0.0


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@contextmanager
def serving() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "qa_service", "serve", "--port", str(port)]
        process = subprocess.Popen(
            [*command, "--index", f"{folder}/index"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_ready(port)
            yield Server(port, process)
        finally:
            process.kill()
            process.wait()


def _wait_until_ready(port: int) -> None:
    for _ in range(600):
        try:
            said = asyncio.run(exchange(port, _get("/healthz")))
        except OSError:
            said = b""
        if said.startswith(b"HTTP/1.1 200"):
            return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()


async def exchange(
    port: int, request: bytes, *, patience: float = 30.0, source: str = "127.0.0.1"
) -> bytes:
    """One request on a connection of its own; what came back, empty when the connection broke."""
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(source, 0)
            )
            try:
                writer.write(request)
                return await response_of(reader)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return b""


async def response_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (
            int(line[15:])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    return head + await reader.readexactly(length)


# --- probes ------------------------------------------------------------------------------------


def huge_body(options: argparse.Namespace) -> Iterator[Finding]:
    with serving() as server:
        before = server.memory_mb()
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            head = SEARCH.partition(b"Content-Length")[0]
            connection.sendall(head + b"Content-Length: 150000000\r\n\r\n")
            said = b""
            with suppress(OSError):
                for _ in range(150):
                    connection.sendall(b" " * 1_000_000)
            with suppress(OSError):
                said = connection.recv(65536)
        grown = server.memory_mb() - before
        status = said.split()[1].decode() if said else "reset"
        yield Finding("150 MB body", "413, memory flat", f"{status}, +{grown:.0f} MB", grown < 20)


def half_sent_headers(options: argparse.Namespace) -> Iterator[Finding]:
    async def hold(port: int) -> float:
        started = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        await reader.read()
        writer.close()
        return time.perf_counter() - started

    async def probe(port: int) -> tuple[Load, Load, list[float]]:
        alone = await closed_loop(port, clients=2, seconds=options.seconds / 6)
        holding = [asyncio.create_task(hold(port)) for _ in range(1_000)]
        await asyncio.sleep(1)
        beside = await closed_loop(port, clients=2, seconds=min(options.seconds / 6, 8))
        return alone, beside, await asyncio.gather(*holding)

    with serving() as server:
        alone, beside, held = asyncio.run(probe(server.port))
    ratio = beside.p99() / alone.p99()
    yield Finding(
        "1,000 half-sent headers", "closed in 15 s", f"{max(held):.1f} s at most", max(held) <= 15
    )
    yield Finding(
        "good clients meanwhile",
        "99th percentile ≤ 2×",
        f"{alone.p99() * 1000:.0f} → {beside.p99() * 1000:.0f} ms ({ratio:.1f}×)",
        ratio <= 2,
    )


def half_sent_body(options: argparse.Namespace) -> Iterator[Finding]:
    with serving() as server:
        started = time.perf_counter()
        said = asyncio.run(exchange(server.port, SEARCH[:-10], patience=60))
        seconds = time.perf_counter() - started
    status = said.split()[1].decode() if said else "none"
    yield Finding("half-sent body", "408", f"{status} after {seconds:.1f} s", status == "408")


def odd_requests(options: argparse.Namespace) -> Iterator[Finding]:
    requests = {
        "5,000 headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
        + b"".join(b"X-%d: y\r\n" % n for n in range(5_000))
        + b"\r\n",
        "200 kB address": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    }
    for name, body in ODD_BODIES.items():
        head = SEARCH.partition(b"Content-Length")[0]
        requests[name] = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with serving() as server:
        for name, request in requests.items():
            said = asyncio.run(exchange(server.port, request))
            status = said.split()[1].decode() if said else "none"
            detail = ""
            if b"\r\n\r\n{" in said:
                detail = json.loads(said.partition(b"\r\n\r\n")[2])["detail"][:60]
            yield Finding(name, "4xx", f"{status} {detail}", status.startswith("4"))


def overload(options: argparse.Namespace) -> Iterator[Finding]:
    async def probe(port: int) -> tuple[Load, Load, float]:
        peak = await closed_loop(port, clients=8, seconds=options.seconds / 4)
        rate = len(peak.served) / (options.seconds / 4)
        flooded = await open_loop(port, rate=10 * rate, seconds=options.seconds)
        await asyncio.sleep(5)
        after = await closed_loop(port, clients=8, seconds=5)
        return peak, flooded, after.p99() / peak.p99()

    with serving() as server:
        peak, flooded, calm = asyncio.run(probe(server.port))
    at_peak = len(peak.served) / (options.seconds / 4)
    share = len(flooded.served) / options.seconds / at_peak
    slower = flooded.p99() / peak.p99()
    refusal = statistics.median(flooded.refused) * 1000 if flooded.refused else 0.0
    offered = (len(flooded.served) + len(flooded.refused) + flooded.lost) / options.seconds
    name = f"overload, {offered / at_peak:.1f}× of {at_peak:.0f}/s came to be sent"
    yield Finding(name, "≥ 80 % of peak served", f"{share:.0%}", share >= 0.8)
    yield Finding("their 99th percentile", "≤ 2×", f"{slower:.1f}×", slower <= 2)
    yield Finding("refusals", "in ≤ 50 ms", f"median {refusal:.1f} ms", refusal <= 50)
    yield Finding("lost or unanswered", "0", str(flooded.lost), flooded.lost == 0)
    yield Finding("5 s after", "normal", f"99th percentile {calm:.1f}×", calm <= 2)


def stops(options: argparse.Namespace) -> Iterator[Finding]:
    lost, slowest, answered = 0, 0.0, 0
    for _ in range(options.stops):
        with serving() as server:
            load, seconds = asyncio.run(_stop_under_load(server))
            lost, answered = lost + load.lost, answered + len(load.served)
            slowest = max(slowest, seconds)
    yield Finding(
        f"SIGTERM under load, {options.stops} times",
        "no accepted request lost",
        f"{lost} lost, {answered} answered",
        lost == 0,
    )
    yield Finding("exit after SIGTERM", "≤ longest deadline", f"{slowest:.1f} s", slowest <= 15)


async def _stop_under_load(server: Server) -> tuple[Load, float]:
    """Lost is a request that the server had read (it was sent whole, on a connection that answered
    before) and did not answer."""
    load, stopping = Load(), asyncio.Event()

    async def client() -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        except OSError:
            return
        while True:
            sent_after_stop = stopping.is_set()
            try:
                writer.write(SEARCH)
                await writer.drain()
                said = await response_of(reader)
            except (OSError, asyncio.IncompleteReadError) as error:
                read = isinstance(error, asyncio.IncompleteReadError) and error.partial
                if read or not (sent_after_stop or stopping.is_set()):
                    load.lost += 1
                return
            load.served.append(0.0)
            if b"connection: close" in said.lower():
                return

    clients = [asyncio.create_task(client()) for _ in range(16)]
    await asyncio.sleep(0.5)
    started = time.perf_counter()
    stopping.set()
    server.process.send_signal(signal.SIGTERM)
    await asyncio.gather(*clients)
    while server.process.poll() is None:
        await asyncio.sleep(0.02)
    return load, time.perf_counter() - started


# --- load --------------------------------------------------------------------------------------


async def closed_loop(port: int, *, clients: int, seconds: float) -> Load:
    """Clients that ask, wait for the answer, and ask again, each on its own connection."""
    load, end = Load(), time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            started = time.perf_counter()
            writer.write(SEARCH)
            said = await response_of(reader)
            _count(load, said, time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return load


async def open_loop(port: int, *, rate: float, seconds: float) -> Load:
    """Requests at a rate, whether or not those before are answered; 500 under way at most."""
    load, places, under_way = Load(), asyncio.Semaphore(500), set[asyncio.Task[None]]()
    begun = time.perf_counter()
    sent = 0

    async def one() -> None:
        started = time.perf_counter()
        # From many addresses: one has too few ports for so many connections a minute.
        said = await exchange(port, SEARCH, source=f"127.0.0.{sent % 200 + 2}")
        places.release()
        _count(load, said, time.perf_counter() - started)

    while (now := time.perf_counter() - begun) < seconds:
        if sent > now * rate:
            await asyncio.sleep(0.001)
            continue
        await places.acquire()
        task = asyncio.create_task(one())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        sent += 1
    await asyncio.gather(*under_way)
    return load


def _count(load: Load, said: bytes, seconds: float) -> None:
    if said.startswith(b"HTTP/1.1 200"):
        load.served.append(seconds)
    elif said.startswith(b"HTTP/1.1 503") and b"Retry-After" in said:
        load.refused.append(seconds)
    else:
        load.lost += 1


PROBES: dict[str, Callable[[argparse.Namespace], Iterator[Finding]]] = {
    "body": huge_body,
    "headers": half_sent_headers,
    "half-body": half_sent_body,
    "odd": odd_requests,
    "overload": overload,
    "stops": stops,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the overload")
    parser.add_argument("--stops", type=int, default=50, help="how often to stop it under load")
    parser.add_argument("--only", nargs="+", choices=PROBES, default=list(PROBES))
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    print("| probe | wanted | measured | |\n| --- | --- | --- | --- |")
    failed = 0
    for name in options.only:
        for finding in PROBES[name](options):
            failed += not finding.held
            mark = "holds" if finding.held else "**does not hold**"
            print(
                f"| {finding.probe} | {finding.wanted} | {finding.measured} | {mark} |", flush=True
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
