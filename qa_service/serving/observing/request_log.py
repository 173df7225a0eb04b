"""What the service says of itself while it runs: one line a request, with an id that the client gets.

JSON for machines or readable for people (structlog). A line names the route, never the address: a
question may stand in an address, and questions are nobody's business. They are logged only where
`log_questions` says so, by the routes.
"""

from __future__ import annotations

import logging
import re
import sys
import time
import uuid
from typing import Literal

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa_service.serving.observing.metrics import Metrics

REQUEST_ID = "X-Request-Id"

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")  # 7f3c9a, a UUID, an ULID
_LOGGED = ("method", "route", "status", "milliseconds")
_GONE = 499  # nginx's number for a client that left
_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])

_log = logging.getLogger(__name__)


def configure_logging(*, level: str, form: Literal["text", "json", "auto"] = "auto") -> None:
    """To standard error; `auto` is readable at a terminal, JSON elsewhere. The log records of other
    libraries come out in the same form."""
    readable = sys.stderr.isatty() if form == "auto" else form == "text"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=_LOGGED),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: list[structlog.typing.Processor] = (
        [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,  # others print local variables
            )
        ]
        if readable
        else [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Other libraries' debugging would write questions and answers.
    root.setLevel("INFO" if level == "debug" else level.upper())
    logging.getLogger("qa_service").setLevel(level.upper())
    for talkative in ("httpx2", "mcp", "httpx"):  # a line for each request
        logging.getLogger(talkative).setLevel(logging.WARNING)


class RequestLog:
    """Middleware: gives every request an id, logs it when it ends, and counts it."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        started = time.perf_counter()
        status = _GONE

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = id
            await send(message)

        scope[REQUEST_ID] = id  # for the answer to an unforeseen error, which is sent past this
        structlog.contextvars.bind_contextvars(request_id=id)
        self._metrics.began()
        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            status = 500
            _log.exception("unforeseen error")
            raise
        finally:
            seconds = time.perf_counter() - started
            method, route = _method(scope), route_of(scope)
            self._metrics.ended(method, route, status, seconds)
            line = {
                "method": method,
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
            }
            _log.info("request", extra=line)
            structlog.contextvars.unbind_contextvars("request_id")


def route_of(scope: Scope) -> str:
    """`/v1/documents/{id}`: the template, so that there are few; `other` for what has no route."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    if path:
        return str(path)
    return "/assets" if scope.get("path", "").startswith("/assets/") else "other"


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"
