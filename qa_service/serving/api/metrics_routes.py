"""`GET /metrics`, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from qa_service.serving.observing.metrics import MEDIA_TYPE, Metrics
from qa_service.serving.service.language_model import CurrentLanguageModel
from qa_service.serving.service.library import CurrentLibrary

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Counters and timings, for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_metrics(
    request: Request, library: CurrentLibrary, model: CurrentLanguageModel
) -> Response:
    metrics: Metrics = request.app.state.metrics
    faults = len(library.faults) + len(model.faults)
    return Response(metrics.exposition(library.shelf.index, faults=faults), media_type=MEDIA_TYPE)
