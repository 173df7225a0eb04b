"""The section tree, from printed numbers.

Converted documents have unreliable heading levels, so numbers give the hierarchy: the deepest open
level whose last number is one less takes the heading; a 1 opens a new level below; a tie falls back
on the `#` depth, and so do headings without a number.
"""

from __future__ import annotations

from dataclasses import dataclass

from qa_service.reading.numbering import HeadingNumber, heading_number
from qa_service.types import Heading, MappedText, Section, Source, Span

_LEAD = "lead"


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
        self._ids = {_LEAD}

    @property
    def current_id(self) -> str:
        return self._open[-1].section.id if self._open else _LEAD

    def sections(self) -> tuple[Section, ...]:
        return tuple(self._sections)

    def is_numbered(self, title: str) -> bool:
        return heading_number(title) is not None

    def open(self, title: MappedText, *, depth: int, span: Span) -> None:
        """Close what the heading ends, and open its section."""
        number = heading_number(title.text)
        keep = self._parents(number, depth)
        del self._open[keep:]
        section = self._section(number, title.text, span)
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
        return self._below(number)

    def _below(self, number: HeadingNumber) -> int:
        """No number before it is open: below the deepest level of a higher form."""
        keep = 0
        for place, level in enumerate(self._open):
            if level.number is None:
                continue
            if level.number.rank < number.rank or self._holds(level.number, number):
                keep = place + 1
        return keep or (len(self._open) if self._open and not self._numbered_open() else 0)

    def _holds(self, outer: HeadingNumber, inner: HeadingNumber) -> bool:
        """Same form: 1 opens below 3; 1.2 opens below 1; 3.1 not below 2."""
        if outer.level != inner.level:
            return False
        if inner.level == "decimal":
            return inner.values[: len(outer.values)] == outer.values
        return inner.values[0] == 1 and outer.level == "1"

    def _numbered_open(self) -> bool:
        return any(level.number is not None for level in self._open)

    def _by_depth(self, depth: int) -> int:
        for place, level in enumerate(self._open):
            if level.depth >= depth:
                return place
        return len(self._open)

    def _section(self, number: HeadingNumber | None, text: str, span: Span) -> Section:
        parent = self._open[-1].section if self._open else None
        own = number.printed if number else ""
        title = (text[number.length :] if number else text).strip()
        part = number.part if number else f"_{len(self._sections)}"
        if number and number.level == "decimal" and parent and "/" not in part:
            part = part.removeprefix(f"{parent.id.replace('/', '.')}.").replace(".", "/")
        id = self._unused(f"{parent.id}/{part}" if parent else part)
        return Section(
            id=id,
            number=self._printed(number),
            own_number=own,
            title=title,
            path=(*(parent.path if parent else ()), str(Heading(own, title))),
            depth=len(self._open) + 1,
            parent_id=parent.id if parent else None,
            heading=(span,),
        )

    def _printed(self, number: HeadingNumber | None) -> str:
        """第1節1-3: plain numbers in a row are joined with dashes, other forms set side by side."""
        printed = ""
        chain = [*(level.number for level in self._open), number]
        previous: HeadingNumber | None = None
        for step in chain:
            if step is None:
                continue
            if step.level == "decimal":
                printed = step.printed
            elif previous is not None and previous.level == step.level == "1":
                printed += f"-{step.printed}"
            else:
                printed += step.printed
            previous = step
        return printed

    def _unused(self, id: str) -> str:
        wanted, again = id, 2
        while id in self._ids:
            id, again = f"{wanted}~{again}", again + 1
        self._ids.add(id)
        return id


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
