"""The JSON of a search and of a passage, in and out, with words for the API docs.

The HTTP contract's field names are here and in `document_schemas`, nowhere else; the command line
prints `--json` from these models too. Imports no web framework.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from qa_service.types import (
    Citation,
    Degradation,
    Filters,
    Hit,
    Passage,
    PassageKind,
    SearchResult,
)

# --- in ----------------------------------------------------------------------------------------


class Input(BaseModel):
    """Strangers' data: no unknown fields, and no value of one type taken for another."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SearchFilters(Input):
    """Only passages that pass every filter are found."""

    documents: list[str] = Field(
        default=[], max_length=100, description="Ids of documents; empty: all documents."
    )
    kinds: list[Annotated[PassageKind, Field(strict=False)]] = Field(
        default=[], max_length=100, description="Kinds of passages; empty: all kinds."
    )
    section: str | None = Field(
        default=None,
        description="Id of a section, as in a citation; sections below it are let through too.",
        examples=["1/3"],
    )

    def to_filters(self) -> Filters:
        return Filters(tuple(self.documents), tuple(self.kinds), self.section)


class SearchRequest(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"query": "日米「2+2」には誰が出席しますか", "top_k": 3},
                {"query": "Figure III-2-1-1", "filters": {"kinds": ["table"]}},
            ]
        }
    )

    query: str = Field(
        description="The question, or what to look for, in any language; 1 to 2,000 characters."
    )
    top_k: int = Field(default=10, ge=1, le=100, description="How many passages to return at most.")
    mode: Literal["hybrid", "dense", "lexical"] = Field(
        default="hybrid",
        description="`hybrid` ranks by meaning and by words, `dense` by meaning alone, "
        "`lexical` by words alone.",
    )
    rerank: bool = Field(
        default=False, description="Reorder the best passages with a reranker, where one is set up."
    )
    filters: SearchFilters = Field(
        default_factory=SearchFilters,
        description="`documents` (ids), `kinds` (of passages), `section` (id): what may be found.",
    )
    explain: bool = Field(
        default=False, description="Say of each result which words it shares with the question."
    )


# --- out: passages and citations ---------------------------------------------------------------


class Output(BaseModel):
    """Made from the value of the same shape in `qa_service.types`."""

    model_config = ConfigDict(from_attributes=True)


class PassageOut(Output):
    id: str = Field(description="Stable: the same source gives the same id.")
    kind: PassageKind
    text: str = Field(description="The passage, cleaned for reading. Not for quoting: see `quote`.")
    shortened: bool = Field(
        default=False,
        exclude_if=lambda shortened: not shortened,
        description="True where a long table is cut to its first rows, its `text` ending in `…`; "
        "`quote` and `spans` are of these. All of it: `GET /v1/passages/{id}`.",
    )

    @classmethod
    def of(cls, passage: Passage) -> Self:
        text = f"{passage.text}\n…" if passage.shortened else passage.text
        return cls(id=passage.id, kind=passage.kind, text=text, shortened=passage.shortened)


class DocumentRefOut(Output):
    id: str
    title: str


class SectionRefOut(Output):
    id: str = Field(examples=["1/1/3"])
    number: str = Field(description="The printed number, from the top.", examples=["第1節1-3"])
    title: str
    path: tuple[str, ...] = Field(description="The headings from the top down to this section.")


class FigureRefOut(Output):
    label: str = Field(
        description="The printed number; empty for a photo that has none.",
        examples=["図表Ⅲ-2-1-1"],
    )
    kind: str = Field(examples=["table"])
    caption: str


class BoxRefOut(Output):
    kind: str = Field(examples=["KEY WORD"])
    title: str


class NoteRefOut(Output):
    label: str = Field(examples=["1"])
    text: str


class SpanOut(Output):
    start: int = Field(description="Offset in the source text, in code points from 0.")
    end: int = Field(description="Offset in the source text; the character there is not included.")
    line_start: int = Field(description="Line of `start`, from 1.")
    line_end: int


class CitationOut(Output):
    id: str = Field(description="Stable: the same place in the same source has the same id.")
    label: str = Field(
        description="The citation in one line, as one would print it.",
        examples=["令和6年版防衛白書 第Ⅲ部第2章第1節1-3「グローバルな課題への対応」"],
    )
    document: DocumentRefOut
    section: SectionRefOut
    figure: FigureRefOut | None = Field(description="The figure or table that the passage is of.")
    box: BoxRefOut | None = Field(description="The box (KEY WORD, 解説, …) that it stands in.")
    notes: tuple[NoteRefOut, ...] = Field(description="Notes and footnotes that it points to.")
    spans: tuple[SpanOut, ...] = Field(description="Where it stands in the source text.")
    quote: str = Field(description="The source between the spans, joined, unchanged.")
    page: int | None = Field(description="Null where the source has no page numbers.")
    url: str = Field(description="Link to the passage, relative to this service.")


class HitOut(Output):
    rank: int
    score: float = Field(description="0 to 1; the hits stand in its order.")
    scores: dict[str, float] = Field(
        description="What each part of the search said, in its own unit.",
        examples=[{"lexical": 0.83, "interaction": 0.9, "sentence": 0.64, "dense": 0.71}],
    )
    passage: PassageOut
    citation: CitationOut


class ExplainedHitOut(HitOut):
    matched_terms: tuple[str, ...] | None = Field(
        default=None,
        exclude_if=lambda terms: terms is None,
        description="With `explain`: the words of the question that the passage holds, as the "
        "passage spells them; empty when it was found by meaning alone.",
    )


class SearchResponse(Output):
    query: str
    language: str = Field(description="Language of the question, as found.", examples=["ja"])
    results: tuple[ExplainedHitOut, ...]
    degraded: tuple[str, ...] = Field(
        description="What was left out or done with a lesser part, in words; mostly empty."
    )
    degraded_codes: tuple[str, ...] = Field(
        description="The kind of each line of `degraded`; these do not change.",
        examples=[["language_model_failed"]],
    )
    timings_ms: dict[str, float] = Field(examples=[{"lexical": 0.2, "total": 0.6}])

    @classmethod
    def of(
        cls,
        result: SearchResult,
        *,
        degraded: Sequence[Degradation] = (),
        matched_terms: Callable[[Hit], tuple[str, ...]] | None = None,
    ) -> Self:
        """`matched_terms` explains a hit; None where no explanation was asked for."""
        return cls(
            query=result.query,
            language=result.language,
            results=tuple(
                ExplainedHitOut(
                    **dict(_hit(hit)), matched_terms=matched_terms(hit) if matched_terms else None
                )
                for hit in result.hits
            ),
            degraded=(*result.degraded, *degraded),
            degraded_codes=tuple(each.code for each in (*result.degraded, *degraded)),
            timings_ms=dict(result.timings_ms),
        )


class PassageResponse(Output):
    passage: PassageOut
    citation: CitationOut
    previous: PassageOut | None = Field(description="The passage before it in its document.")
    next: PassageOut | None = Field(description="The passage after it in its document.")

    @classmethod
    def of(
        cls,
        passage: Passage,
        citation: Citation,
        *,
        previous: Passage | None,
        next: Passage | None,
    ) -> Self:
        return cls(
            passage=PassageOut.of(passage),
            citation=CitationOut.model_validate(citation),
            previous=None if previous is None else PassageOut.of(previous),
            next=None if next is None else PassageOut.of(next),
        )


def _hit(hit: Hit) -> HitOut:
    return HitOut(
        rank=hit.rank,
        score=hit.score,
        scores=dict(hit.scores),
        passage=PassageOut.of(hit.passage),
        citation=CitationOut.model_validate(hit.citation),
    )
