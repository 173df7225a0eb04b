"""`POST /v1/feedback`: a reader marks an answer or a citation as right or wrong."""

from __future__ import annotations

from functools import partial
from typing import Literal

import anyio.to_thread
from fastapi import APIRouter, Request
from pydantic import Field

from qa_service.errors import FeedbackError, InputError
from qa_service.feedback import CitedPassage, FeedbackStore, Verdict
from qa_service.reading.citations import cite
from qa_service.reading.shortened import shorten
from qa_service.retrieval.index import Index
from qa_service.retrieval.language import detect_language
from qa_service.retrieval.search import check_query
from qa_service.serving.api.schemas import Input, Output
from qa_service.serving.service.library import CurrentShelf
from qa_service.serving.wire.problems import problem_responses
from qa_service.serving.wire.strict_json import StrictJsonRoute
from qa_service.types import Citation, Passage, PassageKind

router = APIRouter(prefix="/v1", tags=["feedback"], route_class=StrictJsonRoute)


class FeedbackRequest(Input):
    question: str = Field(
        description="The question as it stands alone (`standalone_question`); 1 to 2,000 characters."
    )
    verdict: Literal["right", "wrong"]
    subject: Literal["answer", "citation"] = Field(
        description="What is judged: the answer as a whole, or one citation."
    )
    passages: list[str] = Field(
        default=[],
        max_length=100,
        description="Ids of the passages that the answer cites (none for a refusal), or the one of "
        "the citation.",
    )
    answered: bool = Field(
        default=True, description="Whether there was an answer; false for a refusal."
    )
    answer: str = Field(default="", max_length=20_000, description="The answer's text.")
    comment: str = Field(default="", max_length=2_000, description="Why, in the reader's words.")


class FeedbackResponse(Output):
    id: str = Field(description="What the verdict is kept under.")


@router.post(
    "/feedback",
    status_code=201,
    summary="Mark an answer or a citation as right or wrong",
    responses=problem_responses(400, 413, 415, 422, 503, 507),
)
async def post_feedback(
    body: FeedbackRequest, request: Request, shelf: CurrentShelf
) -> FeedbackResponse:
    """Kept by the service alone; `qa-service feedback export` makes evaluation questions of it."""
    check_query(body.question, field_name="question")
    if body.subject == "citation" and len(body.passages) != 1:
        raise InputError("passages", "A verdict on a citation names its one passage.")
    if body.subject == "answer" and body.answered is not bool(body.passages):
        raise InputError(
            "passages",
            "An answer names the passages that it cites; a refusal has none, and `answered` false.",
        )
    store: FeedbackStore | None = request.app.state.feedback
    if store is None:
        raise FeedbackError("feedback_off", "This service keeps no verdicts.")
    verdict = Verdict(
        question=body.question,
        language=detect_language(body.question, default="und"),
        verdict=body.verdict,
        subject=body.subject,
        answer=body.answer,
        comment=body.comment,
        generation=shelf.index.generation,
        passages=tuple(
            _cited(shelf.index, place, id) for place, id in enumerate(dict.fromkeys(body.passages))
        ),
    )
    id = await anyio.to_thread.run_sync(
        partial(store.record, verdict), limiter=request.app.state.feedback_limiter
    )
    return FeedbackResponse(id=id)


def _cited(index: Index, place: int, passage_id: str) -> CitedPassage:
    row = index.rows.get(passage_id)
    if row is None:
        raise InputError(f"passages.{place}", f"There is no passage {passage_id!r} in the index.")
    passage = shorten(index.passages[row])
    citation = cite(index.documents[passage.document_id], passage)
    label = _label(passage, citation)
    return CitedPassage(passage_id, citation.quote, citation.section.id, label, passage.text)


def _label(passage: Passage, citation: Citation) -> str | None:
    """What an evaluation question calls the element that the passage is of: figure, box, footnote."""
    if citation.figure is not None:
        return citation.figure.label or None
    if citation.box is not None:
        return citation.box.kind
    if passage.kind is PassageKind.FOOTNOTE and citation.notes:
        return citation.notes[0].label
    return None
