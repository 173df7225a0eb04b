"""A passage that is too long to be shown with a hit, cut to its beginning: a table of 20,000 rows.

Its text and its spans are cut at the same place, so that what is quoted is still what stands
there. Where to find the rest is for who shows it: `GET /v1/passages/{id}` has all of it, and each
row is a passage of its own.
"""

from __future__ import annotations

from dataclasses import replace

from qa_service.types import Passage, Span

SHOWN_CHARACTERS = 3_000  # five hits, each with text and quote in Japanese, stay below 100 kB


def shorten(passage: Passage, *, max_characters: int = SHOWN_CHARACTERS) -> Passage:
    """The passage itself where it is short enough, else its first whole lines."""
    longest = max(len(passage.text), sum(map(len, passage.spans)))
    if longest <= max_characters:
        return passage
    # The source between the spans may be longer than the text: it keeps what the cleaning took out.
    length = len(passage.text) * max_characters // longest
    line_end = passage.text.rfind("\n", 0, length)
    content = passage.content.slice(0, line_end if line_end > 0 else length)
    kept = content.spans()
    if not kept:
        return passage
    end = max(span.end for span in kept)
    spans = tuple(
        Span(span.start, min(span.end, end)) for span in passage.spans if span.start < end
    )
    return replace(passage, content=content, spans=spans, shortened=True)
