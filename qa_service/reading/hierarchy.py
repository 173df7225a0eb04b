"""The section tree, from printed numbers.

Converted documents have unreliable heading levels, so numbers give the hierarchy: the deepest open
level whose last number is one less takes the heading; a 1 opens a new level below; a tie falls back
on the `#` depth, and so do headings without a number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from qa_service.reading.ids import UnusedIds
from qa_service.reading.numbering import HeadingNumber, heading_number, is_supplement
from qa_service.types import Heading, Section, Source, Span

_LEAD = "lead"
_MAX_DEPTH = 12  # deeper levels are set side by side: no printed document has them


@dataclass(frozen=True, slots=True)
class _Level:
    number: HeadingNumber | None
    depth: int  # of `#`
    section: Section


class Hierarchy:
    """Takes headings in order; `current_id` is the section that text belongs to."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._open: list[_Level] = []
        self._sections: list[Section] = [_lead(source)]
        self._ids = UnusedIds(_LEAD)
        self._has_numbers = False

    @property
    def current_id(self) -> str:
        return self._open[-1].section.id if self._open else _LEAD

    def sections(self) -> tuple[Section, ...]:
        return tuple(self._sections)

    def is_numbered(self, title: str) -> bool:
        return heading_number(title) is not None

    def continues(self, title: str) -> bool:
        """Whether the heading's number is the next of an open level."""
        number = heading_number(title)
        return number is not None and any(
            level.number is not None and _precedes(level.number, number) for level in self._open
        )

    @property
    def has_numbers(self) -> bool:
        return self._has_numbers

    def is_document_title(self, title: str) -> bool:
        """Whether a heading only repeats the document's title, before anything else is open."""
        return len(self._sections) == 1 and title == self._source.metadata.title

    def set_title_place(self, spans: tuple[Span, ...]) -> None:
        """The document's title is the heading of the lead."""
        self._sections[0] = replace(self._sections[0], heading=spans)

    def open(self, title: str, *, depth: int, spans: tuple[Span, ...]) -> None:
        """Close what the heading ends, and open its section."""
        number = heading_number(title)
        keep = min(self._parents(number, depth), _MAX_DEPTH - 1)
        del self._open[keep:]
        section = self._section(number, title, spans)
        self._has_numbers = self._has_numbers or number is not None
        self._sections.append(section)
        self._open.append(_Level(number, depth, section))

    def _parents(self, number: HeadingNumber | None, depth: int) -> int:
        """How many open levels stay open."""
        if number is None:
            return self._by_depth(depth)
        siblings = [
            place
            for place, level in enumerate(self._open)
            if level.number is not None and _precedes(level.number, number)
        ]
        if siblings:
            at_depth = [place for place in siblings if self._open[place].depth == depth]
            return (at_depth or siblings)[-1]
        return self._below(number, depth)

    def _below(self, number: HeadingNumber, depth: int) -> int:
        """No number before it is open: below the deepest level of a higher form."""
        keep = 0
        for place, level in enumerate(self._open):
            if level.number is None:
                continue
            decimals = {level.number.level, number.level} <= {"1", "decimal"}
            above = level.number.rank < number.rank and not decimals
            if above or self._holds(level.number, number):
                keep = place + 1
        return keep or self._unnumbered_above(depth)

    def _holds(self, outer: HeadingNumber, inner: HeadingNumber) -> bool:
        """1 opens below 3, and below 1.2; 1.2 opens below 1; 3.1 does not open below 2."""
        if inner.level == "decimal" and outer.level in ("1", "decimal"):
            longer = len(inner.values) > len(outer.values)
            return longer and inner.values[: len(outer.values)] == outer.values
        return inner.level == "1" and inner.values[0] == 1 and outer.level in ("1", "decimal")

    def _unnumbered_above(self, depth: int) -> int:
        """A book's title above its chapters: unnumbered levels of fewer `#` at the top."""
        for place, level in enumerate(self._open):
            if level.number is not None or level.depth >= depth:
                return place
        return len(self._open)

    def _by_depth(self, depth: int) -> int:
        for place, level in enumerate(self._open):
            if level.depth >= depth:
                return place
        return len(self._open)

    def _section(self, number: HeadingNumber | None, text: str, spans: tuple[Span, ...]) -> Section:
        parent = self._open[-1].section if self._open else None
        own = number.printed if number else ""
        title = (text[number.length :] if number else text).strip()
        part = self._part(number) if number else f"_{len(self._sections)}"
        id = self._ids.unused(f"{parent.id}/{part}" if parent else part)
        return Section(
            id=id,
            number=self._printed(number),
            own_number=own,
            title=title,
            path=(*(parent.path if parent else ()), str(Heading(own, title))),
            depth=len(self._open) + 1,
            parent_id=parent.id if parent else None,
            heading=spans,
        )

    def _part(self, number: HeadingNumber) -> str:
        """Its part of the id: 2.1.1 below 2.1 adds `1`, 3.2 below 第2章 adds `3/2`."""
        if number.level != "decimal" or not self._open:
            return number.part
        above = self._open[-1].number
        values = number.values
        if above is not None and values[: len(above.values)] == above.values:
            values = values[len(above.values) :]
        return "/".join(map(str, values or number.values))

    def _printed(self, number: HeadingNumber | None) -> str:
        """第1節1-3: plain numbers in a row are joined with dashes, other forms set side by side; Part 2,
        Section 3: English ones with a comma.

        附則第一条 is another article than 第一条, so 附則 stands in front.
        """
        printed = ""
        steps = [*((level.number, level.section.title) for level in self._open), (number, "")]
        previous: HeadingNumber | None = None
        for step, title in steps:
            if step is None:
                printed += "附則" if is_supplement(title) else ""
                continue
            if step.level == "decimal":
                printed = step.printed
            elif previous is not None and previous.level == step.level == "1":
                printed += f"-{step.printed}"
            elif previous is not None and (previous.is_english or step.is_english):
                printed += f", {step.printed}"
            else:
                printed += step.printed
            previous = step
        return printed


def _precedes(last: HeadingNumber, number: HeadingNumber) -> bool:
    """2 before 3, 第3条 before 第3条の2 and 第4条, 第3条の2 before 第4条, 1.2 before 1.3."""
    if last.level != number.level:
        return False
    if number.level == "decimal":
        return (
            len(last.values) == len(number.values)
            and last.values[:-1] == number.values[:-1]
            and last.values[-1] == number.values[-1] - 1
        )
    if len(number.values) > 1:
        before = (*number.values[:-1], number.values[-1] - 1)
        return last.values == before or last.values == number.values[:-1]
    return last.values[0] == number.values[0] - 1


def _lead(source: Source) -> Section:
    """Text before the first heading belongs to the chapter (or the document)."""
    metadata = source.metadata
    heading = metadata.chapter or metadata.part or Heading("", metadata.title)
    return Section(
        _LEAD, heading.number, heading.number, heading.title, (str(heading),), 1, None, ()
    )
