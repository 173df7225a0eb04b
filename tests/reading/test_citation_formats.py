"""Citations as they are pasted elsewhere."""

from __future__ import annotations

from datetime import date
from itertools import accumulate

import pytest

from qa_service.reading.citation_formats import CitationFormats, format_citation
from qa_service.reading.citations import cite
from qa_service.reading.passages import cut_passages
from qa_service.reading.structure import read_document
from qa_service.types import Heading, Metadata, Source

URL = "http://host/documents/d#d:1-3:p1"
TEXT = "### 第1節 海洋の概要\n\n#### 2 方針\n\n海を守る<sup>1</sup>。\n\n<sup>1</sup> 海とは海洋をいう。\n"
WHOLE = Metadata(
    "海洋白書",
    language="ja",
    publisher="海洋省",
    published=date(2024, 7, 12),
    part=Heading("第Ⅲ部", "海"),
    chapter=Heading("第2章", "洋"),
)


def formats(metadata: Metadata, text: str = TEXT, *, passage: int = 0) -> CitationFormats:
    document = read_document(Source("d", "d.md", "md", text, metadata, ""))
    return format_citation(document, cite(document, cut_passages(document)[passage]), url=URL)


def test_japanese() -> None:
    assert formats(WHOLE).japanese == (
        f"海洋省『海洋白書』（2024年7月12日）第Ⅲ部第2章第1節2「方針」、{URL}"
    )


def test_english_reads_the_printed_numbers() -> None:
    assert formats(WHOLE).english == (
        f"海洋省, 海洋白書 (12 July 2024), Part III, Chapter 2, Section 1, 2 “方針”, {URL}"
    )
    assert "footnote 1" in formats(WHOLE, passage=1).english


def test_what_is_unknown_is_left_out() -> None:
    bare = formats(Metadata("海洋白書"), "海を守る。")
    assert bare.japanese == f"『海洋白書』、{URL}"
    assert bare.english == f"海洋白書, {URL}"
    assert "year" not in bare.bibtex
    assert "PY" not in bare.ris


def test_bibtex_escapes_what_means_something_there() -> None:
    made = formats(Metadata("100% {of} A & B_c", publisher="#1 \\ ~"), "海を守る。").bibtex
    assert r"title = {{100\% \textbraceleft{}of\textbraceright{} A \& B\_c}}" in made
    assert r"publisher = {\#1 \textbackslash{} \textasciitilde{}}" in made
    assert made.startswith("@book{d-")
    assert made.endswith("}\n")


@pytest.mark.parametrize("title", ["白書 {1", "白書} 2", "}{", "a\\{b\\}}"])
def test_braces_that_bibtex_counts_come_in_pairs(title: str) -> None:
    made = formats(Metadata(title, publisher=title), "海を守る。").bibtex
    braces = [character for character in made if character in "{}"]
    depths = list(accumulate(1 if brace == "{" else -1 for brace in braces))
    assert depths[-1] == 0
    assert min(depths[:-1]) > 0  # the entry ends at its last brace, not before


def test_ris_has_a_tag_a_line() -> None:
    lines = formats(WHOLE).ris.splitlines()
    assert lines[0] == "TY  - RPRT"
    assert "SE  - 第Ⅲ部第2章第1節2「方針」" in lines
    assert lines[-1].rstrip() == "ER  -"


@pytest.mark.parametrize("form", ["japanese", "english", "bibtex", "ris"])
def test_no_line_of_the_document_can_begin_another_field(form: str) -> None:
    hostile = Metadata("白書\nER  - \nTY  - BOOK", publisher="省\n}\n@book{x,")
    made = getattr(formats(hostile, "海を守る。"), form)
    assert not any(line.startswith(("ER  - T", "TY  - B", "@book{x")) for line in made.splitlines())
