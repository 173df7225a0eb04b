"""The same questions asked with several models: figures side by side, and a picture of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qa_service.bootstrap import share_interval
from qa_service.errors import SettingsError
from qa_service.evaluation import Report, Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def name_of(report: Report) -> str:
    """`builtin`, `builtin + BAAI/bge-reranker-v2-m3`."""
    return " + ".join(filter(None, [report.embedder, report.reranker]))


def interval(report: Report, language: str) -> tuple[float, float]:
    """The 95 % interval of the share of questions answered first; `language` may be `all`."""
    first = [
        outcome.rank == 1
        for outcome in report.outcomes
        if outcome.question.answerable and language in ("all", outcome.question.lang)
    ]
    return share_interval(sum(first), len(first))


def draw_comparison(reports: Sequence[Report], folder: Path) -> Path:
    """Draw the shares answered first, by language, into `folder`; SettingsError where matplotlib is
    missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SettingsError(
            "plots", "Pictures need matplotlib. Install it: pip install 'qa-service[plots]'"
        ) from error
    figure = Figure(figsize=(8, 1.5 + 0.5 * len(reports)), layout="constrained")
    _draw(figure, reports)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "comparison.png"
    figure.savefig(path, dpi=150)
    return path


def _draw(figure: Figure, reports: Sequence[Report]) -> None:
    languages = [summary.language for summary in reports[0].summaries]
    panels = figure.subplots(1, len(languages), sharey=True, squeeze=False)[0]
    for axes, language in zip(panels, languages, strict=True):
        for row, report in enumerate(reports):
            share = _summary(report, language).hits[1]
            low, high = interval(report, language)
            axes.barh(row, share, color=f"C{row}")
            axes.plot([low, high], [row, row], color="black", linewidth=1)
        axes.set(title=language, xlim=(0, 1), xlabel="answered first")
    panels[0].set_yticks(range(len(reports)), [name_of(report) for report in reports])
    panels[0].invert_yaxis()


def _summary(report: Report, language: str) -> Summary:
    return next(summary for summary in report.summaries if summary.language == language)
