"""`/healthz` (the process lives) and `/readyz` (it can answer, and what is amiss)."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from qa_service import __version__
from qa_service.serving.language_model import CurrentLanguageModel
from qa_service.serving.library import CurrentLibrary

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: Literal["ok"]


class Readiness(BaseModel):
    status: Literal["ready", "degraded"] = Field(description="`degraded` still answers.")
    generation: str = Field(description="Generation of the index in service.")
    documents: int
    passages: int
    embedder: str = Field(examples=["builtin"])
    degraded: tuple[str, ...] = Field(description="What is amiss, in words.")
    version: str


@router.get("/healthz", summary="Does the process live?")
async def get_health() -> Health:
    return Health(status="ok")


@router.get("/readyz", summary="Can it answer, and from what?")
async def get_readiness(library: CurrentLibrary, model: CurrentLanguageModel) -> Readiness:
    index = library.shelf.index
    faults = (*library.faults, *model.faults)
    return Readiness(
        status="degraded" if faults else "ready",
        generation=index.generation,
        documents=len(index.documents),
        passages=len(index.passages),
        embedder=index.embedder.name,
        degraded=faults,
        version=__version__,
    )
