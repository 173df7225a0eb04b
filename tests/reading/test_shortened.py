"""A long table with a hit is its first rows, and what is quoted still stands at its spans."""

from __future__ import annotations

from qa_service.reading.citations import cite
from qa_service.reading.passages import cut_passages
from qa_service.reading.shortened import shorten
from qa_service.reading.structure import read_document
from qa_service.types import Document, Metadata, Passage, PassageKind, Source


def _table(rows: int) -> tuple[Document, Passage]:
    lines = "\n".join(f"第{row}市\t{row * 7}人\t総務課" for row in range(rows))
    text = f"# 1 人口\n\n表1 市の人口\n\n市\t人口\t担当\n{lines}\n"
    document = read_document(Source("a", "a.md", "md", text, Metadata("題", language="ja"), "0"))
    passages = cut_passages(document)
    return document, next(each for each in passages if each.kind is PassageKind.TABLE)


def test_a_long_table_is_cut_after_a_row() -> None:
    document, table = _table(2_000)
    short = shorten(table, max_characters=500)
    assert short.shortened
    assert 400 < len(short.text) <= 500
    assert table.text.startswith(f"{short.text}\n")
    quote = cite(document, short).quote
    assert len(quote) <= 500
    assert quote == "".join(span.cut(document.source.text) for span in short.spans)
    assert quote.rstrip().endswith("総務課")
    assert [span.cut(document.source.text) for span in short.content.spans()][-1] in quote


def test_a_short_one_is_left_as_it_is() -> None:
    _, table = _table(3)
    assert shorten(table) is table
