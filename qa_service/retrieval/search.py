"""A question to ranked hits: look-ups, legs that score passages, fusion.

One search holds one index from start to end. Pure but for the clock: the same index and question
give the same hits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import InputError, ModelError
from qa_service.reading.citations import cite
from qa_service.reading.shortened import shorten
from qa_service.retrieval.asked import without_request
from qa_service.retrieval.embedding import BUILTIN
from qa_service.retrieval.fusion import choose_weights, fuse
from qa_service.retrieval.han import fold_to_japanese
from qa_service.retrieval.index import Index, embedding_text
from qa_service.retrieval.labels import find_named, find_rows, raised
from qa_service.retrieval.language import detect_language
from qa_service.retrieval.rerank import RERANKED, Reranking, rerank_scores
from qa_service.retrieval.terms import extract_terms, without_invisible
from qa_service.types import Degradation, Filters, Hit, PassageKind, SearchResult

_log = logging.getLogger(__name__)

QUERY_MAX_CHARACTERS = 2_000
TOP_K_MAX = 100

# Candidates of each leg, within the question's language and across languages. Within it the legs are
# surer: more did not find more there (3,000 questions of JaQuAD's training part over 11,144 passages: 12 to
# 32 of each differ by less than 0.001), across languages they did (Kyoto).
_CANDIDATES = 12
_CANDIDATES_ACROSS = 200
_POINTERS = (PassageKind.CAPTION, PassageKind.REFERENCE)
_POINTER_WEIGHT = 0.85
_WHOLE_TABLE_SHARE = 0.98
_SCORE_ALL_UP_TO = 300  # passages: a corpus this small is matched whole
_LINES = 64  # of the rectangle in `_best`
_LEAST = 1e-12
_LISTED_MAX = 20  # ids in a message
_UNRERANKED = "the results stand in the order of the search."
_RERANKER_FAILED = Degradation("reranker_failed", f"The reranker failed: {_UNRERANKED}")
RERANKER_CODES = ("reranker_failed", "reranker_late")  # of `degraded`


class Mode(StrEnum):
    HYBRID = "hybrid"
    DENSE = "dense"
    LEXICAL = "lexical"


def search(
    index: Index,
    query: str,
    *,
    top_k: int = 10,
    mode: Mode = Mode.HYBRID,
    filters: Filters = Filters(),
    reranking: Reranking | None = None,
) -> SearchResult:
    """The `top_k` best passages for a question, best first; fewer when fewer can be found.

    With `reranking` the best of a hybrid search are put into its order; past its deadline, or when it
    fails, the order of the search stands and `degraded` says so.

    Raises InputError for a query that is blank, too long or not text, a `top_k` outside 1 to 100,
    and a filter that names a document or section that the index does not hold.
    """
    clock = _Clock()
    check_query(query)
    check_top_k(top_k)
    allowed = _allowed_rows(index, filters)
    language = detect_language(query, default=index.languages[0] if index.languages else "en")
    question = fold_question(index, query, language)
    hybrid = mode is Mode.HYBRID
    meant = find_named(question, index.titles)
    named = find_rows(index, meant, filters.documents) if hybrid else {}
    if meant.editions:
        others = ~index.elements.allowed(Filters(documents=tuple(meant.editions)))
        allowed = others if allowed is None else allowed & others
    subject = without_request(question)
    ranking = _rank(index, subject, language, mode, allowed, named, top_k, clock)
    degraded = tuple(Degradation("older_index", words) for words in index.degraded)
    if reranking is not None and mode is Mode.HYBRID:
        with clock.stage("rerank"):
            ranking, lacking = _reranked(index, ranking, query, named, reranking)
            degraded += lacking
    places = ranking.order[:top_k].tolist()
    hits = tuple(_hit(index, ranking, place, rank) for rank, place in enumerate(places, start=1))
    clock.finish()
    return SearchResult(
        query=query,
        language=language,
        hits=hits,
        timings_ms=clock.milliseconds,
        degraded=degraded,
    )


def check_query(query: str, *, field_name: str = "query") -> None:
    """InputError for a question that cannot be searched; it names `field_name`."""
    if not without_invisible(query).strip():
        raise InputError(field_name, "The question is empty. Write what you want to know.")
    if len(query) > QUERY_MAX_CHARACTERS:
        raise InputError(
            field_name,
            f"The question has {len(query)} characters; at most {QUERY_MAX_CHARACTERS} are read. "
            "Shorten it.",
        )
    if "\0" in query:
        raise InputError(field_name, "The question holds a NUL character. Remove it.")
    if any("\ud800" <= character <= "\udfff" for character in query):
        raise InputError(
            field_name,
            "The question holds half a surrogate pair, which is no character. Remove it.",
        )


def check_top_k(top_k: int) -> None:
    """InputError for a number of results outside 1 to 100."""
    if not 1 <= top_k <= TOP_K_MAX:
        raise InputError("top_k", f"top_k must be from 1 to {TOP_K_MAX}, not {top_k}.")


def fold_question(index: Index, query: str, language: str) -> str:
    """The question as it is matched: without invisible characters, a Chinese one in Japanese ones,
    an English one with Japanese names as they are written."""
    visible = without_invisible(query)
    return fold_to_japanese(visible) if language == "zh" else index.spell_names(visible, language)


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Candidate rows with what the legs said of them; `order` are places in `rows`, best first."""

    rows: NDArray[np.int64]
    order: NDArray[np.int64]
    scores: NDArray[np.float32]
    legs: Mapping[str, NDArray[np.float32]]


def _rank(
    index: Index,
    question: str,
    language: str,
    mode: Mode,
    allowed: NDArray[np.bool_] | None,
    named: Mapping[int, int],
    top_k: int,
    clock: _Clock,
) -> _Ranking:
    legs: dict[str, NDArray[np.float32]] = {}
    translated = np.zeros(len(index.passages), dtype=np.bool_)
    if mode is not Mode.LEXICAL:
        with clock.stage("embed"):
            vector = index.embedder.encode_queries([question])[0]
    if mode is Mode.DENSE:
        with clock.stage("dense"):
            rows, cosines = index.vectors.search(vector, max(top_k, _CANDIDATES_ACROSS), allowed)
        return _ranked(rows, np.clip(cosines, 0, 1), {"dense": cosines})
    with clock.stage("lexical"):
        terms = extract_terms(question, find_atoms=index.aliases.find)
        legs["lexical"] = index.lexical.scores(terms)
    if mode is Mode.HYBRID:
        with clock.stage("dense"):
            legs["dense"] = index.vectors.similarities(vector)
        if looked_up := index.looked_up(language):
            translated = index.elements.in_language({looked_up})
            with clock.stage("translation"):
                found = index.lexical.translated_scores(index.look_up(question, looked_up))
                legs["translation"] = np.where(translated, found, np.float32(0))
    alike = _alike(index, language)
    rows = _candidates(legs, alike, allowed, top_k, named)
    legs = {name: scores[rows] for name, scores in legs.items()}
    if mode is Mode.LEXICAL:
        return _ranked(rows, legs["lexical"], legs)
    with clock.stage("interaction"):
        legs["interaction"] = index.interaction(question, rows)
    with clock.stage("sentence"):
        legs["sentence"] = index.sentence_similarities(question, vector, rows)
    with clock.stage("fusion"):
        scores = _fused(index, rows, alike[rows], translated[rows], legs)
        scores = _weigh_kinds(index, rows, scores)
        _raise_named(scores, rows, named)
    return _ranked(rows, scores, legs)


def _reranked(
    index: Index,
    ranking: _Ranking,
    query: str,
    named: Mapping[int, int],
    reranking: Reranking,
) -> tuple[_Ranking, tuple[Degradation, ...]]:
    """The best in the reranker's order, the others behind them in theirs; and what went wrong.

    What the question names stays first. `fused` keeps what the search said.
    """
    best = ranking.order[:RERANKED]
    texts = [embedding_text(index.passages[row]) for row in ranking.rows[best]]
    try:
        read = rerank_scores(reranking, query, texts)
    except ModelError as error:
        _log.error("the reranker failed: %s", error.message)
        return ranking, (_RERANKER_FAILED,)
    if read is None:
        words = f"The reranker took over {reranking.seconds:g} s: {_UNRERANKED}"
        return ranking, (Degradation("reranker_late", words),)
    said = np.full(len(ranking.rows), np.nan, dtype=np.float32)
    said[best] = read
    scores = ranking.scores.copy()
    scores[best] = _weigh_kinds(index, ranking.rows[best], read)
    _raise_named(scores, ranking.rows, named)
    rest = ranking.order[RERANKED:]
    scores[rest] = np.minimum(ranking.scores[rest], scores[best].min(initial=1.0))
    legs = {**ranking.legs, "fused": ranking.scores, "rerank": said}
    order = np.concatenate([best[np.argsort(-scores[best], kind="stable")], rest])
    return _Ranking(ranking.rows, order, scores, legs), ()


def _candidates(
    legs: Mapping[str, NDArray[np.float32]],
    alike: NDArray[np.bool_],
    allowed: NDArray[np.bool_] | None,
    top_k: int,
    named: Iterable[int],
) -> NDArray[np.int64]:
    """The rows that any leg puts among its best and those that the question names, in row order;
    all rows of a small corpus."""
    rows = np.arange(len(alike)) if allowed is None else np.flatnonzero(allowed)
    if len(rows) <= _SCORE_ALL_UP_TO:
        return rows
    groups = [(alike, _CANDIDATES), (~alike, _CANDIDATES_ACROSS)]
    best = [
        _best(scores, among if allowed is None else among & allowed, max(top_k, depth))
        for scores in legs.values()
        for among, depth in groups
        if among.any()
    ]
    kept = np.array([row for row in named if allowed is None or allowed[row]], dtype=np.int64)
    return np.unique(np.concatenate([*best, kept]))


def _best(scores: NDArray[np.float32], among: NDArray[np.bool_], depth: int) -> NDArray[np.int64]:
    """The `depth` best rows among some, in no order; what has nothing of the question is not there.

    As many columns of a rectangle of scores have as good a best one, so no row below the last of
    those bests is looked at: most are not.
    """
    scores = np.where(among, scores, np.float32(0))
    columns = len(scores) // _LINES
    bound = np.float32(_LEAST)
    if columns > depth:
        bests = scores[: _LINES * columns].reshape(_LINES, columns).max(axis=0)
        bound = max(bound, np.partition(bests, columns - depth)[columns - depth])
    found = np.flatnonzero(scores >= bound)
    if len(found) <= depth:
        return found
    return found[np.argpartition(-scores[found], depth)[:depth]]


def _alike(index: Index, language: str) -> NDArray[np.bool_]:
    """Which rows share the question's words, (passages,): those in its language, and for a Chinese
    one, folded to Japanese characters, the Japanese."""
    return index.elements.in_language({"ja", "zh"} if language == "zh" else {language})


def _fused(
    index: Index,
    rows: NDArray[np.int64],
    alike: NDArray[np.bool_],
    translated: NDArray[np.bool_],
    legs: Mapping[str, NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Documents in the question's language (`alike`, row for row), those in the one that its words were
    looked up in (`translated`), and others are weighed differently."""
    transformer = index.embedder.name != BUILTIN
    same, other = (
        fuse(choose_weights(same_language=each, transformer=transformer), legs)
        for each in (True, False)
    )
    if "translation" in legs:
        weights = choose_weights(same_language=False, translated=True, transformer=transformer)
        other = np.where(translated, fuse(weights, legs), other)
    return np.where(alike, same, other)


def _weigh_kinds(
    index: Index, rows: NDArray[np.int64], scores: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Pointers count less than statements, and a whole table no more than its best row.

    A caption or a 参照 line names a subject and says nothing of it. A long table matches a little of
    everything; where it is the answer, one of its rows says so more exactly.
    """
    elements = index.elements
    weighed = np.where(elements.is_kind(*_POINTERS, rows=rows), scores * _POINTER_WEIGHT, scores)
    best: dict[tuple[str, str | None], float] = {}
    for place in np.flatnonzero(elements.is_kind(PassageKind.TABLE_ROW, rows=rows)):
        passage = index.passages[rows[place]]
        table = (passage.document_id, passage.figure_id)
        best[table] = max(best.get(table, 0.0), float(scores[place]))
    for place in np.flatnonzero(elements.is_kind(PassageKind.TABLE, rows=rows)):
        passage = index.passages[rows[place]]
        limit = best.get((passage.document_id, passage.figure_id))
        if limit is not None:
            weighed[place] = min(float(weighed[place]), limit * _WHOLE_TABLE_SHARE)
    return weighed


def _raise_named(
    scores: NDArray[np.float32], rows: NDArray[np.int64], named: Mapping[int, int]
) -> None:
    """Puts what the question names before the rest; `rows` are in order."""
    for row, strength in named.items():
        place = int(np.searchsorted(rows, row))
        if place < len(rows) and rows[place] == row:
            scores[place] = raised(float(scores[place]), strength)


def _ranked(
    rows: NDArray[np.int64],
    scores: NDArray[np.float32],
    legs: Mapping[str, NDArray[np.float32]],
) -> _Ranking:
    """Best first; equal scores keep the order of the documents. A score of 0 is no hit."""
    order = np.argsort(-scores, kind="stable")
    return _Ranking(rows, order[scores[order] > 0], scores, legs)


def _hit(index: Index, ranking: _Ranking, place: int, rank: int) -> Hit:
    passage = shorten(index.passages[ranking.rows[place]])
    return Hit(
        rank=rank,
        score=round(float(ranking.scores[place]), 4),
        scores={
            name: round(float(scores[place]), 4)
            for name, scores in ranking.legs.items()
            if not np.isnan(scores[place])
        },
        passage=passage,
        citation=cite(index.documents[passage.document_id], passage),
    )


def _allowed_rows(index: Index, filters: Filters) -> NDArray[np.bool_] | None:
    """True for the rows that pass all filters; None when there is no filter."""
    check_filters(index, filters)
    if filters == Filters():
        return None
    return index.elements.allowed(filters)


def check_filters(index: Index, filters: Filters) -> None:
    """InputError for a filter that names a document or section that the index does not hold."""
    for document in filters.documents:
        check_document(index, document, field_name="filters.documents")
    if filters.section is not None:
        check_section(index, filters.section, filters.documents, field_name="filters.section")


def check_document(index: Index, document: str, *, field_name: str) -> None:
    """InputError for a document that the index does not hold; it names `field_name`."""
    if document not in index.documents:
        raise InputError(
            field_name,
            f"There is no document {document!r}. The documents are: {_first(index.documents)}.",
        )


def check_section(index: Index, section: str, documents: Sequence[str], *, field_name: str) -> None:
    """InputError for a section that none of the documents has; without `documents`, that no
    document has."""
    sections = {
        each.id: f"{each.id} ({each.number})" if each.number else each.id
        for document in documents or index.documents
        for each in index.documents[document].sections
    }
    if section not in sections:
        raise InputError(
            field_name,
            f"There is no section {section!r}. The sections are: {_first(sections.values())}.",
        )


def _first(ids: Iterable[str]) -> str:
    """`lead, 1 (第1節), 1/1 (第1節1)`, or when there are many, the first and how many more."""
    listed = list(ids)
    more = len(listed) - _LISTED_MAX
    return ", ".join(listed[:_LISTED_MAX]) + (f" and {more} more" if more > 0 else "")


class _Clock:
    """Milliseconds by stage."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.milliseconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.milliseconds[name] = _milliseconds_since(started)

    def finish(self) -> None:
        self.milliseconds["total"] = _milliseconds_since(self._started)


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
