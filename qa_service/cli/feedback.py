"""`qa-service feedback …`: what readers marked as right or wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:  # loading it takes longer than --help
    from qa_service.feedback import FeedbackStore

app = typer.Typer(
    name="feedback", help="What readers marked as right or wrong.", no_args_is_help=True
)

FileOption = Annotated[Path | None, typer.Option("--file", help="The file that keeps it.")]


@app.command("list")
def list_verdicts(
    verdict: Annotated[
        Literal["right", "wrong"] | None, typer.Option("--verdict", help="Only these.")
    ] = None,
    file: FileOption = None,
) -> None:
    """Every verdict, oldest first."""
    from qa_service.cli.display import show_verdicts

    show_verdicts([each for each in _store(file).verdicts() if verdict in (None, each.verdict)])


@app.command()
def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; else standard output.")
    ] = None,
    file: FileOption = None,
) -> None:
    """Make questions for `qa-service evaluate` of the verdicts, one JSON object a line.

    What was marked right gives the words that answer; a question that was only marked wrong is kept
    as `pending`, with the readers' comments, for you to judge.
    """
    from qa_service.cli.opening import say
    from qa_service.errors import FeedbackError
    from qa_service.evaluation import to_json_lines
    from qa_service.feedback import to_questions

    verdicts = _store(file).verdicts()
    questions = to_questions(verdicts)
    lines = to_json_lines(questions)
    if output is None:
        typer.echo(lines, nl=False)
    else:
        try:
            output.write_text(lines, encoding="utf-8")
        except OSError as error:
            raise FeedbackError(
                "output_unwritable", f"{output} cannot be written: {error.strerror}."
            ) from error
    pending = sum(question.pending for question in questions)
    say(
        f"{len(questions)} questions from {len(verdicts)} verdicts"
        + (f"; {pending} pending, only marked wrong: give them `gold`" if pending else "")
    )


def _store(file: Path | None) -> FeedbackStore:
    from qa_service.errors import FeedbackError
    from qa_service.feedback import FeedbackStore
    from qa_service.settings import load_settings

    if file is not None and not file.exists():
        raise FeedbackError("feedback_missing", f"There is no {file}. Correct the path.")
    settings = load_settings(feedback=file).settings
    return FeedbackStore(settings.feedback_path, max_entries=settings.feedback_max_entries)
