"""What the scripts that torture a server share: a served process, probes and the table of findings.

Imports nothing of qa_service: what is measured is what another program sees.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    probe: str
    wanted: str
    measured: str
    held: bool


Probe = Callable[[argparse.Namespace], Iterator[Finding]]


def report(probes: Mapping[str, Probe], names: Sequence[str], options: argparse.Namespace) -> int:
    """Prints a table, a line as soon as it is known; the exit status."""
    print("| probe | wanted | measured | |\n| --- | --- | --- | --- |")
    failed = 0
    for name in names:
        for finding in probes[name](options):
            failed += not finding.held
            mark = "holds" if finding.held else "**does not hold**"
            print(
                f"| {finding.probe} | {finding.wanted} | {finding.measured} | {mark} |", flush=True
            )
    return 1 if failed else 0


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def post(
        self, path: str, body: object, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, content, headers)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            kind = {"Content-Type": "application/json"}
            connection.request(method, path, body, {**kind, **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def memory_mb(self) -> float:
        return self._status("VmRSS")

    def memory_peak_mb(self) -> float:
        return self._status("VmHWM")

    def processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        user, system = fields.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024


@contextmanager
def serving(corpus: Path | None = None, **settings: str) -> Iterator[Server]:
    """`qa-service serve` on a free port, with an index of its own and its log, JSON, in a file; killed at
    the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        environment = {
            **os.environ,
            "QA_SERVICE_INDEX": f"{folder}/index",
            "QA_SERVICE_LOG_FORMAT": "json",
            **({"QA_SERVICE_CORPUS": str(corpus)} if corpus else {}),
            **{f"QA_SERVICE_{name.upper()}": value for name, value in settings.items()},
        }
        with log.open("wb") as out:
            command = [sys.executable, "-m", "qa_service", "serve", "--port", str(port)]
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        server = Server(port, process, log)
        try:
            _wait_until_ready(server)
            yield server
        finally:
            process.kill()
            process.wait()


def _wait_until_ready(server: Server) -> None:
    for _ in range(600):
        try:
            if server.request("GET", "/healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the server did not start:\n{server.log.read_text(encoding='utf-8')}")
