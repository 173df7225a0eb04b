"""An answer written by a language model behind the OpenAI protocol, checked while it is written.

Whatever the server does, the whole of a request, retries and waits included, is bounded by one
deadline, and what is read by one size. Every failure is a GenerationError, after which the caller
still has the passages.
Statements that are not borne out do not leave this module (see `verify`).
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

import anyio
import httpx2
import openai
from openai.types.chat import ChatCompletionChunk

from qa_service.answering.budget import Budget
from qa_service.answering.drafts import Draft, DraftReader, without_thought
from qa_service.answering.prompt import Prompt, answer_prompt, rewrite_prompt
from qa_service.answering.quantities import find_figures
from qa_service.answering.verify import DraftStatement, Verifier
from qa_service.answering.words import share_of_pairs
from qa_service.errors import GenerationError
from qa_service.retrieval.language import detect_language
from qa_service.retrieval.static_model import StaticModel
from qa_service.types import Document, Hit, Turn

_RESPONSE_BYTES_MAX = 4_000_000  # a long answer is some 10 kB, with the protocol around it 1 MB
_TEXT_CHARACTERS_MAX = 60_000
_RETRIES = 2
_RETRY_PAUSE_SECONDS = 0.5
_RETRIED_STATUSES = frozenset([408, 409, 429, 500, 502, 503, 504])
_REWRITE_SECONDS = 8.0
_REWRITE_TOKENS = 200
_REWRITE_CHARACTERS_MAX = 400
_REWRITE_PAIRS = 0.5  # of its character pairs stand in the conversation or the question
_REACHABLE_SECONDS = 3.0
_CLOSING_SECONDS = 1.0

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,3})?")  # 3, 0.5; not "Mon, 23 Nov 2026 09:00:00 GMT"

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class GeneratorSettings:
    """`timeout_seconds` bounds a whole answer, `first_token_timeout_seconds` the wait for its first
    word. `unsupported` says what becomes of statements that are not borne out: dropped, or kept
    with the support `not_found`."""

    base_url: str = field(repr=False)  # may hold a name and a password
    model: str
    api_key: str = field(default="", repr=False)
    timeout_seconds: float = 60.0
    first_token_timeout_seconds: float = 20.0
    temperature: float = 0.0
    max_tokens: int = 800
    unsupported: Literal["drop", "mark"] = "drop"
    requests_per_day: int | None = None
    tokens_per_day: int | None = None


class Generator:
    """Bound to the event loop that uses it first; `close` it there, or use it with `async with`.

    `under_way` counts the texts that the model is being waited for.
    """

    under_way = 0

    def __init__(self, settings: GeneratorSettings) -> None:
        self.settings = settings
        self._budget = Budget(
            requests_per_day=settings.requests_per_day, tokens_per_day=settings.tokens_per_day
        )
        # A key of the environment (OPENAI_API_KEY) never goes to a server that it is not meant for;
        # a server that asks for none gets a placeholder.
        self._client = openai.AsyncOpenAI(
            base_url=settings.base_url,
            api_key=settings.api_key or "none",
            max_retries=0,  # retried here, within the deadline
            timeout=settings.timeout_seconds,
            http_client=openai.DefaultAsyncHttpxClient(
                event_hooks={"response": [_limit_size]},
                headers={"Accept-Encoding": "identity"},
                follow_redirects=False,
            ),
        )

    async def __aenter__(self) -> Generator:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.close()

    async def generate(
        self,
        question: str,
        history: Sequence[Turn],
        hits: Sequence[Hit],
        language: str,
        *,
        documents: Mapping[str, Document],
        model: StaticModel,
    ) -> AsyncGenerator[DraftStatement, None]:
        """The verified statements, each as soon as it is complete; none when nothing that the
        model wrote is borne out, or when it says that the passages do not answer.

        Raises GenerationError, possibly after some statements.
        """
        prompt = answer_prompt(question, history, hits, language)
        verifier = Verifier(
            hits,
            documents=documents,
            model=model,
            given=prompt.passages,
            keep_unsupported=self.settings.unsupported == "mark",
        )
        reader = DraftReader()
        deadline = _Deadline(self.settings.timeout_seconds)
        first = min(self.settings.first_token_timeout_seconds, self.settings.timeout_seconds)
        pieces = self._stream(prompt, deadline, _Deadline(first), self.settings.max_tokens)
        received = 0
        async with aclosing(pieces):
            async for piece in pieces:
                received += len(piece.text.strip())
                if received > _TEXT_CHARACTERS_MAX:
                    raise _too_long()
                drafts = reader.feed(piece.text)
                if piece.last:
                    drafts += reader.finish(cut_off=piece.cut_off)
                for draft in drafts:
                    statement = await deadline.bound(_check(verifier, draft))
                    if statement is not None:
                        yield statement
        if not received:
            raise GenerationError("model_empty", "The language model wrote nothing. Ask again.")

    async def rewrite(self, question: str, history: Sequence[Turn]) -> str | None:
        """The question in a form that stands alone; None when the model fails or writes nonsense.

        Takes eight seconds at most.
        """
        deadline = _Deadline(min(_REWRITE_SECONDS, self.settings.timeout_seconds))
        prompt = rewrite_prompt(question, history)
        pieces = self._stream(prompt, deadline, deadline, _REWRITE_TOKENS)
        text = ""
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    text += piece.text
                    if piece.cut_off or len(text) > _TEXT_CHARACTERS_MAX:
                        return None
        except GenerationError:
            return None
        return _usable_question(without_thought(text), question, history)

    async def reachable(self) -> bool:
        """Whether the server lists its models within three seconds, or says that it has no such
        list."""
        deadline = _Deadline(min(_REACHABLE_SECONDS, self.settings.timeout_seconds))
        try:
            with _translated():
                await deadline.bound(self._list_models())
        except GenerationError as error:
            return isinstance(error.__cause__, openai.NotFoundError)
        return True

    async def _list_models(self) -> None:
        await self._client.models.list()

    async def _stream(
        self, prompt: Prompt, deadline: _Deadline, first: _Deadline, max_tokens: int
    ) -> AsyncGenerator[_Piece, None]:
        """The model's text in pieces; the last one is marked so. Raises GenerationError."""
        self._budget.begin("".join(str(message["content"]) for message in prompt.messages))
        stream: openai.AsyncStream[ChatCompletionChunk] | None = None
        written = False
        self.under_way += 1
        try:
            stream = await self._open(prompt, first, max_tokens)
            chunks = aiter(stream)
            while True:
                bound = deadline if written else first
                with _translated():
                    chunk = await bound.bound(_next(chunks))
                if chunk is None:
                    raise GenerationError(
                        "model_error", "The language model's answer broke off. Ask again."
                    )
                piece = _piece(chunk)
                written = written or bool(piece.text)
                self._budget.add(piece.text)
                if piece.text or piece.last:
                    yield piece
                if piece.last:
                    return
        finally:
            self.under_way -= 1
            if stream is not None:
                with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
                    await stream.close()

    async def _open(
        self, prompt: Prompt, deadline: _Deadline, max_tokens: int
    ) -> openai.AsyncStream[ChatCompletionChunk]:
        """Tried up to three times, as long as the server says that it is its own trouble."""
        for attempt in range(_RETRIES + 1):
            try:
                with _translated():
                    return await deadline.bound(self._request(prompt, max_tokens))
            except GenerationError as error:
                pause = _pause(error.__cause__, attempt)
                if attempt == _RETRIES or pause is None or pause >= deadline.left:
                    raise
                await anyio.sleep(pause)
        raise AssertionError("unreachable")  # pragma: no cover - the last attempt returns or raises

    async def _request(
        self, prompt: Prompt, max_tokens: int
    ) -> openai.AsyncStream[ChatCompletionChunk]:
        messages = [dict(message) for message in prompt.messages]
        stream = await self._client.chat.completions.create(
            model=self.settings.model,
            messages=messages,  # type: ignore[arg-type]  # the same TypedDicts by their content
            temperature=self.settings.temperature,
            max_tokens=max_tokens,
            stream=True,
        )
        return cast("openai.AsyncStream[ChatCompletionChunk]", stream)


# --- what comes back -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """`last`: nothing follows. `cut_off`: the model had more to say."""

    text: str
    last: bool = False
    cut_off: bool = False


def _piece(chunk: ChatCompletionChunk) -> _Piece:
    """Servers leave out what the protocol demands, so nothing is taken for granted."""
    choices = getattr(chunk, "choices", None)
    if not choices:
        return _Piece("")
    choice = choices[0]
    delta = getattr(choice, "delta", None)
    if (
        getattr(delta, "refusal", None)
        or getattr(choice, "finish_reason", None) == "content_filter"
    ):
        raise GenerationError("model_refused", "The language model refused to answer.")
    text = getattr(delta, "content", None)
    reason = getattr(choice, "finish_reason", None)
    return _Piece(text if isinstance(text, str) else "", bool(reason), reason == "length")


async def _next(chunks: AsyncIterator[ChatCompletionChunk]) -> ChatCompletionChunk | None:
    return await anext(chunks, None)


async def _check(verifier: Verifier, draft: Draft) -> DraftStatement | None:
    return await anyio.to_thread.run_sync(verifier.check, draft, abandon_on_cancel=True)


def _usable_question(text: str, question: str, history: Sequence[Turn]) -> str | None:
    """None for what cannot be the question: nothing, several lines, an essay, invented numbers."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if len(lines) != 1:
        return None
    written = lines[0].strip('「」"“” ')
    known = "\n".join((question, *(turn.content for turn in history)))
    if not written or len(written) > _REWRITE_CHARACTERS_MAX:
        return None
    if detect_language(written) != detect_language(question):
        return None
    if find_figures(written).missing_from(find_figures(known)):
        return None
    # It has to be about what was spoken of: at least half its words come from there.
    return written if share_of_pairs(written, known) >= _REWRITE_PAIRS else None


async def _limit_size(response: httpx2.Response) -> None:
    """A response hook: reading fails after 4 MB, and on what is compressed, which could be a bomb."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("", "identity"):
        raise _TooLargeError("compressed")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _LimitedStream(response.stream)


class _TooLargeError(httpx2.TransportError):
    """More bytes than any answer has."""


class _LimitedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for piece in self._stream:
            received += len(piece)
            if received > _RESPONSE_BYTES_MAX:
                raise _TooLargeError("too many bytes")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


# --- time and errors -----------------------------------------------------------------------------


class _Deadline:
    """A point in monotonic time. It bounds single waits, since a cancel scope must not be held
    across a generator's `yield`."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    async def bound(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Raises GenerationError `model_timeout` at the deadline."""
        with anyio.move_on_after(self.left):
            return await work
        raise GenerationError(
            "model_timeout",
            "The language model took too long. Ask again, or allow it more time in the settings.",
        )


@contextmanager
def _translated() -> Iterator[None]:
    """The client's errors as GenerationErrors, whose messages hold nothing of what was sent."""
    try:
        yield
    except GenerationError:
        raise
    except openai.RateLimitError as error:
        raise GenerationError(
            "model_rate_limited",
            "The language model's server takes no more requests now. Ask later.",
        ) from error
    except openai.APITimeoutError as error:
        raise GenerationError("model_timeout", "The language model took too long.") from error
    except openai.APIStatusError as error:
        raise GenerationError("model_error", _say_status(error.status_code)) from error
    except (openai.APIConnectionError, httpx2.TransportError) as error:
        if isinstance(error, _TooLargeError) or isinstance(error.__cause__, _TooLargeError):
            raise _too_long() from error
        raise GenerationError(
            "model_unreachable",
            "The language model's server cannot be reached, or broke the connection. Check its "
            "address in the settings and that it runs.",
        ) from error
    except (openai.OpenAIError, httpx2.HTTPError, ValueError, TypeError, AttributeError) as error:
        # ValueError and its like: what came is not JSON, or not of the protocol's shape.
        raise GenerationError(
            "model_error", "The language model's server sent what is no answer of the protocol."
        ) from error


def _say_status(status: int) -> str:
    cures = {
        401: "Check the key in the settings.",
        403: "Check the key in the settings.",
        404: "Check the address and the model's name in the settings.",
    }
    cure = cures.get(status, "Ask again later, or look at the server's log.")
    return f"The language model's server answered with status {status}. {cure}"


def _too_long() -> GenerationError:
    return GenerationError("model_too_long", "The language model wrote without end. Ask again.")


def _pause(error: BaseException | None, attempt: int) -> float | None:
    """Seconds to wait before trying again; None where trying again is no use.

    The server's Retry-After counts where it gives seconds, not a date.
    """
    if not isinstance(error, openai.APIStatusError):
        return None
    if error.status_code not in _RETRIED_STATUSES:
        return None
    header = str(error.response.headers.get("Retry-After", ""))
    asked = float(header) if _SECONDS.fullmatch(header) else 0.0
    return max(asked, _RETRY_PAUSE_SECONDS * (1 << attempt))
