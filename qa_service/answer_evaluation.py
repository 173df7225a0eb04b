"""Judged questions to figures about answers: are they right, are refusals right, is the confidence
what it says. Ranking is judged in `evaluation`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qa_service.answering.answer import Request, ask
from qa_service.answering.conversation import make_standalone
from qa_service.errors import SettingsError
from qa_service.evaluation import Question, comparison_form
from qa_service.retrieval.index import Index
from qa_service.retrieval.rerank import Reranking
from qa_service.types import AskResult, Support, Turn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINS = 10


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """`right`: the answer's text holds a gold fragment. `faults`: what does not hold, in words."""

    question: Question
    answered: bool
    right: bool
    confidence: float
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerSummary:
    """Of one language: of `answerable` questions `right` were answered rightly and
    `wrongly_refused` refused; of `unanswerable` ones `rightly_refused` were."""

    language: str
    answerable: int
    right: int
    wrongly_refused: int
    unanswerable: int
    rightly_refused: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions whose confidence is alike: its mean, and the share that can be answered."""

    said: float
    true: float
    questions: int


@dataclass(frozen=True, slots=True)
class AnswerReport:
    answers: tuple[JudgedAnswer, ...]
    dialogues: int  # questions with a stand-alone form
    dialogues_right: int

    @property
    def summaries(self) -> tuple[AnswerSummary, ...]:
        languages = dict.fromkeys(answer.question.lang for answer in self.answers)
        chosen = [
            _summarise(language, [a for a in self.answers if a.question.lang == language])
            for language in languages
        ]
        return (*chosen, _summarise("all", self.answers)) if self.answers else ()

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(f"{a.question.id}: {fault}" for a in self.answers for fault in a.faults)

    @property
    def auroc(self) -> float | None:
        """How often an answerable question has more confidence than an unanswerable one; None
        where there are not both."""
        yes = [a.confidence for a in self.answers if a.question.answerable]
        no = [a.confidence for a in self.answers if not a.question.answerable]
        if not yes or not no:
            return None
        won = sum((a > b) + (a == b) / 2 for a in yes for b in no)
        return won / (len(yes) * len(no))

    @property
    def reliability(self) -> tuple[Bin, ...]:
        """Bins of a tenth each, empty ones left out."""
        bins = []
        for number in range(_BINS):
            inside = [
                a for a in self.answers if min(int(a.confidence * _BINS), _BINS - 1) == number
            ]
            if inside:
                said = sum(a.confidence for a in inside) / len(inside)
                true = sum(a.question.answerable for a in inside) / len(inside)
                bins.append(Bin(said, true, len(inside)))
        return tuple(bins)


def evaluate_answers(
    index: Index,
    questions: Sequence[Question],
    *,
    reranking: Reranking | None = None,
    progress: Callable[[int], None] | None = None,
) -> AnswerReport:
    """Ask every question for an extractive answer and judge it; `progress` gets the number done."""
    answers: list[JudgedAnswer] = []
    dialogues = right = 0
    for done, question in enumerate(questions, start=1):
        history = tuple(Turn("user", asked) for asked in question.history)
        if question.standalone is not None:
            dialogues += 1
            right += make_standalone(question.question, history) == question.standalone
        if question.judged:
            request = Request(question.question, history=history)
            result = ask(index, request, reranking=reranking)
            answers.append(_judge(index, question, result))
        if progress:
            progress(done)
    return AnswerReport(tuple(answers), dialogues, right)


def draw_reliability(report: AnswerReport, folder: Path) -> Path:
    """Draw the reliability diagram into `folder`; SettingsError where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SettingsError(
            "plots", "Pictures need matplotlib. Install it: pip install 'qa-service[plots]'"
        ) from error
    figure = Figure(figsize=(5, 5), layout="constrained")
    _draw(figure, report.reliability)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "reliability.png"
    figure.savefig(path, dpi=150)
    return path


def _draw(figure: Figure, bins: Sequence[Bin]) -> None:
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="dotted")
    sizes = [20 + 10 * each.questions for each in bins]
    axes.scatter([each.said for each in bins], [each.true for each in bins], s=sizes)
    axes.set(
        xlabel="confidence, mean of each tenth",
        ylabel="share of questions that can be answered",
        title=f"{sum(each.questions for each in bins)} questions",
        xlim=(0, 1),
        ylim=(-0.05, 1.05),
    )


def _judge(index: Index, question: Question, result: AskResult) -> JudgedAnswer:
    text = comparison_form(result.answer.text)
    return JudgedAnswer(
        question=question,
        answered=result.answer.answered,
        right=result.answer.answered
        and any(comparison_form(gold) in text for gold in question.gold),
        confidence=result.answer.confidence,
        faults=tuple(_faults(index, result)),
    )


def _faults(index: Index, result: AskResult) -> list[str]:
    """Statements that are not verbatim, quotes that are not at their spans."""
    faults = []
    for statement in result.answer.statements:
        if result.answer.text[statement.start : statement.end] != statement.text:
            faults.append("a statement is not at its place in the answer")
        if statement.support is not Support.EXACT or not statement.citations:
            faults.append(f"a statement is {statement.support.value}: {statement.text[:20]}…")
    for citation in result.citations:
        source = index.documents[citation.document.id].source.text
        if "".join(source[s.start : s.end] for s in citation.spans) != citation.quote:
            faults.append(f"the quote of {citation.id} is not what stands at its spans")
    return faults


def _summarise(language: str, answers: Sequence[JudgedAnswer]) -> AnswerSummary:
    yes = [answer for answer in answers if answer.question.answerable]
    no = [answer for answer in answers if not answer.question.answerable]
    return AnswerSummary(
        language=language,
        answerable=len(yes),
        right=sum(answer.right for answer in yes),
        wrongly_refused=sum(not answer.answered for answer in yes),
        unanswerable=len(no),
        rightly_refused=sum(not answer.answered for answer in no),
    )
