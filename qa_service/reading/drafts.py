"""A block while it is still open: the rest of a paragraph may follow behind a page break."""

from __future__ import annotations

from dataclasses import dataclass, field

from qa_service.types import Block, MappedText, PassageKind, Span


@dataclass(slots=True)
class Draft:
    """`markers` are the footnote marks in the text, with their places in the source."""

    kind: PassageKind
    content: MappedText
    section_id: str
    figure_id: str | None = None
    box_id: str | None = None
    markers: list[tuple[str, Span]] = field(default_factory=list)
    note_ids: tuple[str, ...] = ()
    preformatted: bool = False
    rest: list[MappedText] = field(default_factory=list)  # what page breaks cut off, in order

    @property
    def last_part(self) -> MappedText:
        return self.rest[-1] if self.rest else self.content

    def block(self) -> Block:
        return Block(
            self.kind,
            self.content,
            self.section_id,
            self.figure_id,
            self.box_id,
            self.note_ids,
            self.preformatted,
        )
