"""The JSON of OpenAI's Chat Completions protocol, as far as this service speaks it.

Read in a tolerant way, since frontends send much that means nothing here; written so that a client
which validates every field takes it. `citations` and `search_results` are not OpenAI's own: they
are what Perplexity's API has, and what chat frontends look for.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# --- in ----------------------------------------------------------------------------------------


class TextPart(BaseModel):
    type: Literal["text"]
    text: str


def _join_parts(content: object) -> object:
    """The text of a message that comes in parts; anything else as it is.

    Raises ValueError for parts that are not text.
    """
    if not isinstance(content, list):
        return content
    return "\n".join(_text_of(part) for part in content)


def _text_of(part: object) -> str:
    if isinstance(part, dict):
        match part.get("type"):
            case "text" | "input_text" | "output_text" if isinstance(text := part.get("text"), str):
                return text
            case "refusal" if isinstance(text := part.get("refusal"), str):
                return text
            case str(kind):
                raise ValueError(f"parts of type {kind!r} cannot be read; send text")
    raise ValueError("each part is an object with a type, such as text")


Content = Annotated[
    str | None, BeforeValidator(_join_parts, json_schema_input_type=str | list[TextPart] | None)
]


class _Request(BaseModel):
    """Unknown fields have no effect; those that are read are not converted."""

    model_config = ConfigDict(extra="ignore", strict=True)


class ChatMessage(_Request):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Content = None


class StreamOptions(_Request):
    include_usage: bool | None = None


class ChatRequest(_Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "qa-service",
                    "messages": [
                        {"role": "user", "content": "日米「2+2」には誰が出席しますか"},
                    ],
                }
            ]
        }
    )

    model: str = Field(description="A model that GET /v1/models lists.")
    messages: list[ChatMessage] = Field(
        min_length=1,
        description="The conversation. The last message of the user is the question.",
    )
    stream: bool | None = Field(default=None, description="Send the answer as it is made.")
    stream_options: StreamOptions | None = Field(
        default=None, description="`include_usage`: send a last chunk with the usage."
    )
    n: int | None = Field(default=None, description="There is one answer: 1.")
    tools: list[Any] | None = Field(default=None, description="Not supported.")
    functions: list[Any] | None = Field(default=None, description="Not supported.")
    response_format: dict[str, Any] | None = Field(
        default=None, description='Text alone: `{"type": "text"}`.'
    )
    footer: bool | None = Field(
        default=None,
        description="Not OpenAI's: end the text with a list of the sources, for frontends that "
        "show nothing else. Without it, as the service is set up.",
    )


# --- out: the answer ---------------------------------------------------------------------------


class UrlCitation(BaseModel):
    start_index: int = Field(description="Where the mark `[n]` begins in the content.")
    end_index: int = Field(description="Where it ends; the character there is not included.")
    title: str
    url: str


class Annotation(BaseModel):
    type: Literal["url_citation"]
    url_citation: UrlCitation


class SearchSource(BaseModel):
    title: str = Field(description="The citation in one line, as one would print it.")
    url: str
    date: str | None = Field(description="When the document was published (ISO 8601).")
    snippet: str = Field(description="The exact words in the source.")


class Usage(BaseModel):
    """Counted in the word pieces of the built-in model."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Message(BaseModel):
    role: Literal["assistant"]
    content: str
    refusal: None
    annotations: list[Annotation]


class Choice(BaseModel):
    index: int
    message: Message
    logprobs: None
    finish_reason: Literal["stop"]


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"]
    created: int = Field(description="Unix time in seconds.")
    model: str
    choices: list[Choice]
    usage: Usage
    citations: list[str] = Field(description="Links: the nth is that of the marks `[n]`.")
    search_results: list[SearchSource] = Field(
        description="What is cited, in the order of `citations`, then what else was found."
    )


# --- out: the answer in chunks; only the fields that are set are sent ---------------------------


class Delta(BaseModel):
    role: Literal["assistant"] | None = None
    content: str | None = None
    annotations: list[Annotation] | None = None


class ChunkChoice(BaseModel):
    index: int
    delta: Delta
    logprobs: None
    finish_reason: Literal["stop"] | None


class ChatCompletionChunk(BaseModel):
    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    citations: list[str] | None = None
    search_results: list[SearchSource] | None = None


# --- out: models and errors --------------------------------------------------------------------


class Model(BaseModel):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    object: Literal["list"]
    data: list[Model]
