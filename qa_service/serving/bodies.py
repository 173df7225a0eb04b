"""Bodies of requests: how large they may be, and how long they may take to arrive.

A body that is said to be too large is refused before any of it is read, one that turns out to be when
that much has come. Starlette's own limit (RequestBodyLimitMiddleware) knows neither the clock nor the
forms of this service's errors.
"""

from __future__ import annotations

import anyio
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimits:
    """Middleware: to whom reads a body beyond the limits, HTTPException 413 or 408 is raised.

    Who reads none, answers without; the connection then ends with the answer (see `arrival`).
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, seconds: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        too_large = declared.isdecimal() and int(declared) > self._max_bytes
        deadline = anyio.current_time() + self._seconds
        received = 0
        whole = False

        async def receive_within_limits() -> Message:
            nonlocal received, whole
            if whole:
                return await receive()
            if too_large:
                raise HTTPException(413)
            with anyio.move_on_after(max(deadline - anyio.current_time(), 0)):
                message = await receive()
                received += len(message.get("body", b""))
                if received > self._max_bytes:
                    raise HTTPException(413)
                whole = not message.get("more_body", False)
                return message
            raise HTTPException(408)

        await self._app(scope, receive_within_limits, send)
