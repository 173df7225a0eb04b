"""`POST /v1/search`: a question to ranked passages with citations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from qa_service.retrieval.explain import matched_terms
from qa_service.retrieval.index import Index
from qa_service.retrieval.rerank import Reranking
from qa_service.retrieval.search import Mode, search
from qa_service.serving.api.schemas import SearchRequest, SearchResponse
from qa_service.serving.service.library import CurrentShelf, Shelf
from qa_service.serving.wire.problems import problem_responses
from qa_service.serving.wire.strict_json import StrictJsonRoute
from qa_service.types import Degradation, Hit, SearchResult

router = APIRouter(prefix="/v1", tags=["search"], route_class=StrictJsonRoute)

_NO_RERANKER = Degradation(
    "no_reranker", "No reranker is set up: the results stand in the order of the search."
)


@router.post(
    "/search",
    summary="Find the passages that answer a question",
    response_model=SearchResponse,
    responses=problem_responses(400, 413, 415, 422, 503),
)
async def post_search(body: SearchRequest, request: Request, shelf: CurrentShelf) -> Response:
    """Passages in the order of how well they answer, each with a citation whose quote stands,
    character for character, in the source at the offsets given."""
    content = await anyio.to_thread.run_sync(
        partial(
            find_passages,
            shelf,
            body,
            request.app.state.reranking,
            watch=request.app.state.metrics.searched,
        ),
        limiter=request.app.state.search_limiter,
    )
    return Response(content, media_type="application/json")


def find_passages(
    shelf: Shelf,
    body: SearchRequest,
    reranking: Reranking | None = None,
    *,
    watch: Callable[[SearchResult], None] | None = None,
) -> str:
    """The response as JSON; `watch` gets the result. Takes milliseconds of computing: not for the
    event loop."""
    result = search(
        shelf.index,
        body.query,
        top_k=body.top_k,
        mode=Mode(body.mode),
        filters=body.filters.to_filters(),
        reranking=reranking if body.rerank else None,
    )
    if watch is not None:
        watch(result)
    degraded = (_NO_RERANKER,) if body.rerank and reranking is None else ()
    explain = partial(_explain, shelf.index, body.query) if body.explain else None
    response = SearchResponse.of(result, degraded=degraded, matched_terms=explain)
    return response.model_dump_json()


def _explain(index: Index, query: str, hit: Hit) -> tuple[str, ...]:
    return matched_terms(index, query, hit.passage.text)
