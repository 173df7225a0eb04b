"""`/healthz` (the process lives) and `/readyz` (it can answer, and what is amiss)."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from qa_service import __version__
from qa_service.serving.door.access import is_known
from qa_service.serving.service.language_model import CurrentLanguageModel
from qa_service.serving.service.library import CurrentLibrary
from qa_service.serving.wire.problems import problem_responses

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: Literal["ok"]


class Readiness(BaseModel):
    """Where keys are asked for, who shows none sees `status` alone."""

    status: Literal["ready", "degraded"] = Field(description="`degraded` still answers.")
    generation: str | None = Field(None, description="Generation of the index in service.")
    documents: int | None = None
    passages: int | None = None
    embedder: str | None = Field(None, examples=["builtin"])
    degraded: tuple[str, ...] | None = Field(None, description="What is amiss, in words.")
    version: str | None = None


@router.get("/healthz", summary="Does the process live?")
async def get_health() -> Health:
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Can it answer, and from what?",
    response_model_exclude_unset=True,
    responses=problem_responses(503),
)
async def get_readiness(
    request: Request, library: CurrentLibrary, model: CurrentLanguageModel
) -> Readiness:
    index = library.shelf.index
    faults = (*library.faults, *model.faults)
    status: Literal["ready", "degraded"] = "degraded" if faults else "ready"
    if not is_known(request):
        return Readiness(status=status)
    return Readiness(
        status=status,
        generation=index.generation,
        documents=len(index.documents),
        passages=len(index.passages),
        embedder=index.embedder.name,
        degraded=faults,
        version=__version__,
    )
