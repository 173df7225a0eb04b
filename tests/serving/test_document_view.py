"""The document as pieces of its source."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from hypothesis import given, settings

from qa_service.reading.passages import cut_passages
from qa_service.reading.structure import read_document
from qa_service.retrieval.index import Index
from qa_service.serving.page.document_view import Piece, view_document
from qa_service.types import Document, Metadata, Source

from ..reading.made_up import any_text, documents


def pieces(view: object) -> Iterator[Piece]:
    """All pieces of a view, readings included."""
    if isinstance(view, tuple):
        for each in view:
            yield from pieces(each)
    elif dataclasses.is_dataclass(view):
        if isinstance(view, Piece):
            yield view
        for field in dataclasses.fields(view):
            yield from pieces(getattr(view, field.name))


def check(document: Document) -> None:
    """Each piece is the source at its place, none twice, and every passage can be marked."""
    passages = cut_passages(document)
    view = view_document(document, passages)
    source = document.source.text
    shown: set[int] = set()
    for piece in pieces(view):
        if piece.start is None:
            continue
        places = set(range(piece.start, piece.start + len(piece.text)))
        assert source[piece.start : piece.start + len(piece.text)] == piece.text
        assert not places & shown
        shown |= places
    for passage in passages:
        for span in passage.content.spans():
            words = {place for place in range(span.start, span.end) if not source[place].isspace()}
            assert words <= shown, passage.id
    anchors = {anchor.id for piece in pieces(view) for anchor in piece.anchors}
    assert anchors | {anchor.id for anchor in view.unplaced} == {each.id for each in passages}


def test_running_text_links_to_what_it_names() -> None:
    text = (
        "# 1 Aim\n\nSee Figure 3, fig. 9 and Section 2.1; Section 2 of the Act is not here.\n\n"
        "Figure 3 A plan\n\n# 2 Means\n\n## Section 2.1: Ships\n\nShips, 図3.\n"
    )
    document = read_document(Source("a", "a.md", "md", text, Metadata("Ports", language="en"), ""))
    view = view_document(document, cut_passages(document))
    assert [(piece.text, piece.link) for piece in pieces(view) if piece.link] == [
        ("Figure 3", "/documents/a#figure-3"),
        ("Section 2.1", "/documents/a#section-2-1"),
        ("図3", "/documents/a#figure-3"),
    ]


def test_the_chapter_is_shown_whole(chapter_index: Index) -> None:
    check(next(iter(chapter_index.documents.values())))


@settings(max_examples=150, deadline=None)
@given(documents() | any_text())
def test_any_document_is_shown_whole(source: Source) -> None:
    check(read_document(source))


def test_the_lines_of_a_code_are_lines() -> None:
    lines = "# 1 設定||次のように書く。||```toml|[a]|  b__c__ = 1||d = 2|```||以上である。|"
    text = lines.replace("|", "\r\n")
    document = read_document(Source("a", "a.md", "md", text, Metadata("題", language="ja"), ""))
    check(document)
    section = view_document(document, cut_passages(document)).sections[-1]
    (_, code, _) = section.elements
    assert code.kind == "preformatted"
    shown = "".join(piece.text for piece in code.pieces if not piece.hidden)
    assert shown == "[a]\n  b__c__ = 1\n\nd = 2"
    hidden = [piece.text for piece in code.pieces if piece.hidden and piece.text.strip()]
    assert hidden == ["```toml", "```"]
