"""Requests that come slowly, or not to their end: they are given up after a while.

`ArrivalProtocol` is uvicorn's own protocol with a clock for the headers; the body has its clock in
`BodyClock`, a middleware. Both exist because neither uvicorn nor Starlette has them.
"""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus

import anyio
import h11
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from qa_service.serving.admission import EXEMPT, Admission, refusal_bytes
from qa_service.serving.problems import problem_response

_HEAD_MAX_BYTES = 64 * 1024
_HEADERS_MAX = 200
_LINGER_SECONDS = 1.0
_GIVEN_UP = {
    400: ("bad_request", "This is no HTTP request that can be read."),
    408: ("request_timeout", "The request did not come to its end in time."),
    431: (
        "headers_too_large",
        "The address or the headers are too large: at most 64 kB and 200 headers.",
    ),
}
_EXEMPT_STARTS = tuple(f"{method} {path}".encode() for method in ("GET", "HEAD") for path in EXEMPT)


def make_protocol(*, admission: Admission, seconds: float) -> type[H11Protocol]:
    """For `uvicorn.Config(http=…)`: `seconds` is how long the headers of a request may take.

    While the queue is full a request is refused before it is parsed, which costs a tenth of parsing:
    that keeps the processor for those who are served.
    """
    refusal = refusal_bytes()

    class ArrivalProtocol(H11Protocol):
        _clock: asyncio.TimerHandle | None = None
        _given_up = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._start_clock()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_clock()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._given_up:
                return
            begins = self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]
            if begins and admission.full and not data.startswith(_EXEMPT_STARTS):
                admission.refused += 1
                self.transport.write(refusal)
                self.transport.close()
                return
            if self.conn.their_state is h11.IDLE and _is_too_large(
                self.conn.trailing_data[0] + data
            ):
                self._give_up(431)
                return
            super().data_received(data)
            if self.conn.their_state is h11.IDLE:  # its headers are not all there
                self._start_clock()
            else:
                self._stop_clock()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
                self._start_clock()  # the beginning of the next request has come already

        def send_400_response(self, msg: str) -> None:
            """Called while the error that says what is wrong is being handled."""
            error = sys.exc_info()[1]
            status = getattr(error, "error_status_hint", 400)
            self._give_up(status if status in _GIVEN_UP else 400)

        def _start_clock(self) -> None:
            if self._clock is None:
                self._clock = self.loop.call_later(seconds, self._headers_are_late)

        def _stop_clock(self) -> None:
            if self._clock is not None:
                self._clock.cancel()
                self._clock = None

        def _headers_are_late(self) -> None:
            self._clock = None
            if not self.transport.is_closing():
                self._give_up(408)

        def _give_up(self, status: int) -> None:
            code, detail = _GIVEN_UP[status]
            response = problem_response(status, code, detail)
            head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
            fields = b"".join(
                name + b": " + value + b"\r\n" for name, value in response.raw_headers
            )
            body = bytes(response.body)
            self._given_up = True
            self._stop_clock()
            self.transport.write(head + fields + b"connection: close\r\n\r\n" + body)
            # What the client still sends is read and dropped: closing at once would reset the
            # connection, and the client would not see why.
            if self.transport.can_write_eof():
                self.transport.write_eof()
            self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    return ArrivalProtocol


def _is_too_large(begun: bytes) -> bool:
    """Whether the head of a request, as far as it has come, is more than a client ever needs. h11 has
    a limit for heads that come in pieces alone."""
    head = begun.partition(b"\r\n\r\n")[0]
    return len(head) > _HEAD_MAX_BYTES or head.count(b"\n") > _HEADERS_MAX


class BodyClock:
    """Middleware: 408 for a body that has not come to its end after `seconds`."""

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        deadline = anyio.current_time() + self._seconds
        whole = False

        async def receive_in_time() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            with anyio.move_on_after(max(deadline - anyio.current_time(), 0)):
                message = await receive()
                whole = message["type"] != "http.request" or not message.get("more_body", False)
                return message
            raise HTTPException(408, headers={"Connection": "close"})

        await self._app(scope, receive_in_time, send)
