"""An answer in the form of OpenAI's Chat Completions: whole, or in chunks that add up to the same.

The annotations come in one chunk, after the text: only the whole answer tells which `[n]` are
citation marks and which stand in a quote, and OpenAI's own client can add up a list only if it
comes at once.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from qa_service.answering.answer import Request
from qa_service.answering.phrases import doubt
from qa_service.retrieval.index import Index
from qa_service.serving.openai.chat_schemas import (
    Annotation,
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    Delta,
    Message,
    SearchSource,
    UrlCitation,
    Usage,
)
from qa_service.types import Answer, AskResult, Citation


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, with what is the same in all its chunks. `base_url` goes in front of links."""

    index: Index
    asked: Request
    model: str
    base_url: str
    footer: bool
    include_usage: bool
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, result: AskResult) -> ChatCompletion:
        message = Message(
            role="assistant",
            content=result.answer.text + self._footer(result),
            refusal=None,
            annotations=self._annotations(result),
        )
        return ChatCompletion(
            id=self.id,
            object="chat.completion",
            created=self.created,
            model=self.model,
            choices=[Choice(index=0, message=message, logprobs=None, finish_reason="stop")],
            usage=self._usage(result),
            citations=[self._link(citation) for citation in result.citations],
            search_results=self._search_results(result),
        )

    def opening(self) -> ChatCompletionChunk:
        return self._chunk(Delta(role="assistant", content=""))

    def piece(self, text: str) -> ChatCompletionChunk:
        return self._chunk(Delta(content=text))

    def closing(self, result: AskResult) -> Iterator[ChatCompletionChunk]:
        """The chunks after the text. The last one with a choice and the last of all both have the
        citations, since clients look at either."""
        if footer := self._footer(result):
            yield self.piece(footer)
        if annotations := self._annotations(result):
            yield self._chunk(Delta(annotations=annotations))
        last = self._chunk(Delta(), finish_reason="stop")
        last.citations = [self._link(citation) for citation in result.citations]
        last.search_results = self._search_results(result)
        yield last
        if self.include_usage:
            yield last.model_copy(update={"choices": [], "usage": self._usage(result)})

    def _chunk(self, delta: Delta, finish_reason: str | None = None) -> ChatCompletionChunk:
        chunk = ChatCompletionChunk(
            id=self.id,
            object="chat.completion.chunk",
            created=self.created,
            model=self.model,
            choices=[
                ChunkChoice(
                    index=0,
                    delta=delta,
                    logprobs=None,
                    finish_reason="stop" if finish_reason else None,
                )
            ],
        )
        if self.include_usage:  # then every chunk has the field, and all but the last null
            chunk.usage = None
        return chunk

    def _link(self, citation: Citation) -> str:
        return f"{self.base_url}{citation.url}"

    def _annotations(self, result: AskResult) -> list[Annotation]:
        annotations = []
        for mark in find_marks(result.answer):
            citation = result.citations[mark.n - 1]
            place = UrlCitation(
                start_index=mark.start,
                end_index=mark.end,
                title=citation.label,
                url=self._link(citation),
            )
            annotations.append(Annotation(type="url_citation", url_citation=place))
        return annotations

    def _search_results(self, result: AskResult) -> list[SearchSource]:
        """One of each link: the cited ones in their order, so that [n] is the nth here too."""
        cited = [self._source(citation) for citation in result.citations]
        links = {source.url for source in cited}
        found = [self._source(hit.citation) for hit in result.hits]
        return cited + [source for source in found if source.url not in links]

    def _source(self, citation: Citation) -> SearchSource:
        published = self.index.documents[citation.document.id].source.metadata.published
        return SearchSource(
            title=citation.label,
            url=self._link(citation),
            date=None if published is None else published.isoformat(),
            snippet=citation.quote,
        )

    def _footer(self, result: AskResult) -> str:
        """That the answer is doubtful, and the sources as a Markdown list where they are wanted: what
        frontends that know nothing but the text have to show."""
        doubtful = f"\n\n_{doubt(result.answer)}_" if result.answer.is_doubtful else ""
        if not (self.footer and result.citations):
            return doubtful
        heading = "出典" if result.answer.language == "ja" else "Sources"
        lines = (
            f"{n}. [{_escape_markdown(citation.label)}]({self._link(citation)})"
            for n, citation in enumerate(result.citations, start=1)
        )
        return doubtful + "\n".join((f"\n\n---\n\n**{heading}**\n", *lines))

    def _usage(self, result: AskResult) -> Usage:
        read = [*(turn.content for turn in self.asked.history), self.asked.question]
        written = result.answer.text + self._footer(result)
        *prompt, completion = (
            len(each) for each in self.index.pieces.model.pieces([*read, written])
        )
        return Usage(
            prompt_tokens=sum(prompt),
            completion_tokens=completion,
            total_tokens=sum(prompt) + completion,
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """`text[start:end]` of the answer is `[n]`, put there by the service."""

    n: int
    start: int
    end: int


def find_marks(answer: Answer) -> Iterator[Mark]:
    """The citation marks of an answer, in reading order; a `[1]` in a quote is none."""
    for statement in answer.statements:
        place = statement.end
        for n in statement.citations:
            mark = f"[{n}]"
            start = answer.text.find(mark, place)
            if start >= 0:
                place = start + len(mark)
                yield Mark(n, start, place)


def _escape_markdown(text: str) -> str:
    for character in "\\[]":
        text = text.replace(character, f"\\{character}")
    return text
