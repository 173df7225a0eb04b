"""Judging what the peers found: ranks, shares, and the Markdown table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from peer_tasks import Task, TaskPassage

from qa_service.evaluation import Question, comparison_form


@dataclass(frozen=True, slots=True)
class Figures:
    """Over the questions of one language: `first` and `first_five` are shares, `mrr` is the mean of
    1/rank, 0 beyond ten."""

    language: str
    questions: int
    first: float
    mrr: float
    first_five: float

    def __str__(self) -> str:
        return f"{self.first:.3f} / {self.mrr:.3f} / {self.first_five:.3f}"


@dataclass(frozen=True, slots=True)
class Row:
    """One set-up on one task; `fault` says why there is nothing to report."""

    system: str
    set_up: str
    versions: Mapping[str, str]
    figures: tuple[Figures, ...] = ()
    build_seconds: float = 0.0
    median_milliseconds: float = 0.0
    p99_milliseconds: float = 0.0
    processor_milliseconds: float = 0.0  # median
    peak_megabytes: float = 0.0
    fault: str = ""


def judge(task: Task, found: Mapping[str, Sequence[str]]) -> tuple[Figures, ...]:
    """Figures by language in order of first appearance, and for `all` where there are several.

    `found` gives for each question's id the passages' ids, best first; only the first ten count. A
    question that is missing was not answered.
    """
    passages = {passage.id: passage for passage in task.passages}
    ranks: dict[str, list[int | None]] = {}
    for question in task.questions:
        rank = _rank(question, [passages[id] for id in found.get(question.id, ())[:10]])
        ranks.setdefault(question.lang, []).append(rank)
    figures = [_figures(language, of_language) for language, of_language in ranks.items()]
    if len(ranks) > 1:
        figures.append(_figures("all", [rank for each in ranks.values() for rank in each]))
    return tuple(figures)


def _rank(question: Question, passages: Sequence[TaskPassage]) -> int | None:
    for rank, passage in enumerate(passages, start=1):
        if answers(passage, question):
            return rank
    return None


def answers(passage: TaskPassage, question: Question) -> bool:
    """As `qa_service.evaluation` judges: by the document, or by a fragment in the passage's words."""
    if question.document is not None:
        return passage.document == question.document
    held = [comparison_form(text) for text in passage.quotable]
    return any(comparison_form(fragment) in text for fragment in question.gold for text in held)


def _figures(language: str, ranks: Sequence[int | None]) -> Figures:
    found = [rank for rank in ranks if rank is not None]
    return Figures(
        language=language,
        questions=len(ranks),
        first=sum(rank == 1 for rank in found) / len(ranks),
        mrr=sum(1 / rank for rank in found) / len(ranks),
        first_five=sum(rank <= 5 for rank in found) / len(ranks),
    )


def percentile_99(milliseconds: Sequence[float]) -> float:
    """The least time that 99 of 100 calls stay within."""
    ordered = sorted(milliseconds)
    return ordered[max(0, -(-len(ordered) * 99 // 100) - 1)]


def table(title: str, rows: Sequence[Row]) -> str:
    """A Markdown table of one task, in the order of the rows."""
    measured = next((row.figures for row in rows if not row.fault), ())
    heads = ["system", "set-up"]
    heads += [f"{each.language} ({each.questions}): first / MRR@10 / first 5" for each in measured]
    heads += ["build s", "median ms", "99 % ms", "processor ms", "peak MB"]
    lines = [f"### {title}", "", _line(heads), _line(["---"] * len(heads))]
    lines += [_line(_cells(row, len(heads))) for row in rows]
    return "\n".join(lines)


def _cells(row: Row, columns: int) -> list[str]:
    if row.fault:
        return [row.system, row.set_up, row.fault, *[""] * (columns - 3)]
    return [
        row.system,
        row.set_up,
        *(str(figures) for figures in row.figures),
        f"{row.build_seconds:.1f}",
        f"{row.median_milliseconds:.2f}",
        f"{row.p99_milliseconds:.2f}",
        f"{row.processor_milliseconds:.2f}",
        f"{row.peak_megabytes:.0f}",
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
