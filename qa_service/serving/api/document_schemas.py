"""The JSON of documents: what is known of one, and the tree of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import Field

from qa_service.serving.api.schemas import Output
from qa_service.types import Document, Note, PassageKind, Section


class HeadingOut(Output):
    number: str = Field(examples=["第2章"])
    title: str = Field(examples=["日米同盟"])


class MetadataOut(Output):
    """What is known of the document; unknown text is empty, an unknown date or heading null."""

    title: str
    edition: str
    language: str
    publisher: str
    published: date | None
    licence: str
    source: str
    part: HeadingOut | None
    chapter: HeadingOut | None


class DocumentSummary(Output):
    id: str
    metadata: MetadataOut
    characters: int = Field(description="Length of the source text, in code points.")
    passages: int
    url: str = Field(description="Link to the document, relative to this service.")
    source_url: str = Field(description="Link to the source text that the offsets count in.")

    @classmethod
    def of(cls, document: Document, *, passages: int) -> Self:
        return cls(**_summary(document, passages=passages))


class DocumentsResponse(Output):
    documents: tuple[DocumentSummary, ...]
    total: int = Field(description="How many documents there are in all.")
    limit: int
    offset: int


class PlaceOut(Output):
    start: int
    end: int


class SectionOut(Output):
    """A section with the sections below it."""

    id: str
    number: str
    own_number: str
    title: str
    depth: int
    heading: tuple[PlaceOut, ...] = Field(
        description="Where its heading stands in the source; the lead's is the document's own title."
    )
    children: list[SectionOut]


class FigureOut(Output):
    id: str = Field(examples=["figure-3-2-1-1"])
    label: str
    kind: str
    caption: str
    section_id: str
    spans: tuple[PlaceOut, ...]
    note_ids: tuple[str, ...]


class BoxOut(Output):
    id: str
    kind: str
    title: str
    section_id: str


class NoteOut(Output):
    id: str
    label: str
    text: str
    kind: PassageKind
    section_id: str
    figure_id: str | None
    anchors: tuple[PlaceOut, ...] = Field(description="Where the text points to the note.")

    @classmethod
    def of(cls, note: Note) -> Self:
        return cls(
            id=note.id,
            label=note.label,
            text=note.text.text,
            kind=note.kind,
            section_id=note.section_id,
            figure_id=note.figure_id,
            anchors=tuple(PlaceOut.model_validate(anchor) for anchor in note.anchors),
        )


class ReferenceOut(Output):
    label: str = Field(examples=["資料23"])
    title: str
    section_id: str
    span: PlaceOut
    target_kind: str = Field(examples=["appendix"])
    status: str = Field(
        description="`resolved`, or `unresolved` when no document here holds the target."
    )
    target_document_id: str | None
    target_id: str | None


class DocumentResponse(DocumentSummary):
    format: str = Field(examples=["md"])
    sha256: str
    sections: list[SectionOut]
    figures: tuple[FigureOut, ...]
    boxes: tuple[BoxOut, ...]
    notes: tuple[NoteOut, ...]
    references: tuple[ReferenceOut, ...]

    @classmethod
    def of(cls, document: Document, *, passages: int) -> Self:
        return cls(
            **_summary(document, passages=passages),
            format=document.source.format,
            sha256=document.source.sha256,
            sections=_section_tree(document.sections),
            figures=tuple(FigureOut.model_validate(value) for value in document.figures),
            boxes=tuple(BoxOut.model_validate(value) for value in document.boxes),
            notes=tuple(NoteOut.of(note) for note in document.notes),
            references=tuple(ReferenceOut.model_validate(value) for value in document.references),
        )


class CitationFormatsResponse(Output):
    """One citation as it is pasted into a text or a reference manager."""

    label: str
    japanese: str
    english: str
    bibtex: str
    ris: str


def _summary(document: Document, *, passages: int) -> dict[str, object]:
    return {
        "id": document.id,
        "metadata": MetadataOut.model_validate(document.source.metadata),
        "characters": len(document.source.text),
        "passages": passages,
        "url": f"/documents/{document.id}",
        "source_url": f"/v1/documents/{document.id}/source",
    }


def _section_tree(sections: Sequence[Section]) -> list[SectionOut]:
    """The flat list in reading order as trees; a section whose parent is unknown stands on top."""
    built: dict[str, SectionOut] = {}
    top: list[SectionOut] = []
    for section in sections:
        node = SectionOut(
            id=section.id,
            number=section.number,
            own_number=section.own_number,
            title=section.title,
            depth=section.depth,
            heading=tuple(PlaceOut.model_validate(span) for span in section.heading),
            children=[],
        )
        built[section.id] = node
        parent = built.get(section.parent_id) if section.parent_id is not None else None
        (top if parent is None else parent.children).append(node)
    return top
