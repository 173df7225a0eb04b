"""How many requests may come in: beyond that, a quick "come back later".

A request that would wait long is better refused at once: who is served is served soon, and who is not
can go elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa_service.serving.wire.openai_errors import refusal_response

RETRY_SECONDS = 1
EXEMPT = ("/healthz", "/readyz", "/metrics", "/assets/")

_CROWDED_SECONDS = 3.0
_CODE = "overloaded"
_DETAIL = "More is asked than this machine can answer just now. Try again in a second."


class Admission:
    """Of the requests that compute, `threads` are at it and `queue_max` may wait; `requests_max` may
    be under way in all, those that wait for a language model (`waiting_for_model`) and answers that
    are being streamed included. `count` is called for each that is refused.

    A crowd that comes at once finds the whole queue. While requests are being refused, and a little
    after, only one may wait for each thread: a queue that is never empty makes everybody wait and
    serves nobody more (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 10:5, 2012).
    """

    def __init__(
        self,
        *,
        threads: int,
        queue_max: int,
        requests_max: int,
        waiting_for_model: Callable[[], int],
        count: Callable[[], None],
    ) -> None:
        self._threads = threads
        self._queue_max = queue_max
        self._requests_max = requests_max
        self._waiting_for_model = waiting_for_model
        self._count = count
        self._crowded_until = 0.0
        self.under_way = 0
        self.on_their_way = 0  # let in by the protocol, and not yet under way

    @property
    def full(self) -> bool:
        return self._is_full(self.under_way)

    @property
    def full_soon(self) -> bool:
        return self._is_full(self.under_way + self.on_their_way)

    def refused(self) -> None:
        """Tells it that a request was sent away because it was `full`."""
        self._crowded_until = time.monotonic() + _CROWDED_SECONDS
        self._count()

    def _is_full(self, requests: int) -> bool:
        crowded = time.monotonic() < self._crowded_until
        queue = min(self._queue_max, self._threads) if crowded else self._queue_max
        computing = requests - self._waiting_for_model()
        return requests >= self._requests_max or computing >= self._threads + queue


class AdmissionGate:
    """Middleware: 503 with Retry-After while no more may come in, but not for EXEMPT paths."""

    def __init__(self, app: ASGIApp, *, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(EXEMPT):
            await self._app(scope, receive, send)
            return
        if self._admission.full:
            self._admission.refused()
            await overloaded(scope["path"])(scope, receive, send)
            return
        place = _Place(self._admission)

        async def send_and_leave(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                place.leave()  # who reads slowly keeps nobody out
            await send(message)

        try:
            await self._app(scope, receive, send_and_leave)
        finally:
            place.leave()


class _Place:
    """One of those under way, until it leaves."""

    def __init__(self, admission: Admission) -> None:
        self._admission: Admission | None = admission
        admission.under_way += 1

    def leave(self) -> None:
        if self._admission is not None:
            self._admission.under_way -= 1
            self._admission = None


def overloaded(path: str) -> Response:
    return refusal_response(path, 503, _CODE, _DETAIL, headers={"Retry-After": str(RETRY_SECONDS)})
