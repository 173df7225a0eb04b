"""Results, figures and settings printed for people, and the JSON of those that the API lacks."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import chop_cells
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from qa_service.settings import LoadedSettings
from qa_service.types import Citation, Hit, SearchResult

if TYPE_CHECKING:
    from qa_service.answer_evaluation import AnswerReport
    from qa_service.evaluation import Report
    from qa_service.feedback import Verdict

_INDENT = 4


def show_result(result: SearchResult, console: Console | None = None) -> None:
    """Best first: what to cite, the exact words, and where they stand."""
    console = console or make_console()
    for note in result.degraded:
        console.print(Text(note, style="yellow"))
    if not result.hits:
        console.print("Nothing found. Ask in other words, or with fewer filters.")
    for hit in result.hits:
        _show_hit(hit, console)
    total = result.timings_ms.get("total", 0.0)
    passages = "1 passage" if len(result.hits) == 1 else f"{len(result.hits)} passages"
    console.print(Text(f"{passages} in {total:.1f} ms", style="dim"))


def show_verdicts(verdicts: Sequence[Verdict], console: Console | None = None) -> None:
    """One a line: when, what was said of what, and why."""
    console = console or make_console()
    if not verdicts:
        console.print("No verdicts are kept.")
    for each in verdicts:
        said = f"{each.given_at}  {each.verdict} {each.subject}  {each.question}"
        console.print(Text(_harmless(said)))
        why = [each.comment, *(passage.id for passage in each.passages)]
        for line in filter(None, why):
            console.print(Padding(Text(_harmless(line), style="dim"), (0, 0, 0, _INDENT)))


def _harmless(text: str) -> str:
    """Strangers wrote it: what could steer a terminal becomes a space."""
    return "".join(each if each.isprintable() or each == "\n" else " " for each in text)


def _show_hit(hit: Hit, console: Console) -> None:
    citation = hit.citation
    lines = [
        (citation.label, "bold"),
        (" › ".join(citation.section.path), "dim"),
        (element_of(citation), "dim"),
        (citation.quote.strip(), ""),
        ("…" if hit.passage.shortened else "", ""),
        (f"{place_of(citation)}; score {hit.score:.2f}", "dim"),
    ]
    show_entry(f"{hit.rank}.", lines, console)


def show_entry(mark: str, lines: Sequence[tuple[str, str]], console: Console) -> None:
    """Texts with their styles beside a mark, then an empty line. A terminal gets them folded to its
    width; a pipe gets each on one line, with no blanks at its end."""
    if console.is_terminal:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(justify="right", min_width=_INDENT - 1)
        grid.add_column(overflow="fold")
        for text, style in lines:
            if text:
                folded = Text(fold(text, console.width - _INDENT - 1), style=style)
                grid.add_row(Text(mark, style="bold cyan"), folded)
                mark = ""
        console.print(grid)
    else:
        for text, _ in lines:
            for line in text.replace("\t", " | ").splitlines():
                console.print(Text(f"{mark:>{_INDENT - 1}} {line}"))
                mark = ""
    console.print()


def fold(text: str, width: int) -> str:
    """Lines that fit: Japanese breaks between any two characters, other text at its spaces. The
    cells of a table row, parted by tabs, are shown with a bar between them."""
    lines: list[str] = []
    for line in text.replace("\t", " | ").splitlines():
        wide = any("\u3040" <= character <= "\u9fff" for character in line)
        lines.extend(chop_cells(line, width) if wide else [line])
    return "\n".join(lines)


def element_of(citation: Citation) -> str:
    """Figure, box and notes that the passage belongs to, where the label does not name them."""
    parts = []
    if citation.figure is not None and citation.figure.caption not in citation.label:
        parts.append(f"{citation.figure.label} {citation.figure.caption}".strip())
    if citation.box is not None and citation.box.title not in citation.label:
        parts.append(f"{citation.box.kind} {citation.box.title}".strip())
    parts.extend(
        f"({note.label}) {note.text}" for note in citation.notes if note.text != citation.quote
    )
    return " · ".join(parts)


def place_of(citation: Citation) -> str:
    """The passage's id, and the lines of the source that the quote stands on."""
    passage_id = citation.url.rpartition("#")[2]
    if not citation.spans:
        return passage_id
    first, last = citation.spans[0].line_start, citation.spans[-1].line_end
    lines = f"line {first}" if first == last else f"lines {first} to {last}"
    return f"{passage_id}, {lines} of the source"


def show_report(report: Report, console: Console | None = None) -> None:
    console = console or make_console()
    table = Table(title=f"{len(report.outcomes)} questions, {report.mode}, {report.embedder}")
    for heading in ("language", "questions", "first", "in 3", "in 5", "in 10", "MRR"):
        table.add_column(heading, justify="left" if heading == "language" else "right")
    for summary in report.summaries:
        table.add_row(
            summary.language,
            str(summary.questions),
            *(f"{share:.2f}" for share in summary.hits.values()),
            f"{summary.mrr:.3f}",
        )
    console.print(table)
    console.print(f"Median search: {report.median_milliseconds:.1f} ms")
    if not report.faults:
        console.print("Every citation holds.")
    for fault in report.faults:
        console.print(Text(fault, style="red"))


def show_comparison(reports: Sequence[Report], console: Console | None = None) -> None:
    """One line a model and language, with the interval that the share answered first lies in."""
    from qa_service.model_comparison import interval, name_of

    console = console or make_console()
    table = Table(title=f"{len(reports[0].outcomes)} questions, {reports[0].mode}")
    for heading in ("model", "language", "questions", "first", "(95 %)", "in 5", "MRR", "ms"):
        table.add_column(heading, justify="left" if heading in ("model", "language") else "right")
    for report in reports:
        for summary in report.summaries:
            low, high = interval(report, summary.language)
            table.add_row(
                name_of(report),
                summary.language,
                str(summary.questions),
                f"{summary.hits[1]:.2f}",
                f"{low:.2f}-{high:.2f}",
                f"{summary.hits[5]:.2f}",
                f"{summary.mrr:.3f}",
                f"{report.median_milliseconds:.1f}",
            )
    console.print(table)
    for report in reports:
        for fault in report.faults:
            console.print(Text(f"{name_of(report)}: {fault}", style="red"))


def show_answer_report(report: AnswerReport, console: Console | None = None) -> None:
    console = console or make_console()
    if report.answers:
        table = Table(title="Answers quoted from the documents")
        for heading in ("language", "right", "wrongly refused", "rightly refused"):
            table.add_column(heading, justify="left" if heading == "language" else "right")
        for summary in report.summaries:
            table.add_row(
                summary.language,
                f"{summary.right} of {summary.answerable}",
                f"{summary.wrongly_refused} of {summary.answerable}",
                f"{summary.rightly_refused} of {summary.unanswerable}",
            )
        console.print(table)
    if report.auroc is not None:
        console.print(f"Confidence, answerable above unanswerable (AUROC): {report.auroc:.3f}")
    if report.dialogues:
        console.print(
            f"Follow-ups made to stand alone: {report.dialogues_right} of {report.dialogues}"
        )
    if report.answers and not report.faults:
        console.print("Every statement is verbatim.")
    for fault in report.faults:
        console.print(Text(fault, style="red"))


def report_json(report: Report | None, answers: AnswerReport) -> str:
    value = {} if report is None else _ranking_figures(report)
    value["answers"] = {
        "summaries": [dataclasses.asdict(summary) for summary in answers.summaries],
        "auroc": answers.auroc,
        "reliability": [dataclasses.asdict(each) for each in answers.reliability],
        "dialogues": answers.dialogues,
        "dialogues_right": answers.dialogues_right,
        "faults": answers.faults,
    }
    return json.dumps(value, ensure_ascii=False, indent=2)


def comparison_json(reports: Sequence[Report]) -> str:
    figures = [_ranking_figures(report) for report in reports]
    return json.dumps(figures, ensure_ascii=False, indent=2)


def _ranking_figures(report: Report) -> dict[str, Any]:
    return {
        "mode": report.mode,
        "embedder": report.embedder,
        "reranker": report.reranker,
        "summaries": [dataclasses.asdict(summary) for summary in report.summaries],
        "faults": report.faults,
        "median_ms": report.median_milliseconds,
        "questions": [
            {"id": each.question.id, "rank": each.rank, "first": each.first, "faults": each.faults}
            for each in report.outcomes
        ],
    }


def show_settings(loaded: LoadedSettings, console: Console | None = None) -> None:
    console = console or make_console()
    for setting in loaded.listing():
        console.print(
            Text.assemble(
                (setting.name, "bold"),
                " = ",
                (setting.value or "(none)", "cyan"),
                (f"  [{setting.origin}]", "dim"),
            )
        )
        described = f"{setting.description} {setting.variable}"
        if console.is_terminal:
            console.print(Padding(Text(described), (0, 0, 0, _INDENT)))
        else:  # padding would cut it where a terminal's line ends
            console.print(Text(" " * _INDENT + described))
    for variable in loaded.unknown_variables:
        console.print(Text(f"{variable} is set, but there is no such setting.", style="yellow"))


def settings_json(loaded: LoadedSettings) -> str:
    settings = [dataclasses.asdict(setting) for setting in loaded.listing()]
    return json.dumps(settings, ensure_ascii=False, indent=2)


def make_console() -> Console:
    console = Console(highlight=False)
    console.soft_wrap = not console.is_terminal
    return console
