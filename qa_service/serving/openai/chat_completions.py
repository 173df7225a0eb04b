"""`POST /v1/chat/completions` and `GET /v1/models`: the service as a model, for any chat frontend.

The last message of the user is the question, the messages before it are the history. `chat_schemas`
has the JSON, `chat_reply` fills it, `openai_errors` says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from fastapi import Request as HttpRequest
from sse_starlette import ServerSentEvent

from qa_service.answering.answer import (
    HISTORY_MAX_TURNS,
    TURN_MAX_CHARACTERS,
    Request,
    check_request,
    stream_answer,
)
from qa_service.answering.events import Delta, Done
from qa_service.errors import InputError, NotFoundError
from qa_service.serving.openai.chat_reply import Reply
from qa_service.serving.openai.chat_schemas import (
    ChatCompletion,
    ChatMessage,
    ChatRequest,
    Model,
    ModelList,
)
from qa_service.serving.service.language_model import CurrentLanguageModel, LanguageModel
from qa_service.serving.service.library import CurrentShelf, Shelf
from qa_service.serving.wire.event_stream import (
    Events,
    event_stream,
    last_of,
    message,
    respond_unless_gone,
)
from qa_service.serving.wire.openai_errors import ERROR_RESPONSES, OpenAIRoute, refusal
from qa_service.types import Turn

Mode = Literal["auto", "extractive", "generated"]
MODES: Mapping[str, Mode] = {
    "qa-service": "auto",
    "qa-service-extractive": "extractive",
    "qa-service-generated": "generated",  # only where a language model is set up
}
_OWNER = "qa_service"
_ENTRY = re.compile(r"history\.(\d+)")  # history.3.content
_ROLES = {"developer": "system", "system": "system", "user": "user", "assistant": "assistant"}


router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"], route_class=OpenAIRoute)


@router.post(
    "/chat/completions",
    summary="Answer a conversation, as OpenAI's API does",
    response_model=ChatCompletion,
    responses={
        200: {
            "description": "The answer; with `stream`, chunks of it.",
            "content": {"text/event-stream": {}},
        },
        **ERROR_RESPONSES,
    },
)
async def post_chat_completion(
    body: ChatRequest, request: HttpRequest, shelf: CurrentShelf, model: CurrentLanguageModel
) -> Response:
    """The answer's text has marks `[n]`; `annotations` say where they stand and lead to the
    passages, `citations` and `search_results` list them. Sampling parameters have no effect."""
    mode = MODES[_find_model(body.model, model)]
    _refuse_unsupported(body)
    asked = _asked(body.messages, mode)
    wanted = request.app.state.chat_footer if body.footer is None else body.footer
    options = body.stream_options
    reply = Reply(
        index=shelf.index,
        asked=asked,
        model=body.model,
        base_url=str(request.base_url).rstrip("/"),
        footer=wanted,
        include_usage=bool(options and options.include_usage),
    )
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
        return event_stream(_chunks(events, reply), request)

    async def respond() -> Response:
        completion = reply.whole(await last_of(events))
        return Response(completion.model_dump_json(), media_type="application/json")

    return await respond_unless_gone(request, respond)


@router.get("/models", summary="List the models, as OpenAI's API does", responses=ERROR_RESPONSES)
async def list_models(model: CurrentLanguageModel, shelf: CurrentShelf) -> ModelList:
    """`qa-service` generates answers where a language model is set up, and extracts otherwise."""
    return ModelList(object="list", data=[_model(id, shelf) for id in _models(model)])


@router.get("/models/{id}", summary="What is known of a model", responses=ERROR_RESPONSES)
async def get_model(
    model_id: Annotated[str, Path(alias="id", description="Id of a model.")],
    model: CurrentLanguageModel,
    shelf: CurrentShelf,
) -> Model:
    return _model(_find_model(model_id, model), shelf)


def _models(model: LanguageModel) -> tuple[str, ...]:
    can_generate = model.generator is not None
    return tuple(id for id, mode in MODES.items() if can_generate or mode != "generated")


def _find_model(id: str, model: LanguageModel) -> str:
    models = _models(model)
    if id not in models:
        raise NotFoundError(
            "model", id, f"There is no model {id!r} here. The models are: {', '.join(models)}."
        )
    return id


def _model(id: str, shelf: Shelf) -> Model:
    created = int(shelf.index.manifest.created.timestamp())
    return Model(id=id, object="model", created=created, owned_by=_OWNER)


def _refuse_unsupported(body: ChatRequest) -> None:
    if body.n is not None and body.n != 1:
        raise InputError("n", "There is one answer to a question. Leave n out, or set it to 1.")
    for name, tools in (("tools", body.tools), ("functions", body.functions)):
        if tools:
            raise InputError(name, f"This model calls no tools. Leave {name} out.")
    if body.response_format and body.response_format.get("type", "text") != "text":
        raise InputError(
            "response_format", "This model answers in text. Leave response_format out."
        )


def _asked(messages: list[ChatMessage], mode: Mode) -> Request:
    """The last question, with as much of the conversation before it as is read.

    Raises InputError, which names the message, where there is no question that can be asked.
    """
    place = next((n for n in reversed(range(len(messages))) if messages[n].role == "user"), None)
    if place is None:
        raise InputError("messages", "No message is the user's. The user's last one is answered.")
    before = [
        n
        for n, each in enumerate(messages[:place])
        if each.role in _ROLES and each.content and each.content.strip()
    ][-HISTORY_MAX_TURNS:]
    history = tuple(_turn(messages[n]) for n in before)
    asked = Request(messages[place].content or "", history=history, mode=mode)
    try:
        check_request(asked)
    except InputError as error:
        entry = _ENTRY.match(error.field)
        blamed = before[int(entry[1])] if entry else place
        raise InputError(f"messages[{blamed}].content", error.message) from error
    return asked


def _turn(message: ChatMessage) -> Turn:
    return Turn(_ROLES[message.role], (message.content or "")[:TURN_MAX_CHARACTERS])


async def _chunks(events: Events, reply: Reply) -> AsyncGenerator[ServerSentEvent, None]:
    async with aclosing(events):
        try:
            yield message(reply.opening().model_dump_json(exclude_unset=True))
            async for event in events:
                if isinstance(event, Delta):
                    yield message(reply.piece(event.text).model_dump_json(exclude_unset=True))
                elif isinstance(event, Done):
                    for chunk in reply.closing(event.result):
                        yield message(chunk.model_dump_json(exclude_unset=True))
        except Exception as error:  # the status is sent: the client learns of it as a chunk
            yield message(refusal(error).response.model_dump_json())
        yield message("[DONE]")
