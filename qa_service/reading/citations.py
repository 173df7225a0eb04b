"""A passage to a citation that a reader can check. Pure: the same passage, the same citation."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qa_service.types import (
    Box,
    BoxRef,
    Citation,
    Document,
    DocumentRef,
    Figure,
    FigureRef,
    LocatedSpan,
    Note,
    NoteRef,
    Passage,
    PassageKind,
    Section,
    SectionRef,
    Span,
)

_LINE_END = re.compile(r"\r\n|\r|\n")


def cite(document: Document, passage: Passage) -> Citation:
    """The citation of a passage of this document; its quote is the source between the spans."""
    return cite_spans(document, passage, passage.spans)


def cite_spans(document: Document, passage: Passage, spans: Sequence[Span]) -> Citation:
    """The citation of some words of a passage: `spans` lie within the passage's own."""
    elements = _elements(_Same(document))
    section = elements.sections[passage.section_id]
    figure = elements.figures[passage.figure_id] if passage.figure_id else None
    box = elements.boxes[passage.box_id] if passage.box_id else None
    notes = [elements.notes[id] for id in passage.note_ids]
    source = document.source.text
    return Citation(
        id=_stable_id(document.id, spans),
        label=_label(document, passage, section, figure, box, notes),
        document=DocumentRef(document.id, document.source.metadata.title),
        section=SectionRef(section.id, section.number, section.title, section.path),
        figure=None if figure is None else FigureRef(figure.label, figure.kind, figure.caption),
        box=None if box is None else BoxRef(box.kind, box.title),
        notes=tuple(NoteRef(note.label, note.text.text) for note in notes),
        spans=tuple(_located(source, span) for span in spans),
        quote="".join(span.cut(source) for span in spans),
        page=None,
        url=f"/documents/{document.id}#{passage.id}",
    )


def exact_url(citation: Citation) -> str:
    """The address of the cited words alone: `url;at=2-8,10-14`, which the document view marks."""
    places = ",".join(f"{span.start}-{span.end}" for span in citation.spans)
    return f"{citation.url};at={places}"


@dataclass(frozen=True, slots=True)
class _Elements:
    """A document's elements by id."""

    sections: dict[str, Section]
    figures: dict[str, Figure]
    boxes: dict[str, Box]
    notes: dict[str, Note]


class _Same:
    """A document as a cache key: the same object, since comparing all its words takes long."""

    __slots__ = ("document",)

    def __init__(self, document: Document) -> None:
        self.document = document

    def __hash__(self) -> int:
        return id(self.document)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.document is self.document


@lru_cache(maxsize=64)
def _elements(same: _Same) -> _Elements:
    """Kept for the documents last cited."""
    document = same.document
    return _Elements(
        {section.id: section for section in document.sections},
        {figure.id: figure for figure in document.figures},
        {box.id: box for box in document.boxes},
        {note.id: note for note in document.notes},
    )


def _stable_id(document_id: str, spans: Sequence[Span]) -> str:
    places = ",".join(f"{span.start}-{span.end}" for span in spans)
    return hashlib.sha256(f"{document_id}:{places}".encode()).hexdigest()[:16]


def _label(
    document: Document,
    passage: Passage,
    section: Section,
    figure: Figure | None,
    box: Box | None,
    notes: Sequence[Note],
) -> str:
    """令和6年版防衛白書 第Ⅲ部第2章第1節3-2 図表Ⅲ-2-1-1「日米安全保障問題に…」(注)2; of a document in
    another script Water Supply Act, Part 2, 5 “Licence to supply”, note 2."""
    metadata = document.source.metadata
    above = "".join(heading.number for heading in (metadata.part, metadata.chapter) if heading)
    number = above if section.is_lead else f"{above}{section.number}"
    words = _EASTERN if metadata.language in _EASTERN_LANGUAGES else _WESTERN
    place = f"{metadata.title}{words.step}{number}" if number else metadata.title
    if figure is not None:
        place += f"{words.step}{figure.label or words.figures[figure.kind]}"
        place += words.quoted(figure.caption)
    elif box is not None:
        place += f"{words.step}{box.kind}{words.quoted(box.title)}"
    elif section.title != metadata.title:
        place += words.quoted(section.title)
    label = notes[0].label if notes else ""
    if passage.kind is PassageKind.NOTE:
        named = label and not label.isdecimal()
        place += f"{words.step}{label if named else f'{words.note}{label}'}".rstrip()
    elif passage.kind is PassageKind.FOOTNOTE:
        place += f"{words.step}{words.footnote}{label}".rstrip()
    return place


@dataclass(frozen=True, slots=True)
class _Words:
    """What a label is made of: what parts its steps, quotation marks, and names."""

    step: str
    opening: str
    closing: str
    figures: Mapping[str, str]
    note: str
    footnote: str

    def quoted(self, title: str) -> str:
        """「方針」, but an article's （目的） as it is printed; “Aim” with a space before it."""
        if not title:
            return ""
        if title[:1] not in "（(" or title[-1:] not in "）)":
            title = f"{self.opening}{title}{self.closing}"
        return title if self is _EASTERN else f" {title}"


_EASTERN_LANGUAGES = ("ja", "zh", "und")
_EASTERN = _Words(" ", "「", "」", {"photo": "写真", "table": "表", "figure": "図"}, "(注)", "脚注")
_WESTERN = _Words(
    ", ",
    "“",
    "”",
    {"photo": "photo", "table": "table", "figure": "figure"},
    "note ",
    "footnote ",
)


def _located(source: str, span: Span) -> LocatedSpan:
    starts = _line_starts(source)
    return LocatedSpan(
        span.start,
        span.end,
        bisect_right(starts, span.start),
        bisect_right(starts, max(span.end - 1, span.start)),
    )


@lru_cache(maxsize=64)
def _line_starts(source: str) -> tuple[int, ...]:
    """Where each line begins; kept for the texts last cited."""
    return (0, *(match.end() for match in _LINE_END.finditer(source)))
