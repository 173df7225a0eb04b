"""The tools that agents call: arguments in, JSON out, as in the HTTP API wherever it has the same.

Knows nothing of the protocol: `mcp_server` speaks it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import numpy as np

from qa_service.answering.answer import check_request, stream_answer
from qa_service.reading.citations import cite
from qa_service.reading.shortened import shorten
from qa_service.retrieval.index import Index
from qa_service.retrieval.rerank import Reranking
from qa_service.retrieval.search import check_document, check_filters, check_section
from qa_service.serving.api import document_routes
from qa_service.serving.api.ask_schemas import AskResponse, Question
from qa_service.serving.api.document_schemas import DocumentsResponse
from qa_service.serving.api.schemas import (
    CitationOut,
    DocumentRefOut,
    Input,
    Output,
    PassageOut,
    SearchRequest,
    SearchResponse,
    SectionRefOut,
)
from qa_service.serving.api.search_routes import find_passages
from qa_service.serving.mcp.schemas import (
    CitedPassageOut,
    DocumentsRequest,
    SectionRequest,
    SectionResponse,
)
from qa_service.serving.service.library import Library
from qa_service.serving.wire.event_stream import last_of
from qa_service.types import Filters, PassageKind

if TYPE_CHECKING:  # loading OpenAI's client takes longer than a search
    from qa_service.answering.generate import Generator
    from qa_service.serving.observing.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Tool:
    """`call` takes a value of `arguments` and returns the JSON of a `result`. Raises the program's
    errors."""

    name: str
    title: str
    description: str
    arguments: type[Input]
    result: type[Output]
    call: Callable[[Any], Awaitable[str]]


def make_tools(
    library: Library,
    *,
    generator: Generator | None,
    reranking: Reranking | None,
    limiter: anyio.CapacityLimiter,
    metrics: Metrics | None = None,
) -> tuple[Tool, ...]:
    """Tools over whatever index is in service when they are called. `limiter` bounds the worker
    threads that they share with the HTTP API; `metrics` counts searches and answers as it does for
    that (None counts nothing)."""
    watch = None if metrics is None else metrics.searched

    async def search_passages(request: SearchRequest) -> str:
        work = partial(find_passages, library.shelf, request, reranking, watch=watch)
        return await _in_thread(limiter, work)

    async def ask(question: Question) -> str:
        index, request = library.shelf.index, question.to_request()
        check_request(request)
        check_filters(index, request.filters)
        events = stream_answer(
            index, request, generator=generator, limiter=limiter, reranking=reranking
        )
        if metrics is not None:
            events = metrics.watching(events)
        return AskResponse.of(await last_of(events)).model_dump_json()

    async def read_section(request: SectionRequest) -> str:
        return await _in_thread(limiter, _read_section, library.shelf.index, request)

    async def list_documents(request: DocumentsRequest) -> str:
        listed = await document_routes.list_documents(
            library.shelf, limit=request.limit, offset=request.offset
        )
        return listed.model_dump_json()

    return (
        Tool(
            "search_passages",
            "Search passages",
            "Find the passages of the documents that answer a question, best first, each with a "
            "citation: section and figure number, and the exact words of the source. The question "
            "may be in another language than the documents. A figure, table or section that it "
            "names by number comes first.",
            SearchRequest,
            SearchResponse,
            search_passages,
        ),
        Tool(
            "ask",
            "Ask",
            "Answer a question from the documents alone. Every statement names the citations that "
            "it stands on, [n] in the text. `answer.answered` is false where the documents do not "
            "say; `answer.reason` tells why.",
            Question,
            AskResponse,
            ask,
        ),
        Tool(
            "read_section",
            "Read a section",
            "Read a section, or the whole document, in order: its passages with their citations, "
            "and the sections directly below. Long ones come in parts: raise `offset` by `limit` "
            "until it reaches `total`.",
            SectionRequest,
            SectionResponse,
            read_section,
        ),
        Tool(
            "list_documents",
            "List the documents",
            "List the documents: id, title, publisher, language, licence, and how long they are.",
            DocumentsRequest,
            DocumentsResponse,
            list_documents,
        ),
    )


async def _in_thread(
    limiter: anyio.CapacityLimiter, work: Callable[..., str], *arguments: Any
) -> str:
    return await anyio.to_thread.run_sync(partial(work, *arguments), limiter=limiter)


def _read_section(index: Index, request: SectionRequest) -> str:
    check_document(index, request.document, field_name="document")
    if request.section is not None:
        check_section(index, request.section, (request.document,), field_name="section")
    document = index.documents[request.document]
    sections = {section.id: section for section in document.sections}
    rows = _rows(index, Filters(documents=(document.id,), section=request.section))
    shown = rows[request.offset : request.offset + request.limit]
    return SectionResponse(
        document=DocumentRefOut(id=document.id, title=document.source.metadata.title),
        section=SectionRefOut.model_validate(sections[request.section])
        if request.section is not None
        else None,
        subsections=tuple(
            SectionRefOut.model_validate(section)
            for section in document.sections
            if section.parent_id == request.section
        ),
        passages=tuple(
            CitedPassageOut(
                passage=PassageOut.of(passage),
                citation=CitationOut.model_validate(cite(document, passage)),
            )
            for passage in (shorten(index.passages[row]) for row in shown)
        ),
        total=len(rows),
        limit=request.limit,
        offset=request.offset,
    ).model_dump_json()


def _rows(index: Index, filters: Filters) -> list[int]:
    """In reading order, without the rows of tables: the whole table is there."""
    wanted = index.elements.allowed(filters) & ~index.elements.is_kind(PassageKind.TABLE_ROW)
    rows: list[int] = np.flatnonzero(wanted).tolist()
    return rows
