"""参照 lines, split into references and resolved inside the corpus.

**参照** 資料23（…）、図表Ⅲ-2-1-1（…）、2節（…）: each item is a label and a title in brackets. What the
corpus does not hold stays marked as unresolved, so that nobody answers from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from qa_service.reading.numbering import find_labels, normalise
from qa_service.types import Document, MappedText, Reference, ReferenceStatus, Section

_OPENING = re.compile(r"[ 　]*[*_【\[（(]*(?:参照|参考|See also)[*_】\]）)]*[ 　:：]*")  # 参照
_SEPARATOR = re.compile(r"[、,，；;]")
# 2節, 第3章第1節, 1節2項: a place in this or another chapter.
_PLACE = re.compile(
    r"(?:第?[0-9０-９Ⅰ-Ⅻ一二三四五六七八九十]+[部編章節款項条]の?)+(?:[0-9０-９]+(?:-[0-9０-９]+)*)?"
)
_STEP = re.compile(r"第?([0-9０-９Ⅰ-Ⅻ一二三四五六七八九十]+)([部編章節款項条])")


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
        elif place := _PLACE.search(label):
            kind, canonical = "section", _canonical_place(place.group())
        else:
            continue
        found.append(
            Reference(label, canonical, title, section_id, span, kind, ReferenceStatus.UNRESOLVED)
        )
    return found


def resolve_references(documents: Sequence[Document]) -> tuple[Document, ...]:
    """The documents with each reference pointed at its target, in its own document first."""
    return tuple(_resolved(document, documents) for document in documents)


def _resolved(document: Document, documents: Sequence[Document]) -> Document:
    if not document.references:
        return document
    others = [
        other for other in documents if other.id != document.id and _same_work(other, document)
    ]
    return replace(
        document,
        references=tuple(_resolve(r, [document, *others]) for r in document.references),
    )


def _same_work(one: Document, other: Document) -> bool:
    """Chapters of one edition may point at each other; 図表1-1-1 of another book is another."""
    return one.source.metadata.title == other.source.metadata.title


def _resolve(reference: Reference, documents: Sequence[Document]) -> Reference:
    for document in documents:
        target = _target(reference, document)
        if target is not None:
            return replace(
                reference,
                status=ReferenceStatus.RESOLVED,
                target_document_id=document.id,
                target_id=target,
            )
    return replace(
        reference,
        status=ReferenceStatus.UNRESOLVED,
        target_document_id=None,
        target_id=None,
    )


def _target(reference: Reference, document: Document) -> str | None:
    if reference.target_kind != "section":
        return next((f.id for f in document.figures if f.id == reference.canonical), None)
    for section in document.sections:
        if _places(section)[-len(reference.canonical.split("/")) :] == reference.canonical.split(
            "/"
        ):
            return section.id
    return None


def _places(section: Section) -> list[str]:
    """第1節 > 2 -> ["1節"]: only steps that a reference can name by their unit."""
    return [
        f"{normalise(number)}{unit}"
        for heading in section.path
        for number, unit in _STEP.findall(heading.split(" ")[0])
    ] or [""]


def _canonical_place(text: str) -> str:
    return "/".join(f"{normalise(number)}{unit}" for number, unit in _STEP.findall(text))


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
