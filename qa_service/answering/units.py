"""What of a passage can be quoted by itself, still mapped to the source."""

from __future__ import annotations

from dataclasses import dataclass

from qa_service.reading.sentences import split_sentences
from qa_service.types import MappedText, Passage, PassageKind, Span

FURTHER_SHARE = 0.8  # a further statement scores at least this much of the best
_WHOLE = frozenset([PassageKind.TABLE_ROW, PassageKind.CAPTION, PassageKind.REFERENCE])


@dataclass(frozen=True, slots=True)
class Extract:
    """A unit that answers. `hit` is the place of its passage in the hits, from 0; `content` its
    words, still mapped to the source."""

    hit: int
    passage: Passage
    content: MappedText
    score: float

    @property
    def text(self) -> str:
        return self.content.text

    @property
    def spans(self) -> tuple[Span, ...]:
        return self.content.spans()


def cut_units(passage: Passage) -> list[MappedText]:
    """What of a passage can be quoted by itself: its sentences, or all of it."""
    if passage.kind in _WHOLE:
        return [passage.content]
    return [
        passage.content.slice(sentence.start, sentence.end)
        for sentence in split_sentences(passage.text)
    ]


def unit_text(passage: Passage, unit: MappedText) -> str:
    """What is matched: the unit below the last line of its passage's context."""
    return "\n".join((*passage.context[-1:], unit.text))


def is_verbatim(content: MappedText, source: str) -> bool:
    """Whether all words of a unit are the source's own, at the places that it says.

    What the program put in between may only part them, or repeat a table's column names.
    """
    return all(
        run.length == 0
        or run.offset is None
        or source[run.offset : run.offset + run.length]
        == content.text[run.position : run.position + run.length]
        for run in content.runs
    )
