"""The Model Context Protocol over standard input and output, for a client on the same machine.

The client starts the process, and ends it by closing its input. Standard output belongs to the
protocol; the log goes to standard error.
"""

from __future__ import annotations

import signal
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

import anyio
from mcp.server.stdio import stdio_server

from qa_service.retrieval.index import Index
from qa_service.retrieval.rerank import Reranking
from qa_service.serving.mcp.server import create_mcp
from qa_service.serving.observing.request_log import configure_logging
from qa_service.serving.service.index_watch import watch_for_newer_index
from qa_service.serving.service.library import Library
from qa_service.settings import Settings

if TYPE_CHECKING:  # loading OpenAI's client takes longer than a search
    from qa_service.answering.generate import Generator


def run_stdio(
    index: Index,
    settings: Settings,
    generator: Generator | None = None,
    reranking: Reranking | None = None,
) -> None:
    """Serve until the input ends; takes up a newer index as soon as there is one."""
    configure_logging(level=settings.log_level, form=settings.log_format)
    # Ctrl-C ends the process at once: the thread that waits for input could not be woken.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(partial(_serve, Library(index), settings.search_threads, generator, reranking))


async def _serve(
    library: Library,
    search_threads: int,
    generator: Generator | None,
    reranking: Reranking | None,
) -> None:
    limiter = anyio.CapacityLimiter(search_threads)
    server = create_mcp(library, generator=generator, reranking=reranking, limiter=limiter)
    async with generator or nullcontext(), anyio.create_task_group() as tasks:
        tasks.start_soon(watch_for_newer_index, library)
        async with stdio_server() as (received, sent):
            await server.run(received, sent, server.create_initialization_options())
        tasks.cancel_scope.cancel()
