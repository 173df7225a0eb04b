"""Work for a client that may leave: server-sent events, and answers that nobody waits for any more.

Knows how a response ends, not what it says. A client that leaves cancels the work for it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

import anyio
from fastapi import Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from qa_service.answering.events import Done, Event
from qa_service.types import AskResult

HEARTBEAT_SECONDS = 10.0

# What nginx writes to its log for a client that has gone; nobody receives it.
_CLIENT_CLOSED_REQUEST = 499
_NEWLINE = "\n"

Result = TypeVar("Result")
Events = AsyncGenerator[Event, None]


def event_stream(messages: AsyncGenerator[ServerSentEvent, None], request: Request) -> Response:
    """Sends each message as it comes, with a comment now and then so that no proxy hangs up.

    A client that leaves cancels `messages` where they wait.
    """
    return EventSourceResponse(
        messages,
        ping=request.app.state.heartbeat_seconds,
        ping_message_factory=_heartbeat,
        sep=_NEWLINE,
    )


def message(data: str, *, event: str | None = None) -> ServerSentEvent:
    return ServerSentEvent(data, event=event, sep=_NEWLINE)


async def respond_unless_gone(
    request: Request, work: Callable[[], Awaitable[Response]]
) -> Response:
    """The response that `work` makes. A client that leaves before it is made cancels the work."""
    response: Response | None = None
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_cancel_when_gone, request, tasks.cancel_scope)
        try:
            response = await work()
        except Exception as error:  # raised again outside: a task group would wrap it
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return response or Response(status_code=_CLIENT_CLOSED_REQUEST)


async def last_of(events: Events) -> AskResult:
    """The whole answer that a stream of events ends with."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Done):
                return event.result
    raise RuntimeError("a stream of events ended without the answer")


async def _cancel_when_gone(request: Request, scope: anyio.CancelScope) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _heartbeat() -> ServerSentEvent:
    return ServerSentEvent(comment="waiting", sep=_NEWLINE)
