"""What holds for every document, real or not: citations are exact, and nothing is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from hypothesis import given, settings

from qa_service.reading.citations import cite
from qa_service.reading.passages import cut_passages
from qa_service.reading.structure import read_document
from qa_service.types import Document, MappedText, RepairKind, Source, Span

from .made_up import any_text, documents

_ID = re.compile(r"[A-Za-z0-9._~:-]+")

# --- what holds -----------------------------------------------------------------------------------


@settings(max_examples=250, deadline=None)
@given(documents())
def test_generated_documents(source: Source) -> None:
    _check(source)


@settings(max_examples=400, deadline=None)
@given(any_text())
def test_any_text(source: Source) -> None:
    _check(source)


@settings(max_examples=50, deadline=None)
@given(documents())
def test_the_same_source_gives_the_same_passages(source: Source) -> None:
    assert cut_passages(read_document(source)) == cut_passages(read_document(source))


def _check(source: Source) -> None:
    document = read_document(source)
    passages = cut_passages(document)
    named = bytearray(len(source.text))
    sections = {section.id for section in document.sections}
    ids = [passage.id for passage in passages]
    assert len(set(ids)) == len(ids)
    assert len(sections) == len(document.sections)
    for passage in passages:
        assert _ID.fullmatch(passage.id)
        assert passage.section_id in sections
        assert passage.text.strip()
        _check_mapping(source.text, passage.content)
        citation = cite(document, passage)
        assert citation.quote == "".join(span.cut(source.text) for span in passage.spans)
        assert all(span.start < span.end for span in passage.spans)
        assert [span.start for span in citation.spans] == [span.start for span in passage.spans]
        quoted = {place for span in passage.spans for place in range(span.start, span.end)}
        shown = {place for span in passage.content.spans() for place in range(span.start, span.end)}
        assert shown <= quoted
        _mark(named, passage.spans)
        json.dumps(citation.label + passage.id)
    _mark_headings_and_markup(named, document)
    lost = [place for place, mark in enumerate(named) if not mark]
    assert not [(place, source.text[place]) for place in lost if not source.text[place].isspace()]
    for note in document.notes:
        _check_mapping(source.text, note.text)


def _mark_headings_and_markup(named: bytearray, document: Document) -> None:
    for section in document.sections:
        _mark(named, section.heading)
    for box in document.boxes:
        _mark(named, box.heading)
    for repair in document.repairs:
        assert repair.spans
        if repair.kind is not RepairKind.JOINED:
            _mark(named, repair.spans)


def _mark(named: bytearray, spans: Iterable[Span]) -> None:
    for span in spans:
        named[span.start : span.end] = b"\1" * len(span)


def _check_mapping(source: str, content: MappedText) -> None:
    """Every character stands in the source where the text says that it stands."""
    assert sum(run.length for run in content.runs) == len(content.text)
    for run in content.runs:
        shown = content.text[run.position : run.position + run.length]
        if run.offset is not None:
            assert shown == source[run.offset : run.offset + run.length]
