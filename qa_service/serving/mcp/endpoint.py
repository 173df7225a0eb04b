"""`/mcp`: the Model Context Protocol over streamable HTTP, in the application's process.

Every request stands alone (no sessions): nothing is kept for clients that went away, and any
process behind a load balancer answers any of them. The SDK is loaded by the first request, since it
takes longer than the rest of the start.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup, TaskStatus
from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from qa_service.retrieval.rerank import Reranking
from qa_service.serving.door.access import THIS_MACHINE
from qa_service.serving.observing.metrics import Metrics
from qa_service.serving.service.library import Library
from qa_service.serving.wire.problems import problem_response

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from qa_service.answering.generate import Generator


# What a browser must be let send: specification 2026-07-28, "Streamable HTTP", and those of before.
REQUEST_HEADERS = (
    "Mcp-Protocol-Version",
    "Mcp-Method",
    "Mcp-Name",
    "Mcp-Session-Id",
    "Last-Event-ID",
)


class McpEndpoint:
    """An ASGI application; answers while `running`. `origins` are the other hosts whose pages may
    ask, `*` for all."""

    def __init__(
        self,
        library: Library,
        *,
        generator: Generator | None,
        reranking: Reranking | None,
        limiter: anyio.CapacityLimiter,
        body_max_bytes: int,
        metrics: Metrics,
        origins: Collection[str] = (),
    ) -> None:
        self._library = library
        self._generator = generator
        self._reranking = reranking
        self._limiter = limiter
        self._body_max_bytes = body_max_bytes
        self._metrics = metrics
        self._origins = frozenset(origins)
        self._run: _Run | None = None

    def route(self) -> BaseRoute:
        return _NamedRoute("/mcp", self, methods=["POST"], include_in_schema=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The life of the application, in which requests come."""
        async with anyio.create_task_group() as tasks:
            self._run = _Run(tasks, anyio.Lock())
            yield
            self._run = None
            tasks.cancel_scope.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._may_ask(Headers(scope=scope).get("origin")):
            refusal = problem_response(
                403,
                "forbidden_origin",
                "Pages of this origin may not use /mcp. Have the origin added to the setting "
                "cors_origins, or let a program ask, which sends no Origin.",
            )
            await refusal(scope, receive, send)
            return
        manager = await self._started()
        await manager.handle_request(scope, receive, send)

    def _may_ask(self, origin: str | None) -> bool:
        """False for a page of a host that is not listed, which may have pointed its own name at this
        service (DNS rebinding). Browsers always say where a page that posts is from; programs send
        nothing."""
        if origin is None or origin in self._origins or "*" in self._origins:
            return True
        try:
            return urlsplit(origin).hostname in THIS_MACHINE
        except ValueError:  # http://[
            return False

    async def _started(self) -> StreamableHTTPSessionManager:
        run = self._run
        if run is None:
            raise RuntimeError("/mcp was asked outside of the application's lifespan")
        async with run.lock:
            if run.manager is None:
                manager = await anyio.to_thread.run_sync(self._make_manager)
                await run.tasks.start(_keep_running, manager)
                run.manager = manager
            return run.manager

    def _make_manager(self) -> StreamableHTTPSessionManager:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from qa_service.serving.mcp.server import create_mcp

        server = create_mcp(
            self._library,
            generator=self._generator,
            reranking=self._reranking,
            limiter=self._limiter,
            metrics=self._metrics,
        )
        return StreamableHTTPSessionManager(
            server, stateless=True, max_request_body_size=self._body_max_bytes
        )


class _NamedRoute(Route):
    """Puts itself into the scope as FastAPI's own routes do, for the log and the metrics."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self}


@dataclass
class _Run:
    """What is made for one life of the application; the SDK's manager cannot be used again."""

    tasks: TaskGroup
    lock: anyio.Lock
    manager: StreamableHTTPSessionManager | None = None


async def _keep_running(
    manager: StreamableHTTPSessionManager, *, task_status: TaskStatus[None]
) -> None:
    async with manager.run():
        task_status.started()
        await anyio.sleep_forever()
