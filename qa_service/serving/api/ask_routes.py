"""`POST /v1/ask`: a question to an answer whose every statement has its citation."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request, Response
from sse_starlette import ServerSentEvent

from qa_service.answering.answer import check_request, stream_answer
from qa_service.answering.events import Cited, Delta, Event, Sources
from qa_service.retrieval.search import check_filters
from qa_service.serving.api.ask_schemas import (
    AskRequest,
    AskResponse,
    DeltaData,
    SourcesData,
    citation_data,
)
from qa_service.serving.service.language_model import CurrentLanguageModel
from qa_service.serving.service.library import CurrentShelf
from qa_service.serving.wire.event_stream import (
    Events,
    event_stream,
    last_of,
    message,
    respond_unless_gone,
)
from qa_service.serving.wire.problems import problem_of, problem_responses
from qa_service.serving.wire.strict_json import StrictJsonRoute

router = APIRouter(prefix="/v1", tags=["ask"], route_class=StrictJsonRoute)

_EVENTS = """\
event: sources
data: {"standalone_question": "…", "language": "ja", "results": []}

event: citation
data: {"n": 1, "label": "…", "quote": "…"}

event: delta
data: {"text": "…。 [1]"}

event: done
data: {"question": "…", "answer": {}}

"""


@router.post(
    "/ask",
    summary="Answer a question, with citations",
    response_model=AskResponse,
    responses={
        200: {
            "description": "The answer; with `stream`, the events that lead to it.",
            "content": {"text/event-stream": {"example": _EVENTS}},
        },
        **problem_responses(400, 413, 415, 422, 503),
    },
)
async def post_ask(
    body: AskRequest, request: Request, shelf: CurrentShelf, model: CurrentLanguageModel
) -> Response:
    """A short answer whose statements each name what they stand on, the citations with their
    quotes, and the nearest passages; or that the documents do not say. All at once, or with
    `stream` as server-sent events."""
    asked = body.to_request()
    check_request(asked)
    check_filters(shelf.index, asked.filters)
    events = request.app.state.metrics.watching(
        stream_answer(
            shelf.index,
            asked,
            generator=model.generator,
            limiter=request.app.state.search_limiter,
            reranking=request.app.state.reranking,
        )
    )
    if body.stream:
        return event_stream(_messages(events), request)

    async def respond() -> Response:
        answer = AskResponse.of(await last_of(events))
        return Response(answer.model_dump_json(), media_type="application/json")

    return await respond_unless_gone(request, respond)


async def _messages(events: Events) -> AsyncGenerator[ServerSentEvent, None]:
    async with aclosing(events):
        try:
            async for event in events:
                yield _message(event)
        except Exception as error:  # the status is sent: the client learns of it as an event
            yield message(problem_of(error).model_dump_json(), event="error")


def _message(event: Event) -> ServerSentEvent:
    if isinstance(event, Sources):
        return message(SourcesData.of(event).model_dump_json(), event="sources")
    if isinstance(event, Cited):
        return message(citation_data(event).model_dump_json(), event="citation")
    if isinstance(event, Delta):
        return message(DeltaData(text=event.text).model_dump_json(), event="delta")
    return message(AskResponse.of(event.result).model_dump_json(), event="done")
