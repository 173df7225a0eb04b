"""Run a real server at 70 % of its load for half an hour; nothing may fail, and nothing may grow.

    python scripts/torture_soak.py [--minutes 30] [--share 0.7]

Measures the peak with 8 clients, then sends requests at the share of it, searches and answers in turn,
and looks at the process every ten seconds. Server and client share the machine's processors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from torture_clients import SEARCH, closed_loop, response_of
from torture_server import Server, serving

_ANSWER_BODY = json.dumps({"question": "日米合同委員会の目的は何ですか"}).encode()
ANSWER = (
    b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(_ANSWER_BODY)
) + _ANSWER_BODY
_PAUSE_SECONDS = 10.0
_CLIENTS = 16


@dataclass
class Soak:
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    minutes: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)


async def soak(server: Server, *, rate: float, minutes: float) -> Soak:
    """Clients that keep their connections; each asks at its share of the rate, or as fast as it is
    answered."""
    found = Soak()
    begun = time.perf_counter()
    end = begun + minutes * 60

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        due = begun + number / rate
        while due < end:
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            started = time.perf_counter()
            writer.write(ANSWER if found.statuses.total() % 4 == 3 else SEARCH)
            said = await response_of(reader)
            found.seconds.append(time.perf_counter() - started)
            found.statuses[said[9:12].decode()] += 1
            due = max(due + _CLIENTS / rate, started)
        writer.close()

    async def watch() -> None:
        while (now := time.perf_counter()) < end:
            found.minutes.append((now - begun) / 60)
            found.memory_mb.append(server.memory_mb())
            found.files.append(sum(1 for _ in Path(f"/proc/{server.process.pid}/fd").iterdir()))
            await asyncio.sleep(_PAUSE_SECONDS)

    await asyncio.gather(watch(), *(client(number) for number in range(_CLIENTS)))
    return found


def report(found: Soak) -> bool:
    """Prints the figures; whether all hold. The first tenth is the warming up."""
    start = len(found.minutes) // 10
    slope = statistics.linear_regression(found.minutes[start:], found.memory_mb[start:]).slope
    percentiles = statistics.quantiles(found.seconds, n=100)
    errors = sum(count for status, count in found.statuses.items() if status != "200")
    files = found.files[start:]
    print(f"requests: {dict(found.statuses)}")
    print(
        f"median {percentiles[49] * 1000:.1f} ms, 99th percentile {percentiles[98] * 1000:.1f} ms"
    )
    print(
        f"memory: {found.memory_mb[0]:.0f} → {found.memory_mb[-1]:.0f} MB, {slope:+.3f} MB a minute"
    )
    print(f"open files: {min(files)} to {max(files)}, {found.files[-1]} at the end")
    return errors == 0 and slope < 1 and found.files[-1] <= files[0] + 20


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--share", type=float, default=0.7, help="of the peak")
    options = parser.parse_args()
    with serving() as server:
        peak = len(asyncio.run(closed_loop(server.port, clients=8, seconds=10)).served) / 10
        rate = peak * options.share
        print(f"peak {peak:.0f} searches a second; {rate:.0f} for {options.minutes:g} minutes")
        held = report(asyncio.run(soak(server, rate=rate, minutes=options.minutes)))
    print("holds" if held else "does not hold")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
