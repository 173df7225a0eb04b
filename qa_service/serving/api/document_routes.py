"""`/v1/documents` and `/v1/passages`: what the corpus holds, and the text behind citations."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from qa_service.errors import InputError, NotFoundError
from qa_service.reading.citation_formats import format_citation
from qa_service.reading.citations import cite, cite_spans, exact_url
from qa_service.reading.shortened import shorten
from qa_service.retrieval.index import Index
from qa_service.serving.api.document_schemas import (
    CitationFormatsResponse,
    DocumentResponse,
    DocumentsResponse,
    DocumentSummary,
)
from qa_service.serving.api.schemas import PassageResponse
from qa_service.serving.service.library import CurrentShelf
from qa_service.serving.wire.problems import problem_responses
from qa_service.types import Citation, Document, Passage, Span

router = APIRouter(tags=["documents"])

DocumentId = Annotated[str, Path(alias="id", description="Id of a document.")]
PassageId = Annotated[str, Path(alias="id", description="Id of a passage, as in a search result.")]

Places = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{1,9}-[0-9]{1,9}(,[0-9]{1,9}-[0-9]{1,9}){0,999}$",  # 2-8,10-14
        description="Places in the source, as start-end, within the passage; left out: all of it.",
        examples=["2-8,10-14"],
    ),
]


@router.get("/v1/documents", summary="List the documents", responses=problem_responses(422))
async def list_documents(
    shelf: CurrentShelf,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many to list at most.")] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9, description="How many to pass over.")] = 0,
) -> DocumentsResponse:
    """In the order of the corpus."""
    documents = tuple(shelf.index.documents.values())
    return DocumentsResponse(
        documents=tuple(
            DocumentSummary.of(document, passages=shelf.passage_counts.get(document.id, 0))
            for document in documents[offset : offset + limit]
        ),
        total=len(documents),
        limit=limit,
        offset=offset,
    )


@router.get(
    "/v1/documents/{id}", summary="What is known of a document", responses=problem_responses(404)
)
async def get_document(document_id: DocumentId, shelf: CurrentShelf) -> DocumentResponse:
    """Its metadata, the tree of its sections, its figures, boxes, notes and references."""
    document = _document(shelf.index, document_id)
    return DocumentResponse.of(document, passages=shelf.passage_counts.get(document.id, 0))


@router.get(
    "/v1/documents/{id}/source",
    summary="The source text that the offsets count in",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        304: {"description": "The text is the one that the client has."},
        **problem_responses(404),
    },
)
async def get_source(
    document_id: DocumentId,
    shelf: CurrentShelf,
    if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """The text as received, unchanged: `text[start:end]` by code points is a citation's quote."""
    content = _document(shelf.index, document_id).source.text.encode()
    entity_tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": entity_tag, "X-Content-Type-Options": "nosniff"}
    if if_none_match is not None and entity_tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="text/plain; charset=utf-8", headers=headers)


@router.get(
    "/v1/passages/{id}",
    summary="A passage with its citation and neighbours",
    responses=problem_responses(404),
)
async def get_passage(passage_id: PassageId, shelf: CurrentShelf) -> PassageResponse:
    index = shelf.index
    passage = _passage(index, passage_id)
    row = index.rows[passage_id]
    return PassageResponse.of(
        passage,
        cite(index.documents[passage.document_id], passage),
        previous=_neighbour(index, row, -1),
        next=_neighbour(index, row, +1),
    )


@router.get(
    "/v1/passages/{id}/citation",
    summary="A passage's citation, ready to be pasted",
    responses=problem_responses(404, 422),
)
async def get_citation(
    passage_id: PassageId, request: Request, shelf: CurrentShelf, at: Places = None
) -> CitationFormatsResponse:
    """In Japanese, in English, as BibTeX and as RIS, with the address of the passage on this
    service, or of those words of it that stand `at` the places given."""
    passage = _passage(shelf.index, passage_id)
    document = shelf.index.documents[passage.document_id]
    citation = cite(document, passage) if at is None else _cite_words(document, passage, at)
    address = citation.url if at is None else exact_url(citation)
    url = f"{str(request.base_url).rstrip('/')}{address}"
    return CitationFormatsResponse.model_validate(format_citation(document, citation, url=url))


def _cite_words(document: Document, passage: Passage, at: str) -> Citation:
    places = [each.split("-") for each in at.split(",")]
    spans = [Span(int(start), int(end)) for start, end in places]
    for span in spans:
        if not any(own.start <= span.start < span.end <= own.end for own in passage.spans):
            raise InputError(
                "at",
                f"{span.start}-{span.end} is not within the passage. Give places within its spans.",
            )
    return cite_spans(document, passage, spans)


def _passage(index: Index, passage_id: str) -> Passage:
    row = index.rows.get(passage_id)
    if row is None:
        raise NotFoundError("passage", passage_id)
    return index.passages[row]


def _document(index: Index, document_id: str) -> Document:
    document = index.documents.get(document_id)
    if document is None:
        raise NotFoundError(
            "document",
            document_id,
            f"There is no document {document_id!r}. GET /v1/documents lists them.",
        )
    return document


def _neighbour(index: Index, row: int, step: int) -> Passage | None:
    """The passage before or after in the same document."""
    other = row + step
    if not 0 <= other < len(index.passages):
        return None
    passage = index.passages[other]
    return shorten(passage) if passage.document_id == index.passages[row].document_id else None
