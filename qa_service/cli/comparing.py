"""`qa-service evaluate` with several models: each combination judged by the same questions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import typer

from qa_service.cli.display import comparison_json, show_comparison
from qa_service.cli.opening import open_index, open_reranking, say
from qa_service.errors import IndexFaultError, ModelError, SettingsError
from qa_service.evaluation import Question, Report, evaluate
from qa_service.model_comparison import draw_comparison, name_of
from qa_service.retrieval.generations import read_manifest
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
    not hold. A reranker that fails is left out, and said at the end: ModelError."""
    if not questions:
        raise SettingsError(
            "file", "The file holds no judged question: there is nothing to compare."
        )
    if rerankers and mode is not Mode.HYBRID:
        raise SettingsError("mode", f"A reranker has no part in a {mode} search. Use hybrid.")
    reports: list[Report] = []
    failures: list[ModelError] = []
    for embedder in embedders:
        chosen = settings_for(settings, embedder)
        index = open_index(chosen)
        for reranker in (None, *rerankers):
            update = {"reranker": reranker, "rerank_timeout_seconds": _PATIENCE_SECONDS}
            reranking = open_reranking(chosen.model_copy(update=update))
            try:
                reports.append(evaluate(index, questions, mode=mode, reranking=reranking))
            except ModelError as error:
                failures.append(error)
            else:
                say(f"Judged {name_of(reports[-1])}")
    if as_json:
        typer.echo(comparison_json(reports))
    else:
        show_comparison(reports)
    if plots is not None:
        say(f"Drew {draw_comparison(reports, plots)}")
    if failures:
        raise failures[0]
    return any(report.faults for report in reports)


def settings_for(settings: Settings, embedder: str | None) -> Settings:
    """The settings with an embedder to be judged. Unless the user's own index was made by it, it gets
    one in the user's cache folder, kept for the next time: judging a model changes no service."""
    if embedder is None or embedder == _made_by(settings):
        return settings.model_copy(update={"embedder": embedder or settings.embedder})
    corpus = hashlib.sha256(str(settings.corpus_path.resolve()).encode()).hexdigest()[:8]
    name = re.sub(r"[^A-Za-z0-9.]+", "-", embedder).strip("-")
    update = {"embedder": embedder, "index": cache_folder() / "compared" / f"{name}-{corpus}"}
    return settings.model_copy(update=update)


def _made_by(settings: Settings) -> str | None:
    """Which model made the index that is there."""
    try:
        return read_manifest(settings.index_path, fallback=True).embedder.name
    except IndexFaultError:
        return None
