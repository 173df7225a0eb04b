"""Judged questions to figures: how often the right passage comes first, and whether citations hold.

A question file has one JSON object a line:

    {"id": "q1", "lang": "ja", "question": "…", "gold": ["…"], "section": "1/3", "label": null}

A passage answers when its text or its quote, folded (NFKC, no white space), contains one of the
`gold` fragments; with `document` instead of `gold`, when it belongs to that document. `section` (the
number path below the top section, or the whole id; `章頭` for the lead) and `label` (the figure, box or footnote) are
what the citation of the first answering passage must name; null where the question fixes none. A
question with `gold: []` cannot be answered and counts for no ranking figure. `history` holds the
questions asked before it, `standalone` what it means with them: such a question counts only there.
A `pending` question has not been judged and counts nowhere; `comment` is for people.
"""

from __future__ import annotations

import json
import statistics
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from qa_service.errors import CorpusError, ModelError
from qa_service.retrieval.index import Index
from qa_service.retrieval.rerank import Reranking
from qa_service.retrieval.search import RERANKER_CODES, Mode, search
from qa_service.types import Citation, Hit

_DEPTHS = (1, 3, 5, 10)
_LEAD = "章頭"
_USUAL_KEYS = {"id", "lang", "question", "gold", "section", "label"}


class Question(BaseModel):
    """One line of a question file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    lang: str
    question: str
    gold: tuple[str, ...] = ()
    section: str | None = None
    label: str | None = None
    document: str | None = None
    history: tuple[str, ...] = ()
    standalone: str | None = None
    pending: bool = False
    comment: str = ""

    @property
    def answerable(self) -> bool:
        return bool(self.gold) or self.document is not None

    @property
    def judged(self) -> bool:
        """Whether its answer is known, an absent one included."""
        return not self.pending and (self.standalone is None or self.answerable)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`rank` of the first answering passage, None when it is not among the first ten.

    `faults` are citations that do not hold, in words; `first` is what came first instead.
    """

    question: Question
    rank: int | None
    faults: tuple[str, ...]
    first: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures over the answerable questions of one language: `hits[k]` is the share of questions
    with an answering passage among the first k, `mrr` the mean of 1/rank (0 beyond ten)."""

    language: str
    questions: int
    hits: dict[int, float]
    mrr: float


@dataclass(frozen=True, slots=True)
class Report:
    mode: str
    embedder: str
    outcomes: tuple[Outcome, ...]
    reranker: str = ""  # empty for none

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """One a language, in the order of first appearance, and `all`."""
        answerable = [outcome for outcome in self.outcomes if outcome.question.answerable]
        languages = dict.fromkeys(outcome.question.lang for outcome in answerable)
        chosen = [
            _summarise(language, [o for o in answerable if o.question.lang == language])
            for language in languages
        ]
        return (*chosen, _summarise("all", answerable)) if answerable else ()

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(
            f"{outcome.question.id}: {fault}"
            for outcome in self.outcomes
            for fault in outcome.faults
        )

    @property
    def median_milliseconds(self) -> float:
        return statistics.median(outcome.milliseconds for outcome in self.outcomes)


def read_questions(path: Path) -> tuple[Question, ...]:
    """The questions of a `.jsonl` file; CorpusError names the file and line of a bad one."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # U+2028 may stand in a text
    except OSError as error:
        raise CorpusError(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CorpusError(path, "is not UTF-8; save it as UTF-8") from error
    questions: list[Question] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            questions.append(Question.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the line"
            raise CorpusError(path, f"{place}: {first['msg']}", line=number) from error
    if not questions:
        raise CorpusError(path, "holds no question; one JSON object a line is expected")
    if all(question.pending for question in questions):
        raise CorpusError(
            path, "holds only pending questions: give each its `gold` and take `pending` away"
        )
    return tuple(questions)


def to_json_lines(questions: Iterable[Question]) -> str:
    """What `read_questions` reads: the usual keys always, the others where they are set."""
    lines = []
    for question in questions:
        values = question.model_dump(mode="json")
        kept = question.model_dump(exclude_defaults=True).keys() | _USUAL_KEYS
        chosen = {name: value for name, value in values.items() if name in kept}
        lines.append(f"{json.dumps(chosen, ensure_ascii=False)}\n")
    return "".join(lines)


def evaluate(
    index: Index,
    questions: Sequence[Question],
    *,
    mode: Mode = Mode.HYBRID,
    reranking: Reranking | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Ask every question and judge the first ten passages; `progress` gets the number done.

    Raises ModelError where the reranker fails or takes too long: figures of a search without it are
    not its own.
    """
    outcomes: list[Outcome] = []
    for done, question in enumerate(questions, start=1):
        outcomes.append(_judge(index, question, mode, reranking))
        if progress:
            progress(done)
    reranker = reranking.reranker.name if reranking is not None else ""
    return Report(mode.value, index.embedder.name, tuple(outcomes), reranker)


def _judge(index: Index, question: Question, mode: Mode, reranking: Reranking | None) -> Outcome:
    result = search(index, question.question, top_k=max(_DEPTHS), mode=mode, reranking=reranking)
    failed = [each for each in result.degraded if each.code in RERANKER_CODES]
    if reranking is not None and failed:
        raise ModelError(
            f"{reranking.reranker.name} could not be judged, at question {question.id}: "
            f"{' '.join(failed)}"
        )
    answering = next((hit for hit in result.hits if _answers(hit, question)), None)
    faults = [fault for hit in result.hits for fault in _citation_faults(index, hit)]
    if answering is not None:
        faults.extend(_naming_faults(answering, question))
    return Outcome(
        question=question,
        rank=None if answering is None else answering.rank,
        faults=tuple(faults),
        first=result.hits[0].passage.id if result.hits else "",
        milliseconds=result.timings_ms.get("total", 0.0),
    )


def _answers(hit: Hit, question: Question) -> bool:
    if question.document is not None:
        return hit.passage.document_id == question.document
    held = comparison_form(hit.passage.text), comparison_form(hit.citation.quote)
    return any(comparison_form(fragment) in text for fragment in question.gold for text in held)


def comparison_form(text: str) -> str:
    """What two texts share that say the same in print: NFKC, no white space; case counts."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def _citation_faults(index: Index, hit: Hit) -> list[str]:
    """What the citation claims and the document does not bear out."""
    document = index.documents[hit.passage.document_id]
    source = document.source.text
    citation = hit.citation
    faults = []
    if "".join(source[span.start : span.end] for span in citation.spans) != citation.quote:
        faults.append(f"the quote of {hit.passage.id} is not what stands at its spans")
    if citation.section.id not in {section.id for section in document.sections}:
        faults.append(f"{hit.passage.id} cites section {citation.section.id!r}, which is not there")
    labels = {figure.label for figure in document.figures}
    if citation.figure is not None and citation.figure.label not in labels:
        faults.append(f"{hit.passage.id} cites {citation.figure.label!r}, which is not there")
    return faults


def _naming_faults(hit: Hit, question: Question) -> list[str]:
    """Where the answering citation does not name the section or element that was judged."""
    faults = []
    section = hit.citation.section.id
    if question.section is not None:
        below_top = section.partition("/")[2]
        wanted = "lead" if question.section == _LEAD else question.section
        if wanted not in (section, below_top):
            faults.append(f"cites section {section!r}, judged {question.section!r}")
    if question.label is not None and question.label not in _named(hit.citation):
        faults.append(f"does not name {question.label!r}")
    return faults


def _named(citation: Citation) -> set[str]:
    names = {note.label for note in citation.notes}
    if citation.figure is not None:
        names.add(citation.figure.label)
    if citation.box is not None:
        names.add(citation.box.kind)
    return names


def _summarise(language: str, outcomes: Sequence[Outcome]) -> Summary:
    ranks = [outcome.rank for outcome in outcomes]
    return Summary(
        language=language,
        questions=len(ranks),
        hits={
            depth: sum(rank is not None and rank <= depth for rank in ranks) / len(ranks)
            for depth in _DEPTHS
        },
        mrr=sum(1 / rank for rank in ranks if rank is not None) / len(ranks),
    )
