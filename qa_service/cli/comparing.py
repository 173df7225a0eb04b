"""`qa-service evaluate` with several models: each combination judged by the same questions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import typer

from qa_service.cli.display import comparison_json, show_comparison
from qa_service.cli.opening import open_index, open_reranking, say
from qa_service.errors import SettingsError
from qa_service.evaluation import Question, Report, evaluate
from qa_service.model_comparison import draw_comparison, name_of
from qa_service.retrieval.search import Mode
from qa_service.settings import Settings, cache_folder

_PATIENCE_SECONDS = 600.0  # judged is the order that it gives, however long it takes


def compare(
    settings: Settings,
    questions: Sequence[Question],
    *,
    embedders: Sequence[str | None],
    rerankers: Sequence[str],
    mode: Mode,
    plots: Path | None,
    as_json: bool,
) -> bool:
    """Prints the figures of every embedder with and without every reranker; whether a citation does
    not hold. Each further embedder's index is kept in the user's cache folder for the next time."""
    if not questions:
        raise SettingsError(
            "file", "The file holds no judged question: there is nothing to compare."
        )
    reports: list[Report] = []
    for place, embedder in enumerate(embedders):
        chosen = settings if place == 0 else _elsewhere(settings, str(embedder))
        index = open_index(chosen)
        for reranker in (None, *rerankers):
            update = {"reranker": reranker, "rerank_timeout_seconds": _PATIENCE_SECONDS}
            reranking = open_reranking(chosen.model_copy(update=update))
            reports.append(evaluate(index, questions, mode=mode, reranking=reranking))
            say(f"Judged {name_of(reports[-1])}")
    if as_json:
        typer.echo(comparison_json(reports))
    else:
        show_comparison(reports)
    if plots is not None:
        say(f"Drew {draw_comparison(reports, plots)}")
    return any(report.faults for report in reports)


def _elsewhere(settings: Settings, embedder: str) -> Settings:
    """The settings with another embedder, and an index folder of its own."""
    corpus = hashlib.sha256(str(settings.corpus_path.resolve()).encode()).hexdigest()[:8]
    name = re.sub(r"[^A-Za-z0-9.]+", "-", embedder).strip("-")
    update = {"embedder": embedder, "index": cache_folder() / "compared" / f"{name}-{corpus}"}
    return settings.model_copy(update=update)
