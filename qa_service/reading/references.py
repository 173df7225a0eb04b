"""参照 lines, split into references and resolved inside the corpus.

**参照** 資料23（…）、図表Ⅲ-2-1-1（…）、2節（…）: each item is a label and a title in brackets. What
the corpus does not hold stays marked as unresolved, so that nobody answers from it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from qa_service.reading.numbering import find_labels, find_place
from qa_service.reading.places import Place, section_places
from qa_service.types import Document, MappedText, Reference, ReferenceStatus

_OPENING = re.compile(r"[ 　]*[*_【\[（(]*(?:参照|参考|See also)[*_】\]）)]*[ 　:：]*")  # 参照
_SEPARATOR = re.compile(r"[、,，；;]")


def find_references(line: MappedText, section_id: str) -> list[Reference]:
    """The items of a 参照 line; text that is no label (「Web」) gives none."""
    opening = _OPENING.match(line.text)
    found: list[Reference] = []
    for start, end in _items(line.text, opening.end() if opening else 0):
        item = line.text[start:end]
        label, title = _split_title(item)
        spans = line.slice(start, end).spans()
        if not label or not spans:
            continue
        span = replace(spans[0], end=spans[-1].end)
        labels = find_labels(label)
        if labels:
            kind = "appendix" if labels[0].kind == "appendix" else "figure"
            canonical = labels[0].id
        elif place := find_place(label):
            kind, canonical = "section", "/".join(place)
        else:
            continue
        found.append(
            Reference(label, canonical, title, section_id, span, kind, ReferenceStatus.UNRESOLVED)
        )
    return found


def resolve_references(documents: Sequence[Document]) -> tuple[Document, ...]:
    """The documents with each reference pointed at its target, in its own document first.

    Chapters of one edition may point at each other; 図表1-1-1 of another book is another.
    """
    works: defaultdict[str, list[_Targets]] = defaultdict(list)
    for document in documents:
        works[document.source.metadata.title].append(_Targets(document))
    return tuple(
        _resolved(document, works[document.source.metadata.title])
        if document.references
        else document
        for document in documents
    )


def _resolved(document: Document, work: Sequence[_Targets]) -> Document:
    own = next(targets for targets in work if targets.document is document)
    ordered = [own, *(targets for targets in work if targets is not own)]
    return replace(
        document,
        references=tuple(_resolve(reference, own, ordered) for reference in document.references),
    )


def _resolve(reference: Reference, own: _Targets, ordered: Sequence[_Targets]) -> Reference:
    here = own.place_of(reference.section_id)
    for targets in ordered:
        target = targets.find(reference, here)
        if target is not None:
            return replace(
                reference,
                status=ReferenceStatus.RESOLVED,
                target_document_id=targets.document.id,
                target_id=target,
            )
    return replace(
        reference, status=ReferenceStatus.UNRESOLVED, target_document_id=None, target_id=None
    )


class _Targets:
    """What references may point at in one document, by canonical form."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._figures = {figure.id for figure in document.figures}

    def find(self, reference: Reference, here: Place) -> str | None:
        """The id of what a reference names that stands at `here`: a figure's or a section's.

        What a place leaves unsaid is as in `here`: 2節 is one of this chapter.
        """
        if reference.target_kind != "section":
            return reference.canonical if reference.canonical in self._figures else None
        named = tuple(reference.canonical.split("/"))
        above = [number for number, step in enumerate(here) if step[-1:] == named[0][-1:]]
        unsaid = here[: above[0]] if above else here
        while True:
            found = self._sections.get((*unsaid, *named))
            if found is not None or not unsaid:
                return found
            unsaid = unsaid[:-1]

    def place_of(self, section_id: str) -> Place:
        return self._places.get(section_id, ())

    @cached_property
    def _sections(self) -> dict[Place, str]:
        return {place: id for id, place in reversed(self._places.items())}

    @cached_property
    def _places(self) -> dict[str, Place]:
        return section_places(self.document)


def _items(text: str, start: int) -> list[tuple[int, int]]:
    """Parts between separators that stand outside brackets."""
    items: list[tuple[int, int]] = []
    depth = 0
    for place in range(start, len(text)):
        if text[place] in "（(「『[【":
            depth += 1
        elif text[place] in "）)」』]】":
            depth = max(depth - 1, 0)
        elif depth == 0 and _SEPARATOR.match(text[place]):
            items.append((start, place))
            start = place + 1
    items.append((start, len(text)))
    return [
        (first + len(text[first:last]) - len(text[first:last].lstrip()), last)
        for first, last in items
        if text[first:last].strip()
    ]


def _split_title(item: str) -> tuple[str, str]:
    """資料23（日米…（仮訳）） -> 資料23, 日米…（仮訳）."""
    opening = re.search(r"[（(]", item)
    if opening is None or opening.start() == 0:
        return item.strip(), ""
    title = item[opening.end() :].rstrip()
    return item[: opening.start()].strip(), title[:-1] if title[-1:] in "）)" else title
