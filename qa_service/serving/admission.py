"""How many requests may wait for the processor: beyond that, a quick "come back later".

A request that would wait long is better refused at once: who is served is served soon, and who is not
can go elsewhere. What counts is the queue before the threads that compute; requests that wait for a
language model are not in it.
"""

from __future__ import annotations

import json

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send

from qa_service.serving.problems import MEDIA_TYPE, problem_response

RETRY_SECONDS = 1
EXEMPT = ("/healthz", "/readyz", "/metrics", "/assets/")

_CODE = "overloaded"
_DETAIL = "More is asked than this machine can answer just now. Try again in a second."


class Admission:
    """`queue_max` requests may wait for one of the limiter's threads."""

    def __init__(self, limiter: anyio.CapacityLimiter, *, queue_max: int) -> None:
        self._limiter = limiter
        self._queue_max = queue_max
        self.refused = 0

    @property
    def full(self) -> bool:
        return self._limiter.statistics().tasks_waiting >= self._queue_max


class AdmissionGate:
    """Middleware: 503 with Retry-After while the queue is full, but not for EXEMPT paths."""

    def __init__(self, app: ASGIApp, *, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._admission.full and not _is_exempt(scope["path"]):
            self._admission.refused += 1
            refusal = problem_response(
                503, _CODE, _DETAIL, headers={"Retry-After": str(RETRY_SECONDS)}
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def refusal_bytes() -> bytes:
    """The same refusal as it goes over the wire, for who has not even parsed the request."""
    problem = {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": _DETAIL,
        "code": _CODE,
        "errors": [],
    }
    body = json.dumps(problem).encode()
    head = (
        "HTTP/1.1 503 Service Unavailable\r\n"
        f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
        f"Retry-After: {RETRY_SECONDS}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _is_exempt(path: str) -> bool:
    return path.startswith(EXEMPT)
