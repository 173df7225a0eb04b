"""Bodies of requests: how large they may be, how long they may take, and how much of them is kept,
in all and of one address.

A body is read before anything is done for it, so that a request takes part in the work only when it is
all there. What is said to be too large is refused before any of it is read, what turns out to be when
that much has come. Starlette's own limit (RequestBodyLimitMiddleware) knows no clock, keeps no count
over all requests, and answers in another form than this service.
"""

from __future__ import annotations

import re
from collections import Counter

import anyio
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa_service.serving.door.admission import overloaded
from qa_service.serving.wire.openai_errors import refusal_response

_HELD_BODIES_MAX = 64  # as many of the largest size may be in memory at once
_HELD_BY_ONE_MAX = 16  # of them from one address
_SMALL_BYTES = 16_000  # what any question fits into comes in beside the large ones
_VALUES_MAX = 10_000
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)  # "a, \"b\""


class BodyLimits:
    """Middleware: 413 and 408 for a body beyond the limits, 503 while too much is held of others.

    The connection ends with such an answer (see `arrival`): the rest of the body is not waited for.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, seconds: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._held_bytes = 0
        self._held_by = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        address = scope["client"][0] if scope.get("client") else ""
        try:
            refusal = await self._read(scope, receive, body, address)
            app = refusal or self._app
            await app(scope, _Replay(bytes(body), receive), send)
        except _GoneError:
            return
        finally:
            self._held_bytes -= len(body)
            self._held_by[address] -= len(body)
            if not self._held_by[address]:
                del self._held_by[address]

    async def _read(
        self, scope: Scope, receive: Receive, body: bytearray, address: str
    ) -> Response | None:
        """Fills `body`; what is answered instead of reading on."""
        path = scope["path"]
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            return _too_large(path)
        with anyio.move_on_after(self._seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _GoneError
                chunk = message.get("body", b"")
                body += chunk
                self._held_bytes += len(chunk)
                self._held_by[address] += len(chunk)
                if len(body) > self._max_bytes:
                    return _too_large(path)
                if self._is_too_much(len(body), address):
                    return overloaded(path)
                if not message.get("more_body", False):
                    return _too_many_values(path) if _is_crowded(body) else None
        return refusal_response(
            path, 408, "request_timeout", "The body did not come to its end in time. Send it again."
        )

    def _is_too_much(self, length: int, address: str) -> bool:
        by_one = self._held_by[address] > _HELD_BY_ONE_MAX * self._max_bytes
        return self._held_bytes > _HELD_BODIES_MAX * self._max_bytes or (
            by_one and length > _SMALL_BYTES
        )


class _GoneError(Exception):
    """The client left before its request was whole."""


class _Replay:
    """The `receive` of a request whose body has been read."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _is_crowded(body: bytearray) -> bool:
    """Whether a JSON text holds more values than any request has use for. Checking and complaining
    of each would take seconds, in which nobody is served."""
    return _values(body) > _VALUES_MAX and _values(_STRING.sub(b"", body)) > _VALUES_MAX


def _values(text: bytes | bytearray) -> int:
    """At most so many stand beside others in it; how deep they may stand is the parser's part."""
    return text.count(b",")


def _too_many_values(path: str) -> Response:
    return refusal_response(
        path,
        413,
        "body_too_large",
        f"The request holds more than {_VALUES_MAX:,} JSON values. Send fewer.",
    )


def _too_large(path: str) -> Response:
    return refusal_response(
        path,
        413,
        "body_too_large",
        "The request is too large. A question has at most 2,000 characters.",
    )
