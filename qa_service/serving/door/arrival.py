"""Connections: requests that come slowly, too large in their heads, or when no more may come in.

`make_protocol` is uvicorn's own protocol with what neither uvicorn nor Starlette has: a clock and
bounds for the head of a request, a clock for clients that do not read what they asked for, refusals
that cost next to nothing, an end for clients that go on sending when they have their answer, and an
end of the server at which nobody is cut off. Bodies have their limits in `bodies`, for any server.
"""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

import h11
from starlette.responses import Response
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

from qa_service.serving.door.admission import EXEMPT, Admission, overloaded
from qa_service.serving.wire.problems import problem_response

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

# "content-length: 57"; of heads in small letters, as the next
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*(?=\r\n)")
# "transfer-encoding: chunked", "connection: close", "content-length: +5", a line that ends in \n alone
_MORE_THAN_A_GLANCE = re.compile(
    rb"\r\n(?:transfer-encoding|connection:[ \t]*close|content-length(?!:[ \t]*[0-9]{1,9}[ \t]*\r\n))"
    rb"|[^\r]\n"
)


def make_protocol(*, admission: Admission, seconds: float) -> type[H11Protocol]:
    """For `uvicorn.Config(http=…)`: `seconds` is how long the head of a request may take, and how long
    what is sent may lie unread.

    While no more may come in, a request is refused before it is parsed, which costs a tenth of
    parsing: that keeps the processor for those who are served.
    """
    problem_refusal = _Refusal.of(overloaded("/"))
    openai_refusal = _Refusal.of(overloaded("/v1/chat/completions"))

    class ArrivalProtocol(H11Protocol):
        _clock: asyncio.TimerHandle | None = None
        _unread_clock: asyncio.TimerHandle | None = None
        _leaving = False
        _stopping = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._start_clock()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_clock()
            self._stop_unread_clock()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            """More lies unread than should: who does not read keeps memory, and a place."""
            super().pause_writing()
            self._unread_clock = self.loop.call_later(seconds, self.transport.abort)

        def resume_writing(self) -> None:
            self._stop_unread_clock()
            super().resume_writing()

        def timeout_keep_alive_handler(self) -> None:
            super().timeout_keep_alive_handler()
            # Closing waits until all is read, for ever.
            self.loop.call_later(_LINGER_SECONDS, self.transport.abort)

        def data_received(self, data: bytes) -> None:
            if self._leaving:
                return
            counts = False
            if self.conn.their_state is h11.IDLE:
                begun = self.conn.trailing_data[0]
                counts = not begun and not data.startswith(_EXEMPT_STARTS)
                if counts and admission.full_soon:
                    self._refuse(data)
                    return
                if _is_too_large(begun + data):
                    self._give_up(431)
                    return
            super().data_received(data)
            if counts:
                # Many may come in one turn of the loop. A whole request has a task by now, which makes
                # its first steps, and is under way, before this is called.
                admission.on_their_way += 1
                self.loop.call_soon(_has_come, admission)
            if self.conn.their_state is h11.IDLE:  # its head is not all there
                self._start_clock()
            elif self.conn.their_state is not h11.ERROR:  # else it was told to leave
                self._stop_clock()

        def on_response_complete(self) -> None:
            sends_on = self.conn.their_state is h11.SEND_BODY
            super().on_response_complete()  # begins with the next request, where it has come already
            if self.transport.is_closing():
                return
            if sends_on:  # it has its answer; the rest of its request is not waited for
                self._leave()
            elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
                self._start_clock()

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

        def _stop_unread_clock(self) -> None:
            if self._unread_clock is not None:
                self._unread_clock.cancel()
                self._unread_clock = None

        def _head_is_late(self) -> None:
            self._clock = None
            if not self.transport.is_closing():
                self._give_up(408)

        def _refuse(self, data: bytes) -> None:
            admission.refused()
            refusal = openai_refusal if data.startswith(_OPENAI_START) else problem_refusal
            if not _is_one_request(data) or self._stopping:
                self._leave(refusal.last)
                return
            self.transport.write(refusal.more)
            self._stop_clock()
            self._unset_keepalive_if_required()
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
            self._clock = self.loop.call_later(_LINGER_SECONDS, self.transport.abort)

    return ArrivalProtocol


def _has_come(admission: Admission) -> None:
    admission.on_their_way -= 1


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The same words for a connection that stays and for one that ends."""

    more: bytes
    last: bytes

    @classmethod
    def of(cls, response: Response) -> Self:
        return cls(_as_bytes(response, close=False), _as_bytes(response, close=True))


def _is_too_large(begun: bytes) -> bool:
    """Whether the head of a request, as far as it has come, is more than a client ever needs. h11 has
    a limit for heads that come in pieces alone."""
    head = begun.partition(b"\r\n\r\n")[0]
    return len(head) > _HEAD_MAX_BYTES or head.count(b"\n") > _HEADERS_MAX


def _is_one_request(data: bytes) -> bool:
    """Whether a glance shows these to be the bytes of one whole request, after whose refusal another
    may come on the same connection. In doubt not; nor after HEAD, which has an answer without body."""
    head, end, body = data.partition(b"\r\n\r\n")
    fields = head.lower() + b"\r\n"
    if (
        not end
        or fields.startswith(b"head ")
        or b" http/1.1\r\n" not in fields
        or _MORE_THAN_A_GLANCE.search(fields)
    ):
        return False
    lengths = _LENGTH.findall(fields)
    return len(lengths) <= 1 and len(body) == (int(lengths[0]) if lengths else 0)


def _as_bytes(response: Response, *, close: bool) -> bytes:
    """A response as it goes over the wire, for who has not even been parsed."""
    status = response.status_code
    fields = [*response.raw_headers, *([CLOSE_HEADER] if close else [])]
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
    return head + b"".join(b"%s: %s\r\n" % each for each in fields) + b"\r\n" + bytes(response.body)
