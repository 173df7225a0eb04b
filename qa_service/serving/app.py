"""The web application: routes, error forms and API description around one library.

`create_app` is pure: it opens no file and no socket, and two apps share nothing. Loading the index
and listening are the command line's work.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import anyio
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import Response
from fastapi.telemetry import TelemetryConfig
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from qa_service import __version__
from qa_service.feedback import FeedbackStore
from qa_service.retrieval.rerank import Reranking
from qa_service.serving.api import (
    ask_routes,
    document_routes,
    feedback_routes,
    health_routes,
    metrics_routes,
    search_routes,
)
from qa_service.serving.door.access import Access, AccessGate
from qa_service.serving.door.admission import Admission, AdmissionGate
from qa_service.serving.door.bodies import BodyLimits
from qa_service.serving.mcp import endpoint as mcp_endpoint
from qa_service.serving.observing.metrics import Metrics
from qa_service.serving.observing.request_log import RequestLog
from qa_service.serving.openai import chat_completions
from qa_service.serving.page import sign_in
from qa_service.serving.page.docs_page import render_docs
from qa_service.serving.page.pages import add_pages, html_response
from qa_service.serving.service.language_model import LanguageModel
from qa_service.serving.service.library import Library
from qa_service.serving.wire.event_stream import HEARTBEAT_SECONDS
from qa_service.serving.wire.problems import install_problem_handlers, with_problem_media_type
from qa_service.serving.wire.security_headers import SecurityHeaders

if TYPE_CHECKING:  # loading OpenAI's client takes longer than a search
    from qa_service.answering.generate import Generator

_DESCRIPTION = """\
Ask long official documents in your own language. Every passage comes with a citation: the printed
section number, the figure or table number, and the exact words in the source.

Offsets count Unicode code points of the source text (`/v1/documents/{id}/source`) from 0; the end
is exclusive. Errors are problem details (RFC 9457) with a `code`.

`/mcp` gives agents the same through the Model Context Protocol (streamable HTTP)."""

_CORS_HEADERS = ("Authorization", "Content-Type", "X-API-Key", "X-Request-Id")

Watcher = Callable[[Library], Coroutine[Any, Any, None]]


def create_app(
    library: Library,
    *,
    feedback: FeedbackStore | None = None,
    generator: Generator | None = None,
    reranking: Reranking | None = None,
    chat_footer: bool = False,
    search_threads: int = 4,
    queue_max: int = 32,
    requests_max: int = 256,
    body_max_bytes: int = 1_000_000,
    receive_seconds: float = 10.0,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    watch: Watcher | None = None,
    telemetry: TelemetryConfig | None = None,
    access: Access = Access(),
    cors_origins: Sequence[str] = (),
    docs: bool = True,
) -> FastAPI:
    """`feedback` keeps readers' verdicts (None keeps none), `generator` is the language model that
    answers are generated with (None for none), `reranking` reorders what a search found.

    `watch` runs beside the server as long as it does, to replace the index by newer ones.
    `telemetry` says where traces go
    (see `tracing`), `access` who may do what, `cors_origins` which other hosts' pages may call the
    API and `/mcp`, `docs` whether it is described at `/docs`.
    """
    language_model = LanguageModel(generator)
    search_limiter = anyio.CapacityLimiter(search_threads)
    metrics = Metrics()
    mcp = mcp_endpoint.McpEndpoint(
        library,
        generator=generator,
        reranking=reranking,
        limiter=search_limiter,
        body_max_bytes=body_max_bytes,
        metrics=metrics,
        origins=cors_origins,
    )

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with mcp.running(), anyio.create_task_group() as tasks:
            if watch is not None:
                tasks.start_soon(watch, library)
            tasks.start_soon(language_model.watch)
            yield
            tasks.cancel_scope.cancel()
        if generator is not None:
            await generator.close()

    app = FastAPI(
        title="qa_service",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        telemetry=telemetry or {"tracing": False, "metrics": False, "logs": False},
        docs_url=None,  # these pages load their parts from another host
        redoc_url=None,
        openapi_url="/openapi.json" if docs else None,
    )
    app.state.library = library
    app.state.metrics = metrics
    app.state.reranking = reranking
    app.state.feedback = feedback
    app.state.feedback_limiter = anyio.CapacityLimiter(1)  # a slow disk holds up one thread
    app.state.search_limiter = search_limiter
    app.state.language_model = language_model
    app.state.chat_footer = chat_footer
    app.state.heartbeat_seconds = heartbeat_seconds
    app.state.admission = Admission(
        threads=search_threads,
        queue_max=queue_max,
        requests_max=requests_max,
        waiting_for_model=lambda: language_model.requests,
        count=metrics.refused,
    )
    app.state.access = access
    # Each around those before it: the log sees all, who may not ask costs no place in the queue.
    app.add_middleware(AdmissionGate, admission=app.state.admission)
    app.add_middleware(BodyLimits, max_bytes=body_max_bytes, seconds=receive_seconds)
    app.add_middleware(AccessGate, access=access)
    if access.trusted_proxies:
        trusted = [str(network) for network in access.trusted_proxies]
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=trusted)
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=[*_CORS_HEADERS, *mcp_endpoint.REQUEST_HEADERS],
            expose_headers=["X-Request-Id", "Retry-After"],
        )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog, metrics=metrics)
    install_problem_handlers(app)
    app.include_router(search_routes.router)
    app.include_router(ask_routes.router)
    app.include_router(chat_completions.router)
    app.include_router(document_routes.router)
    app.include_router(feedback_routes.router)
    app.include_router(health_routes.router)
    app.include_router(metrics_routes.router)
    app.include_router(sign_in.router)
    add_pages(app)
    app.router.routes.append(mcp.route())
    if docs:
        _add_docs(app)
    return app


def _add_docs(app: FastAPI) -> None:
    describe = app.openapi

    def describe_with_problems() -> dict[str, Any]:
        return with_problem_media_type(describe())

    app.openapi = describe_with_problems  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False)
    async def get_docs() -> Response:
        return html_response(render_docs(app.openapi()).encode())
