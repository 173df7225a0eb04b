"""The web application: routes, error forms and API description around one library.

`create_app` is pure: it opens no file and no socket, and two apps share nothing. Loading the index
and listening are the command line's work.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from qa_service import __version__
from qa_service.serving import document_routes, health_routes, search_routes
from qa_service.serving.docs_page import render_docs
from qa_service.serving.library import Library
from qa_service.serving.problems import install_problem_handlers, with_problem_media_type

_DESCRIPTION = """\
Ask long official documents in your own language. Every passage comes with a citation: the printed
section number, the figure or table number, and the exact words in the source.

Offsets count Unicode code points of the source text (`/v1/documents/{id}/source`) from 0; the end
is exclusive. Errors are problem details (RFC 9457) with a `code`."""

Watcher = Callable[[Library], Awaitable[None]]


def create_app(
    library: Library, *, search_threads: int = 4, watch: Watcher | None = None
) -> FastAPI:
    """`watch` runs beside the server as long as it does, to replace the index by newer ones."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.search_limiter = anyio.CapacityLimiter(search_threads)
        async with anyio.create_task_group() as tasks:
            if watch is not None:
                tasks.start_soon(watch, library)
            yield
            tasks.cancel_scope.cancel()

    app = FastAPI(
        title="qa_service",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # these pages load their parts from another host
        redoc_url=None,
    )
    app.state.library = library
    install_problem_handlers(app)
    app.include_router(search_routes.router)
    app.include_router(document_routes.router)
    app.include_router(health_routes.router)
    _add_docs(app)
    return app


def _add_docs(app: FastAPI) -> None:
    describe = app.openapi

    def describe_with_problems() -> dict[str, Any]:
        return with_problem_media_type(describe())

    app.openapi = describe_with_problems  # type: ignore[method-assign]

    @app.get("/", include_in_schema=False)
    async def get_root() -> Response:
        return RedirectResponse("/docs")

    @app.get("/docs", include_in_schema=False)
    async def get_docs() -> Response:
        return HTMLResponse(render_docs(app.openapi()))
