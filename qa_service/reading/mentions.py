"""Where running text names an element of its own document: 図表Ⅲ-2-1-1, Figure 3, Section 2.1, 本節3.

Only what the document prints is found, and only where it names one thing; Japanese places are found
by `places`; 参照 lines, which may also name what is not here, are for `references`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from qa_service.reading.numbering import find_labels, heading_number, normalise
from qa_service.reading.places import PlaceFinder
from qa_service.types import Block, Document, PassageKind, Reference, ReferenceStatus

_READ = frozenset([PassageKind.PARAGRAPH, PassageKind.NOTE, PassageKind.FOOTNOTE])
# Section 2.1, sections 3, § 4, Chapter II, Article 5; not Section 2-1 and no "part in".
_SECTION = re.compile(
    r"(?:\b(?P<word>(?i:section|chapter|part|article))(?i:s)?\s{1,3}|§\s?)"
    r"(?P<number>[0-9]{1,4}(?:\.[0-9]{1,4}){0,5}|[IVX]{1,5})(?![\w-]|\.[0-9])"
)
_ELSEWHERE = re.compile(
    r"\s{1,3}of\s(?!this\b)"
)  # Section 2 of the Act, but Figure 1 of this report
# 『防衛白書』図表1, 同法別表第一, 同報告書の図3: of another work
_OTHER_WORK = re.compile(r"(?:』|白書|報告書|同書|[法令約則典版誌])(?:の|（|\()?[ 　]*$")
_Number = tuple[str, tuple[int, ...]]  # ("section", (2, 1))


def find_mentions(document: Document) -> Iterator[Reference]:
    """In reading order; each is resolved, its title empty."""
    figures = [figure.id for figure in document.figures if figure.label]
    sections = _sections(document)
    places = PlaceFinder(document)
    for block in document.blocks:
        if block.kind not in _READ:
            continue
        found = [
            *_figures_in(block, figures),
            *_sections_in(block, sections),
            *_places_in(block, places),
        ]
        for start, end, kind, target in sorted(found):
            spans = block.content.slice(start, end).spans()
            label = block.content.text[start:end]
            if not spans or _ELSEWHERE.match(block.content.text, end):
                continue
            yield Reference(
                label=label,
                canonical=target,
                title="",
                section_id=block.section_id,
                span=replace(spans[0], end=spans[-1].end),
                target_kind=kind,
                status=ReferenceStatus.RESOLVED,
                target_document_id=document.id,
                target_id=target,
            )


_Found = tuple[int, int, str, str]  # start and end in the block, kind and id of what it names


def _figures_in(block: Block, figures: list[str]) -> Iterator[_Found]:
    for label in find_labels(block.content.text):
        named = [id for id in figures if label.names(id)]
        if _OTHER_WORK.search(block.content.text[: label.start][-8:]):
            continue
        if label.id in named or len(named) == 1:
            target = label.id if label.id in named else named[0]
            yield label.start, label.end, "figure", target


def _sections_in(block: Block, sections: Mapping[_Number, list[str]]) -> Iterator[_Found]:
    for match in _SECTION.finditer(block.content.text):
        values = tuple(int(normalise(part) or 0) for part in match["number"].split("."))
        named = sections.get(((match["word"] or "section").lower(), values), [])
        if len(named) == 1:
            yield match.start(), match.end(), "section", named[0]


def _places_in(block: Block, places: PlaceFinder) -> Iterator[_Found]:
    for mention in places.find(block.content.text, block.section_id):
        yield mention.start, mention.end, "section", mention.section_id


def _sections(document: Document) -> Mapping[_Number, list[str]]:
    """By what English calls them: 2.1 and 2 are sections, as is what is headed "Section 2"."""
    found: defaultdict[_Number, list[str]] = defaultdict(list)
    for section in document.sections:
        number = heading_number(f"{section.own_number} ") if section.own_number else None
        if number is not None:
            word = "section" if number.level in ("decimal", "1") else number.level
            found[word, number.values].append(section.id)
    return found
