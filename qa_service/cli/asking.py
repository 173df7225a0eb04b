"""Questions asked at the terminal: one, or a conversation. Answers are shown as they are made."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from io import TextIOWrapper
from typing import TYPE_CHECKING

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from rich.console import Console
from rich.text import Text

from qa_service.answering.answer import HISTORY_MAX_TURNS, Request, stream_answer
from qa_service.answering.events import Delta, Done, Event
from qa_service.answering.phrases import doubt, phrase
from qa_service.cli.display import element_of, fold, make_console, place_of, show_entry
from qa_service.cli.opening import say
from qa_service.errors import InputError
from qa_service.retrieval.index import Index
from qa_service.retrieval.rerank import Reranking
from qa_service.types import AskResult, Citation, Support, Turn

if TYPE_CHECKING:  # loading OpenAI's client takes longer than a search
    from qa_service.answering.generate import Generator

_INDENT = 4
_NEAREST_SHOWN = 3
_QUIT = ("/quit", "/exit")
_AFRESH = "/new"
_COMMANDS = f"Ask a question. {_AFRESH} begins another conversation, {_QUIT[0]} or Ctrl-D ends."


def ask(
    index: Index,
    request: Request,
    generator: Generator | None,
    *,
    reranking: Reranking | None = None,
    quiet: bool = False,
) -> AskResult:
    """Writes the answer while it is made; below it the citations, numbered as in the answer.
    `quiet` writes nothing."""
    answering = partial(stream_answer, index, generator=generator, reranking=reranking)

    async def ask_and_close() -> AskResult:
        async with _open(generator):
            return await _answer(answering, request, quiet=quiet)

    return anyio.run(ask_and_close)


def converse(
    index: Index,
    request: Request,
    generator: Generator | None,
    *,
    reranking: Reranking | None = None,
) -> None:
    """Answers one question after the other, each in the light of those before.

    `request` says how to answer; its question is not asked. Ends with the input, with /quit, or
    with Ctrl-C at the prompt; Ctrl-C during an answer stops that answer.
    """
    answering = partial(stream_answer, index, generator=generator, reranking=reranking)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_open(generator)),
    ):
        history: tuple[Turn, ...] = ()
        for line in _lines():
            if line in _QUIT:
                break
            if line == _AFRESH:
                history = ()
                continue
            if line.startswith("/"):
                say(_COMMANDS)
                continue
            asked = replace(request, question=line, history=history[-HISTORY_MAX_TURNS:])
            try:
                result = _answer_in(portal, answering, asked)
            except InputError as error:
                say(error.message)
            except KeyboardInterrupt:
                say("\n(stopped)")
            else:
                history += (Turn("user", line), Turn("assistant", result.answer.text))
            print(flush=True)


_Answering = Callable[[Request], AsyncGenerator[Event, None]]


def _answer_in(portal: BlockingPortal, answering: _Answering, request: Request) -> AskResult:
    """Every answer runs on the portal's one event loop, which the model's connections belong to."""
    answer = portal.start_task_soon(_answer, answering, request)
    try:
        return answer.result()
    except KeyboardInterrupt:
        answer.cancel()
        raise


async def _answer(answering: _Answering, request: Request, quiet: bool = False) -> AskResult:
    async with aclosing(answering(request)) as events:
        async for event in events:
            if isinstance(event, Delta) and not quiet:
                print(event.text, end="", flush=True)
            elif isinstance(event, Done):
                result = event.result
    if not quiet:
        _show_sources(result, make_console())
    return result


@asynccontextmanager
async def _open(generator: Generator | None) -> AsyncIterator[None]:
    """Closes the model's connections at the end, where there is a model."""
    async with generator or nullcontext():
        yield


def _lines() -> Iterator[str]:
    """What the person types, or the lines of a file; without those that are blank."""
    if isinstance(sys.stdin, TextIOWrapper):  # what is no text is refused as a question
        sys.stdin.reconfigure(errors="surrogateescape")
    for line in _typed_lines() if sys.stdin.isatty() else _piped_lines():
        if question := line.strip():
            yield question


def _typed_lines() -> Iterator[str]:
    with contextlib.suppress(ImportError):  # not on Windows
        import readline  # noqa: F401  # arrow keys at the prompt
    say(_COMMANDS)
    while True:
        try:
            yield input("> ")
        except EOFError:
            print()
            return


def _piped_lines() -> Iterator[str]:
    for line in sys.stdin:
        if line.strip():
            print(f"> {line.strip()}", flush=True)
        yield line


def _show_sources(result: AskResult, console: Console) -> None:
    console.print("\n")
    for statement in result.answer.statements:
        if statement.support is Support.NOT_FOUND:
            console.print(Text(f"Not in the passages cited: {statement.text}", style="red"))
    for n, citation in enumerate(result.citations, start=1):
        _show_citation(n, citation, console)
    if not result.citations:
        _show_nearest(result, console)
    answer = result.answer
    if answer.is_doubtful:
        console.print(Text(doubt(answer), style="yellow"))
    for note in result.degraded:
        console.print(Text(note, style="yellow"))


def _show_citation(n: int, citation: Citation, console: Console) -> None:
    lines = [
        (citation.label, "bold"),
        (element_of(citation), "dim"),
        (citation.quote.strip(), ""),
        (place_of(citation), "dim"),
    ]
    show_entry(f"[{n}]", lines, console)


def _show_nearest(result: AskResult, console: Console) -> None:
    labels = tuple(dict.fromkeys(hit.citation.label for hit in result.hits))[:_NEAREST_SHOWN]
    if labels:
        console.print(Text(phrase("nearest", result.answer.language), style="dim"))
    for label in labels:
        console.print(Text(fold(f"- {label}", console.width), style="dim"))
