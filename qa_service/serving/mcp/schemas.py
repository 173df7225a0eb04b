"""The JSON of those tools for agents that have no counterpart in the HTTP API.

The others take and give what the API does: see `schemas`, `ask_schemas` and `document_schemas`.
"""

from __future__ import annotations

from pydantic import Field

from qa_service.serving.api.schemas import (
    CitationOut,
    DocumentRefOut,
    Input,
    Output,
    PassageOut,
    SectionRefOut,
)

# --- in ----------------------------------------------------------------------------------------


class SectionRequest(Input):
    document: str = Field(description="Id of the document: `citation.document.id`.")
    section: str | None = Field(
        default=None,
        description="Id of the section, `citation.section.id`; null for the whole document.",
        examples=["1/3"],
    )
    limit: int = Field(default=20, ge=1, le=100, description="How many passages to give at most.")
    offset: int = Field(default=0, ge=0, le=10**9, description="How many passages to pass over.")


class DocumentsRequest(Input):
    limit: int = Field(default=100, ge=1, le=1000, description="How many to list at most.")
    offset: int = Field(default=0, ge=0, le=10**9, description="How many to pass over.")


# --- out ---------------------------------------------------------------------------------------


class CitedPassageOut(Output):
    passage: PassageOut
    citation: CitationOut


class SectionResponse(Output):
    document: DocumentRefOut
    section: SectionRefOut | None = Field(
        description="Null where the whole document was asked for."
    )
    subsections: tuple[SectionRefOut, ...] = Field(description="The sections directly below.")
    passages: tuple[CitedPassageOut, ...] = Field(
        description="In reading order, those of sections below included. The rows of a table stand "
        "in it, not beside it."
    )
    total: int = Field(description="How many passages there are in all.")
    limit: int
    offset: int
