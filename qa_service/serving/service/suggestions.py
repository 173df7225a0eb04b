"""Questions that the page offers, made of the documents' own titles.

Each is asked before it is offered: what the service would refuse is no suggestion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, islice, zip_longest

from qa_service.answering.answer import Request, ask
from qa_service.errors import InputError
from qa_service.retrieval.index import Index
from qa_service.types import Document

SUGGESTED = 4


def suggest(index: Index, words: Mapping[str, str], *, maximum: int = SUGGESTED) -> list[str]:
    """Questions that are answered, of each of the first documents in turn; `words` are the page's."""
    first = islice(index.documents.values(), maximum)
    each = [list(_candidates(document, words, place)) for place, document in enumerate(first)]
    counts = Counter(chain.from_iterable(each))
    # What two documents would answer is no example of either.
    own = [[question for question in some if counts[question] == 1] for some in each]
    turns = (question for turn in zip_longest(*own) for question in turn if question)
    return list(islice((question for question in turns if _is_answered(index, question)), maximum))


def _candidates(document: Document, words: Mapping[str, str], place: int) -> Iterator[str]:
    """Each document begins with another kind, so that the first of each are not all alike."""
    parents = {section.parent_id for section in document.sections}
    titles = [
        section.title
        for section in document.sections
        if section.title and not section.is_lead and section.id not in parents
    ]
    sections = [words["example_section"].replace("{title}", title) for title in titles]
    boxes = [
        words["example_box"].replace("{title}", box.title) for box in document.boxes if box.title
    ]
    figures = [
        words["example_figure"].replace("{label}", figure.label)
        for figure in document.figures
        if figure.label
    ]
    some = [*boxes[:1], *sections[:2], *figures[:1], *sections[2:4]]
    begin = place % max(len(some), 1)
    yield from dict.fromkeys([*some[begin:], *some[:begin]])


def _is_answered(index: Index, question: str) -> bool:
    try:
        return ask(index, Request(question)).answer.answered
    except InputError:  # a title longer than a question may be
        return False
