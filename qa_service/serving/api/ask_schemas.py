"""The JSON of a question and its answer, whole and as the data of server-sent events."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from qa_service.answering.answer import Request
from qa_service.answering.events import Cited, Sources
from qa_service.serving.api.schemas import CitationOut, HitOut, Input, Output, SearchFilters
from qa_service.types import AnswerMode, AskResult, Citation, Reason, Support, Turn

# --- in ----------------------------------------------------------------------------------------


class TurnIn(Input):
    role: Literal["user", "assistant", "system"]
    content: str

    def to_turn(self) -> Turn:
        return Turn(self.role, self.content)


class Question(Input):
    """A question with its conversation, and how to answer it; not how the answer is sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": "日米「2+2」には誰が出席しますか"},
                {
                    "question": "And when was it revised?",
                    "history": [
                        {
                            "role": "user",
                            "content": "What are the Guidelines for Japan-U.S. Defense "
                            "Cooperation?",
                        },
                        {"role": "assistant", "content": "They set out the roles of both. [1]"},
                    ],
                    "mode": "extractive",
                },
            ]
        }
    )

    question: str = Field(description="The question, in any language; 1 to 2,000 characters.")
    history: list[TurnIn] = Field(
        default=[], description="The conversation before the question, oldest entry first."
    )
    top_k: int = Field(default=10, ge=1, le=100, description="How many passages to return at most.")
    filters: SearchFilters = Field(
        default_factory=SearchFilters,
        description="`documents` (ids), `kinds` (of passages), `section` (id): what may be used.",
    )
    mode: Literal["auto", "extractive", "generated"] = Field(
        default="auto",
        description="`extractive` answers in the document's own sentences, `generated` in those of "
        "a language model, each checked; `auto` generates where a language model is set up.",
    )
    language: str = Field(
        default="auto",
        pattern=r"^(auto|[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3})$",
        description="Language of the answer (BCP 47); `auto`: that of the question.",
        examples=["ja"],
    )

    def to_request(self) -> Request:
        return Request(
            question=self.question,
            history=tuple(turn.to_turn() for turn in self.history),
            top_k=self.top_k,
            filters=self.filters.to_filters(),
            mode=self.mode,
            language=self.language,
        )


class AskRequest(Question):
    stream: bool = Field(
        default=False,
        description="Send server-sent events: `sources`, then `citation` and `delta`, at last "
        "`done` with the whole answer, or `error` with a problem.",
    )


# --- out ---------------------------------------------------------------------------------------


class LabelledCellOut(Output):
    label: str = Field(
        description="The header texts of its column; empty where it has none.",
        examples=["出席対象者 日本側"],
    )
    text: str


class StatementOut(Output):
    """`text[start:end]` of the answer; the marks `[n]` behind it are not included."""

    text: str
    start: int
    end: int
    citations: tuple[int, ...] = Field(description="Numbers n of the citations it stands on.")
    support: Support = Field(
        description="`exact`: its quotes stand in the cited passages, verbatim; `normalised`: but "
        "for the width of characters, spaces and punctuation; `not_found`: not."
    )
    cells: tuple[LabelledCellOut, ...] = Field(
        description="A quoted table row taken apart, cell by cell; else empty."
    )


class AnswerOut(Output):
    text: str = Field(description="The answer, with `[n]` behind what citation n bears out.")
    answered: bool = Field(description="False: the documents do not say; `text` says so.")
    reason: Reason | None = Field(description="Why there is no answer; null where there is one.")
    mode: AnswerMode
    language: str = Field(examples=["ja"])
    confidence: float = Field(
        description="Probability, 0 to 1, that the documents hold an answer; calibrated."
    )
    statements: tuple[StatementOut, ...]


class NumberedCitationOut(CitationOut):
    n: int = Field(description="The number of the marks `[n]` in the answer, from 1.")

    @classmethod
    def of(cls, n: int, citation: Citation) -> Self:
        return cls(n=n, **CitationOut.model_validate(citation).model_dump())


class AskResponse(Output):
    question: str
    standalone_question: str = Field(
        description="The question as it reads without the history: what was searched for."
    )
    answer: AnswerOut
    citations: tuple[NumberedCitationOut, ...] = Field(
        description="What the answer stands on; citation n is the nth."
    )
    results: tuple[HitOut, ...] = Field(description="The nearest passages, answered or not.")
    degraded: tuple[str, ...] = Field(
        description="What was left out or done with a lesser part, in words; mostly empty."
    )
    degraded_codes: tuple[str, ...] = Field(
        description="The kind of each line of `degraded`; these do not change.",
        examples=[["language_model_failed"]],
    )
    timings_ms: dict[str, float] = Field(examples=[{"search": 3.1, "total": 5.2}])

    @classmethod
    def of(cls, result: AskResult) -> Self:
        return cls(
            question=result.question,
            standalone_question=result.standalone_question,
            answer=AnswerOut.model_validate(result.answer),
            citations=tuple(
                NumberedCitationOut.of(n, citation)
                for n, citation in enumerate(result.citations, start=1)
            ),
            results=tuple(HitOut.model_validate(hit) for hit in result.hits),
            degraded=result.degraded,
            degraded_codes=tuple(each.code for each in result.degraded),
            timings_ms=dict(result.timings_ms),
        )


class SourcesData(Output):
    """Data of the event `sources`; comes first, once."""

    standalone_question: str
    language: str
    results: tuple[HitOut, ...]

    @classmethod
    def of(cls, event: Sources) -> Self:
        return cls(
            standalone_question=event.standalone_question,
            language=event.language,
            results=tuple(HitOut.model_validate(hit) for hit in event.hits),
        )


class DeltaData(BaseModel):
    """Data of the event `delta`: the next piece of the answer's text."""

    text: str


def citation_data(event: Cited) -> NumberedCitationOut:
    """Data of the event `citation`; comes before the piece of text that first holds `[n]`."""
    return NumberedCitationOut.of(event.n, event.citation)
