"""What happens while a question is answered, in order: sources, then deltas and citations, at last
the whole result. A stream of these is an answer; `serving` only writes them down.
"""

from __future__ import annotations

from dataclasses import dataclass

from qa_service.types import AskResult, Citation, Hit


@dataclass(frozen=True, slots=True)
class Sources:
    """The passages found; comes once, first."""

    hits: tuple[Hit, ...]
    standalone_question: str
    language: str


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer's text. All deltas together are `answer.text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """Citation number `n`; comes before the delta that first holds `[n]`."""

    n: int
    citation: Citation


@dataclass(frozen=True, slots=True)
class Done:
    """The whole result; comes once, last."""

    result: AskResult


Event = Sources | Delta | Cited | Done
