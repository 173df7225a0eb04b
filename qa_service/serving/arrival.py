"""Connections: requests that come slowly, too large in their heads, or when no more may come in.

`make_protocol` is uvicorn's own protocol with what neither uvicorn nor Starlette has: a clock and
bounds for the head of a request, refusals that cost next to nothing, an end for clients that go on
sending when they have their answer, and an end of the server at which nobody is cut off. Bodies have
their limits in `bodies`, for any server.
"""

from __future__ import annotations

import asyncio
import re
import sys
from http import HTTPStatus

import h11
from starlette.responses import Response
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

from qa_service.serving.admission import EXEMPT, Admission, overloaded
from qa_service.serving.problems import problem_response

_HEAD_MAX_BYTES = 64 * 1024
_HEADERS_MAX = 200
_LINGER_SECONDS = 2.0
_LAST_CALL_SECONDS = 0.2
_GIVEN_UP = {
    400: ("bad_request", "This is no HTTP request that can be read."),
    408: ("request_timeout", "The request did not come to its end in time."),
    431: (
        "headers_too_large",
        "The address or the headers are too large: at most 64 kB and 200 headers.",
    ),
}
_EXEMPT_STARTS = tuple(f"{method} {path}".encode() for method in ("GET", "HEAD") for path in EXEMPT)
_OPENAI_START = b"POST /v1/chat/"

# "content-length: 57" of a head in small letters
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*(?=\r\n)")


def make_protocol(*, admission: Admission, seconds: float) -> type[H11Protocol]:
    """For `uvicorn.Config(http=…)`: `seconds` is how long the head of a request may take.

    While no more may come in, a request is refused before it is parsed, which costs a tenth of
    parsing: that keeps the processor for those who are served.
    """
    refusal, openai_refusal = overloaded("/"), overloaded("/v1/chat/completions")

    class ArrivalProtocol(H11Protocol):
        _clock: asyncio.TimerHandle | None = None
        _leaving = False
        _stopping = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._start_clock()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_clock()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._leaving:
                return
            if self.conn.their_state is h11.IDLE:
                begun = self.conn.trailing_data[0]
                if not begun and admission.full and not data.startswith(_EXEMPT_STARTS):
                    self._refuse(data)
                    return
                if _is_too_large(begun + data):
                    self._give_up(431)
                    return
            super().data_received(data)
            if self.conn.their_state is h11.IDLE:  # its head is not all there
                self._start_clock()
            else:
                self._stop_clock()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.transport.is_closing():
                return
            if self.conn.their_state is h11.SEND_BODY:  # it has its answer, and sends on
                self._leave()
            elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
                self._start_clock()  # the beginning of the next request has come already

        def send_400_response(self, msg: str) -> None:
            """Called while the error that says what is wrong is being handled."""
            error = sys.exc_info()[1]
            status = getattr(error, "error_status_hint", 400)
            self._give_up(status if status in _GIVEN_UP else 400)

        def shutdown(self) -> None:
            """The server stops: who has asked is answered, and told that the connection ends; a
            request that is on its way may still come."""
            self._stopping = True
            if self._is_busy():
                self.cycle.default_headers = self.server_state.default_headers
                super().shutdown()
            else:
                self.loop.call_later(_LAST_CALL_SECONDS, self._close_unless_busy)

        def _close_unless_busy(self) -> None:
            if not self._is_busy():
                self.transport.close()

        def _is_busy(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _start_clock(self) -> None:
            if self._clock is None:
                self._clock = self.loop.call_later(seconds, self._head_is_late)

        def _stop_clock(self) -> None:
            if self._clock is not None:
                self._clock.cancel()
                self._clock = None

        def _head_is_late(self) -> None:
            self._clock = None
            if not self.transport.is_closing():
                self._give_up(408)

        def _refuse(self, data: bytes) -> None:
            admission.on_refusal()
            response = openai_refusal if data.startswith(_OPENAI_START) else refusal
            size = _whole_size(data)
            if size != len(data):
                self._leave(_as_bytes(response, close=True))
                return
            close = self._stopping or not _may_stay(data)
            self.transport.write(_as_bytes(response, close=close))
            self._stop_clock()
            self._unset_keepalive_if_required()
            if close:
                self.transport.close()
            else:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

        def _give_up(self, status: int) -> None:
            if self._is_busy() and self.cycle.response_started:
                self.transport.close()  # there is no place for another response
                return
            code, detail = _GIVEN_UP[status]
            self._leave(_as_bytes(problem_response(status, code, detail), close=True))

        def _leave(self, last_words: bytes = b"") -> None:
            """What the client still sends is dropped for a while: closing at once would reset the
            connection, and the client might not see what it was told."""
            self._leaving = True
            self._stop_clock()
            self._unset_keepalive_if_required()
            if self._is_busy():
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            self.transport.write(last_words)
            if self.transport.can_write_eof():
                self.transport.write_eof()
            self.flow.resume_reading()
            self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    return ArrivalProtocol


def _is_too_large(begun: bytes) -> bool:
    """Whether the head of a request, as far as it has come, is more than a client ever needs. h11 has
    a limit for heads that come in pieces alone."""
    head = begun.partition(b"\r\n\r\n")[0]
    return len(head) > _HEAD_MAX_BYTES or head.count(b"\n") > _HEADERS_MAX


def _whole_size(data: bytes) -> int | None:
    """How many bytes the request is that begins here; None where that takes more than a glance."""
    head, end, _ = data.partition(b"\r\n\r\n")
    fields = head.lower() + b"\r\n"
    lengths = _LENGTH.findall(fields)
    plain = b"transfer-encoding" not in fields and b"\n\n" not in fields
    if not end or not plain or len(lengths) > 1 or len(lengths) != fields.count(b"content-length"):
        return None
    return len(head) + len(end) + (int(lengths[0]) if lengths else 0)


def _may_stay(data: bytes) -> bool:
    head = data.partition(b"\r\n\r\n")[0].lower()
    return b" http/1.1\r\n" in head and b"\r\nconnection: close" not in head


def _as_bytes(response: Response, *, close: bool) -> bytes:
    """A response as it goes over the wire, for who has not even been parsed."""
    status = response.status_code
    fields = [*response.raw_headers, *([CLOSE_HEADER] if close else [])]
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
    return head + b"".join(b"%s: %s\r\n" % each for each in fields) + b"\r\n" + bytes(response.body)
