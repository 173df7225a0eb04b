"""Small invented documents of several kinds, each with what reading must find in it.

To add a case: put NAME.md or NAME.txt into data/documents, run this test, check every line that it
shows, and save them as NAME.expected.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qa_service.reading.citations import cite
from qa_service.reading.passages import cut_passages
from qa_service.reading.sources import read_sources
from qa_service.reading.structure import read_document
from qa_service.types import Document, Figure, Repair, Source, Span

_FOLDER = Path(__file__).parent / "data" / "documents"
_DOCUMENTS = sorted(path for path in _FOLDER.iterdir() if path.suffix in (".md", ".txt"))


@pytest.mark.parametrize("path", _DOCUMENTS, ids=lambda path: path.name)
def test_document(path: Path) -> None:
    found = _outline(path)
    expected = path.with_suffix(".expected")
    assert expected.exists(), f"Check this, and save it as {expected.name}:\n{found}"
    assert found == expected.read_text(encoding="utf-8")


def _outline(path: Path) -> str:
    """All that reading finds, one thing a line, in groups."""
    (source,) = read_sources(path)
    document = read_document(source)
    groups = {
        "sections: id | number | title": _sections(document),
        "figures: id | kind | printed label | caption | section": _figures(document),
        "boxes: kind | title | section": _boxes(document),
        "notes: id | text | number of marks that point to it": _notes(document),
        "references: printed | what it names | where it is": _references(document),
        "aliases": (" = ".join(alias.names) for alias in document.aliases),
        "repairs: what | where": _repairs(document),
        "passages: kind | cited as | first characters": _passages(document),
    }
    lines: list[str] = []
    for name, found in groups.items():
        items = list(found)
        lines += [f"[{name}]", *items, ""] if items else []
    return "\n".join(lines)


def _sections(document: Document) -> Iterator[str]:
    for section in document.sections:
        yield f"{section.id} | {section.number} | {section.title}"


def _figures(document: Document) -> Iterator[str]:
    for figure in document.figures:
        line = f"{figure.id} | {figure.kind} | {figure.label} | {figure.caption}"
        yield f"{line} | {figure.section_id}{_size(figure)}"


def _size(figure: Figure) -> str:
    if figure.table is None:
        return ""
    table = figure.table
    return f" | {len(table.header)}+{len(table.rows)} rows x {len(table.columns)} columns"


def _boxes(document: Document) -> Iterator[str]:
    for box in document.boxes:
        yield f"{box.kind} | {box.title} | {box.section_id}"


def _notes(document: Document) -> Iterator[str]:
    for note in document.notes:
        yield f"{note.id} | {_short(note.text.text)} | {len(note.anchors)}"


def _references(document: Document) -> Iterator[str]:
    for reference in document.references:
        found = reference.target_id or "not in the document"
        yield f"{reference.label} | {reference.canonical} | {found}"


def _repairs(document: Document) -> Iterator[str]:
    """Dropped marks and line breaks are left out: too many to read."""
    for repair in document.repairs:
        if repair.kind in ("joined", "reading_lifted", "name_lifted"):
            yield f"{repair.kind} | {_where(document.source, repair)}"


def _where(source: Source, repair: Repair) -> str:
    if repair.kind != "joined":
        return repair.note
    before, after = (_line(source, span) for span in repair.spans)
    return f"…{before[-8:]} / {after[:8]}…"


def _line(source: Source, span: Span) -> str:
    return span.cut(source.text).replace("\n", "⏎")


def _passages(document: Document) -> Iterator[str]:
    for passage in cut_passages(document):
        yield f"{passage.kind} | {cite(document, passage).label} | {_short(passage.text)}"


def _short(text: str) -> str:
    shown = text.replace("\n", "⏎")
    return shown if len(shown) <= 30 else f"{shown[:28]}…"
