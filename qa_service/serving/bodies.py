"""Bodies of requests: how large they may be, how long they may take, and how much of them is kept.

A body is read before anything is done for it, so that a request takes part in the work only when it is
all there. What is said to be too large is refused before any of it is read, what turns out to be when
that much has come. Starlette's own limit (RequestBodyLimitMiddleware) knows no clock, keeps no count
over all requests, and answers in another form than this service.
"""

from __future__ import annotations

import anyio
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa_service.serving.admission import overloaded
from qa_service.serving.openai_errors import refusal_response

_HELD_BODIES_MAX = 64  # as many of the largest size may be in memory at once


class BodyLimits:
    """Middleware: 413 and 408 for a body beyond the limits, 503 while too much is held of others.

    The connection ends with such an answer (see `arrival`): the rest of the body is not waited for.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, seconds: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        try:
            refusal = await self._read(scope, receive, body)
            app = refusal or self._app
            await app(scope, _Replay(bytes(body), receive), send)
        except _GoneError:
            return
        finally:
            self._held_bytes -= len(body)

    async def _read(self, scope: Scope, receive: Receive, body: bytearray) -> Response | None:
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
                if len(body) > self._max_bytes:
                    return _too_large(path)
                if self._held_bytes > _HELD_BODIES_MAX * self._max_bytes:
                    return overloaded(path)
                if not message.get("more_body", False):
                    return None
        return refusal_response(
            path, 408, "request_timeout", "The body did not come to its end in time. Send it again."
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


def _too_large(path: str) -> Response:
    return refusal_response(
        path,
        413,
        "body_too_large",
        "The request is too large. A question has at most 2,000 characters.",
    )
