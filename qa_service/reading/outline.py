"""Where a text stands: in which section, in which box. Takes the headings in order.

A box (KEY WORD, 解説, コラム) stands beside the sections. It ends at the next numbered heading, or
at an unnumbered one that stands higher than its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from qa_service.reading.classes import box_heading
from qa_service.reading.hierarchy import Hierarchy
from qa_service.types import Box, Section, Source, Span


class HeadingRole(Enum):
    """What a heading turned out to be; that in a box is shown with the box's text."""

    SECTION = "section"
    BOX = "box"
    WITHIN_BOX = "within box"


@dataclass(slots=True)
class _OpenBox:
    box: Box
    depth: int
    wants_title: bool


class Outline:
    def __init__(self, source: Source) -> None:
        self._hierarchy = Hierarchy(source)
        self._boxes: list[Box] = []
        self._open: _OpenBox | None = None

    @property
    def section_id(self) -> str:
        return self._hierarchy.current_id

    @property
    def box_id(self) -> str | None:
        return self._open.box.id if self._open else None

    def sections(self) -> tuple[Section, ...]:
        return self._hierarchy.sections()

    def boxes(self) -> tuple[Box, ...]:
        return tuple(self._boxes)

    def take_heading(self, title: str, *, depth: int, spans: tuple[Span, ...]) -> HeadingRole:
        """Open what the heading opens, and close what it ends. `title` is not empty."""
        if self._opens_box(title, depth, spans) or self._titles_box(title, spans):
            return HeadingRole.BOX
        if self._open and not self._ends_box(title, depth):
            return HeadingRole.WITHIN_BOX
        self._open = None
        if self._hierarchy.is_document_title(title):
            self._hierarchy.set_title_place(spans)
        else:
            self._hierarchy.open(title, depth=depth, spans=spans)
        return HeadingRole.SECTION

    def take_text(self) -> None:
        """Text follows: the box's title is no longer to come."""
        if self._open:
            self._open.wants_title = False

    def _opens_box(self, title: str, depth: int, spans: tuple[Span, ...]) -> bool:
        found = box_heading(title)
        if found is None:
            return False
        kind, rest = found
        box = Box(f"box-{len(self._boxes) + 1}", kind, rest, self.section_id, spans)
        self._boxes.append(box)
        self._open = _OpenBox(box, depth, wants_title=not rest)
        return True

    def _titles_box(self, title: str, spans: tuple[Span, ...]) -> bool:
        """The heading right behind a box's kind is its title, unless it is the next section."""
        if self._open is None or not self._open.wants_title or self._hierarchy.continues(title):
            return False
        box = self._open.box
        self._boxes[-1] = replace(box, title=title, heading=(*box.heading, *spans))
        self._open = _OpenBox(self._boxes[-1], self._open.depth, wants_title=False)
        return True

    def _ends_box(self, title: str, depth: int) -> bool:
        assert self._open is not None
        if self._hierarchy.is_numbered(title) or depth < self._open.depth:
            return True
        return depth == self._open.depth and not self._hierarchy.has_numbers
