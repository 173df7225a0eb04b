"""How many requests may come in: beyond that, a quick "come back later".

A request that would wait long is better refused at once: who is served is served soon, and who is not
can go elsewhere. Two things are counted: the queue before the threads that compute, and everything that
is under way, answers that are still being streamed and waits for a language model included.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from qa_service.serving.openai_errors import is_openai_path, openai_refusal
from qa_service.serving.problems import problem_response

RETRY_SECONDS = 1
EXEMPT = ("/healthz", "/readyz", "/metrics", "/assets/")

_CODE = "overloaded"
_DETAIL = "More is asked than this machine can answer just now. Try again in a second."


class Admission:
    """`queue_max` requests may wait for one of the limiter's threads, `requests_max` may be under
    way in all. `on_refusal` is called for each that is refused."""

    def __init__(
        self,
        limiter: anyio.CapacityLimiter,
        *,
        queue_max: int,
        requests_max: int,
        on_refusal: Callable[[], None],
    ) -> None:
        self._limiter = limiter
        self._queue_max = queue_max
        self._requests_max = requests_max
        self.on_refusal = on_refusal
        self.under_way = 0

    @property
    def full(self) -> bool:
        return (
            self.under_way >= self._requests_max
            or self._limiter.statistics().tasks_waiting >= self._queue_max
        )


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
            self._admission.on_refusal()
            await overloaded(scope["path"])(scope, receive, send)
            return
        self._admission.under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._admission.under_way -= 1


def overloaded(path: str) -> Response:
    headers = {"Retry-After": str(RETRY_SECONDS)}
    if is_openai_path(path):
        return openai_refusal(503, _CODE, _DETAIL, headers=headers)
    return problem_response(503, _CODE, _DETAIL, headers=headers)
