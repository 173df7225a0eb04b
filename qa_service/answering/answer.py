"""A question to an answer: make it stand alone, search, decide whether there is an answer, give it.

`stream_answer` tells what happens as it happens; `ask` gives the whole. Both give the same answer,
with the same citation numbers: they are assigned here, once, in the order of first use.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import anyio
import anyio.to_thread

from qa_service.answering.confidence import Confidence, assess
from qa_service.answering.conversation import make_standalone
from qa_service.answering.events import Cited, Delta, Done, Event, Sources
from qa_service.answering.extract import extract
from qa_service.answering.of_year import heading_of_year
from qa_service.answering.phrases import phrase
from qa_service.answering.refusal import Verdict, judge
from qa_service.answering.units import Extract, is_verbatim
from qa_service.answering.years import asked_years
from qa_service.errors import GenerationError, InputError
from qa_service.reading.citations import cite_spans
from qa_service.reading.table_rows import row_cells
from qa_service.retrieval.asked import without_request
from qa_service.retrieval.index import Index
from qa_service.retrieval.language import detect_language, primary_language
from qa_service.retrieval.rerank import Reranking
from qa_service.retrieval.search import (
    check_query,
    check_top_k,
    fold_question,
    search,
)
from qa_service.types import (
    Answer,
    AnswerMode,
    AskResult,
    Citation,
    Degradation,
    Document,
    Filters,
    LabelledCell,
    Reason,
    SearchResult,
    Span,
    Statement,
    Support,
    Turn,
)

if TYPE_CHECKING:  # loading OpenAI's client takes longer than a search
    from qa_service.answering.generate import Generator
    from qa_service.answering.verify import DraftStatement

HISTORY_MAX_TURNS = 100
TURN_MAX_CHARACTERS = 20_000
_NO_MODEL = Degradation(
    "no_language_model", "No language model is set up: the answer is quoted from the documents."
)
_NOTHING_BORNE_OUT = Degradation(
    "language_model_unfounded", "The language model said nothing that the passages bear out."
)
_ROLES = ("user", "assistant", "system")


@dataclass(frozen=True, slots=True)
class Request:
    """A question with its conversation. `language` is that of the answer, `auto` the question's;
    `mode` `auto` uses the language model where there is one."""

    question: str
    history: tuple[Turn, ...] = ()
    top_k: int = 10
    filters: Filters = field(default_factory=Filters)
    mode: Literal["auto", "extractive", "generated"] = "auto"
    language: str = "auto"


def check_request(request: Request) -> None:
    """InputError for what cannot be answered; it names the field as the HTTP contract spells it."""
    check_query(request.question, field_name="question")
    check_top_k(request.top_k)
    if len(request.history) > HISTORY_MAX_TURNS:
        raise InputError(
            "history",
            f"The history has {len(request.history)} entries; at most {HISTORY_MAX_TURNS} are "
            "read. Send the last ones.",
        )
    for place, turn in enumerate(request.history):
        if turn.role not in _ROLES:
            raise InputError(
                f"history.{place}.role", f"{turn.role!r} is no role. Use {', '.join(_ROLES)}."
            )
        if len(turn.content) > TURN_MAX_CHARACTERS:
            raise InputError(
                f"history.{place}.content",
                f"The entry has {len(turn.content)} characters; at most {TURN_MAX_CHARACTERS} are "
                "read. Shorten it.",
            )
        if any("\ud800" <= character <= "\udfff" for character in turn.content):
            raise InputError(
                f"history.{place}.content",
                "The entry holds half a surrogate pair, which is no character. Remove it.",
            )
        if "\0" in turn.content:
            raise InputError(
                f"history.{place}.content", "The entry holds a NUL character. Remove it."
            )


def ask(index: Index, request: Request, *, reranking: Reranking | None = None) -> AskResult:
    """The extractive answer, computed at once; for the command line and for judging."""
    check_request(request)
    started = time.perf_counter()
    found = _find(index, request, _standalone_by_rule(request), reranking)
    composed = _compose_extractive(index, found)
    return _finish(request, found, composed, started, ())


async def stream_answer(
    index: Index,
    request: Request,
    *,
    generator: Generator | None = None,
    limiter: anyio.CapacityLimiter | None = None,
    reranking: Reranking | None = None,
) -> AsyncGenerator[Event, None]:
    """Sources, then citations and deltas, at last Done. Computing runs in worker threads.

    With a `generator` and a mode that allows it the answer is generated and checked; when that
    fails, it is extractive and says that it is degraded. `limiter` bounds the worker
    threads. Raises InputError before anything else.
    """
    check_request(request)
    started = time.perf_counter()
    degraded: list[Degradation] = []
    use_model = generator is not None and request.mode != "extractive"
    if request.mode == "generated" and generator is None:
        degraded.append(_NO_MODEL)
    standalone = await _standalone(request, generator if use_model else None, limiter)
    found = await anyio.to_thread.run_sync(
        partial(_find, index, request, standalone, reranking), limiter=limiter
    )
    yield Sources(found.result.hits, standalone, found.result.language)
    composed = _Composition(AnswerMode.GENERATED)
    if generator is not None and use_model and found.verdict.answered:
        try:
            drafts = generator.generate(
                standalone,
                request.history,
                found.result.hits,
                found.language,
                documents=index.documents,
                model=index.pieces.model,
            )
            async with aclosing(drafts):
                async for draft in drafts:
                    for event in composed.add_draft(draft, found.result):
                        yield event
        except GenerationError as error:
            words = f"The language model failed ({error.code}): {error.message}"
            degraded.append(Degradation("language_model_failed", words))
        if not composed.statements and not degraded:
            degraded.append(_NOTHING_BORNE_OUT)
    if not composed.statements:
        composed = await anyio.to_thread.run_sync(
            partial(_compose_extractive, index, found), limiter=limiter
        )
        for event in composed.events:
            yield event
    yield Done(_finish(request, found, composed, started, degraded))


# --- finding -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """What the search gave, and whether that is enough."""

    result: SearchResult
    standalone: str
    language: str  # of the answer
    document_language: str
    confidence: Confidence
    verdict: Verdict
    extracts: tuple[Extract, ...]  # what answers in the documents' own words


async def _standalone(
    request: Request, generator: Generator | None, limiter: anyio.CapacityLimiter | None
) -> str:
    if generator is not None and request.history:
        rewritten = await generator.rewrite(request.question, request.history)
        if rewritten and _can_be_searched(rewritten):
            return rewritten
    return await anyio.to_thread.run_sync(_standalone_by_rule, request, limiter=limiter)


def _standalone_by_rule(request: Request) -> str:
    """The question as asked where putting the topic in makes it longer than a search takes."""
    standalone = make_standalone(request.question, request.history)
    return standalone if _can_be_searched(standalone) else request.question


def _can_be_searched(question: str) -> bool:
    try:
        check_query(question)
    except InputError:
        return False
    return True


def _find(index: Index, request: Request, standalone: str, reranking: Reranking | None) -> _Found:
    result = search(
        index, standalone, top_k=request.top_k, filters=request.filters, reranking=reranking
    )
    language = detect_language(request.question, default=result.language)
    answer_language = language if request.language == "auto" else primary_language(request.language)
    best = result.hits[0].passage if result.hits else None
    document_language = primary_language(index.languages[index.rows[best.id]]) if best else language
    folded = fold_question(index, standalone, result.language)
    confidence = assess(
        index,
        without_request(folded),
        result.hits,
        same_language=document_language == result.language,
    )
    verdict = judge(
        index, standalone, result,
        documents=request.filters.documents, sufficient=confidence.sufficient,
    )  # fmt: skip
    extracts = extract(index, folded, result.hits) if verdict.answered else ()
    if verdict.answered and not extracts and asked_years(folded):
        verdict = Verdict(Reason.NOT_IN_DOCUMENTS)
    if verdict.answered is not confidence.sufficient:
        # A look-up decided: the element or name is there, or it is not.
        confidence = replace(confidence, probability=1.0 if verdict.answered else 0.0)
    return _Found(
        result, standalone, answer_language, document_language, confidence, verdict, extracts
    )


# --- composing ---------------------------------------------------------------------------------


class _Composition:
    """The answer's text while it grows, with its statements, citations and events."""

    def __init__(self, mode: AnswerMode) -> None:
        self.mode = mode
        self.text = ""
        self.statements: list[Statement] = []
        self.citations: list[Citation] = []
        self.events: list[Event] = []

    def say(self, text: str) -> Iterator[Event]:
        """Words of the service's own, which state nothing."""
        yield from self._write(text)

    def add_extract(
        self, unit: Extract, citation: Citation, document: Document, *, lead: str = ""
    ) -> Iterator[Event]:
        """`lead` stands before it: the heading that says of which year it tells."""
        verbatim = is_verbatim(unit.content, document.source.text)
        support = Support.EXACT if verbatim else Support.NORMALISED
        cells = row_cells(document, unit.passage)
        yield from self._add(unit.text, [citation], support, cells, lead=lead)

    def add_draft(self, draft: DraftStatement, result: SearchResult) -> Iterator[Event]:
        citations = [result.hits[place].citation for place in draft.passages]
        yield from self._add(draft.text, citations, draft.support)

    def _add(
        self,
        text: str,
        citations: Sequence[Citation],
        support: Support,
        cells: tuple[LabelledCell, ...] = (),
        *,
        lead: str = "",
    ) -> Iterator[Event]:
        if before := ("\n" if self.text else "") + lead:
            yield from self._write(before)
        numbers = []
        for citation in citations:
            if citation.id not in (known := [each.id for each in self.citations]):
                self.citations.append(citation)
                yield self._happen(Cited(len(self.citations), citation))
                numbers.append(len(self.citations))
            else:
                numbers.append(known.index(citation.id) + 1)
        start = len(self.text)
        self.statements.append(
            Statement(text, start, start + len(text), tuple(dict.fromkeys(numbers)), support, cells)
        )
        marks = "".join(f"[{number}]" for number in self.statements[-1].citations)
        yield from self._write(f"{text} {marks}")

    def _write(self, text: str) -> Iterator[Event]:
        self.text += text
        yield self._happen(Delta(text))

    def _happen(self, event: Event) -> Event:
        self.events.append(event)
        return event


def _compose_extractive(index: Index, found: _Found) -> _Composition:
    """The whole answer from the documents' own words, or the refusal."""
    composed = _Composition(AnswerMode.EXTRACTIVE)
    if found.extracts:
        if found.verdict.label:
            _exhaust(
                composed.say(phrase("reference", found.language, label=found.verdict.label) + "\n")
            )
        if found.language != found.document_language:
            _exhaust(
                composed.say(
                    phrase("quoted", found.language, document_language=found.document_language)
                )
            )
        headings = [heading_of_year(unit) for unit in found.extracts]
        several = len(set(filter(None, headings))) > 1
        above = ""
        for unit, heading in zip(found.extracts, headings, strict=True):
            document = index.documents[unit.passage.document_id]
            lead = f"{heading}: " if several and heading and heading != above else ""
            _exhaust(composed.add_extract(unit, _cite(index, unit), document, lead=lead))
            above = heading
    if not composed.statements:
        reason = found.verdict.reason or Reason.NOT_IN_DOCUMENTS
        _exhaust(composed.say(phrase(reason.value, found.language, label=found.verdict.label)))
    return composed


def _exhaust(events: Iterator[Event]) -> None:
    for _ in events:
        pass


def _cite(index: Index, unit: Extract) -> Citation:
    """The citation of the unit's own words: the passage's spans, cut to where the unit stands."""
    first = min(span.start for span in unit.spans)
    last = max(span.end for span in unit.spans)
    clipped = [
        Span(max(span.start, first), min(span.end, last))
        for span in unit.passage.spans
        if span.start < last and span.end > first
    ]
    return cite_spans(index.documents[unit.passage.document_id], unit.passage, clipped)


def _finish(
    request: Request,
    found: _Found,
    composed: _Composition,
    started: float,
    degraded: Sequence[Degradation],
) -> AskResult:
    answered = bool(composed.statements)
    reason = None if answered else found.verdict.reason or Reason.NOT_IN_DOCUMENTS
    total = round((time.perf_counter() - started) * 1000, 3)
    return AskResult(
        question=request.question,
        standalone_question=found.standalone,
        answer=Answer(
            text=composed.text,
            answered=answered,
            reason=reason,
            mode=composed.mode,
            language=found.language,
            confidence=found.confidence.probability,
            statements=tuple(composed.statements),
        ),
        citations=tuple(composed.citations),
        hits=found.result.hits,
        timings_ms={
            **found.result.timings_ms,
            "search": found.result.timings_ms["total"],
            "total": total,
        },
        degraded=(*found.result.degraded, *degraded),
    )
