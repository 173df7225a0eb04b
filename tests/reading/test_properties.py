"""What holds for every document, real or not: citations are exact, and nothing is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from qa_service.reading.citations import cite
from qa_service.reading.passages import cut_passages
from qa_service.reading.structure import read_document
from qa_service.types import Document, Heading, MappedText, Metadata, RepairKind, Source, Span

_ID = re.compile(r"[A-Za-z0-9._~:-]+")

# --- documents put together from what such files really hold -------------------------------------

_WORDS = st.text(
    "海洋観測とは国の責務である、を定め「的」(A)B c*_12３Ⅲ・—", min_size=1, max_size=40
)
_SENTENCE = st.builds("{}。".format, _WORDS)
_PARAGRAPH = st.lists(_SENTENCE, min_size=1, max_size=4).map("".join)
_NUMBER = st.sampled_from(
    [
        "第1章",
        "第二節",
        "第Ⅲ部",
        "1",
        "2",
        "３",
        "(1)",
        "（2）",
        "①",
        "ア",
        "（イ）",
        "1.1",
        "1.2.3",
        "a.",
        "第1条",
        "第3条の2",
        "Ⅱ",
        "Chapter 3",
        "",
    ]
)
_HEADING = st.builds(
    "{} {} {}{}".format,
    st.integers(1, 6).map("#".__mul__),
    _NUMBER,
    _WORDS | st.just(""),
    st.sampled_from(["", " ##", "<sup>1</sup>", " **"]),
)
_CUT = st.builds("{}、{}{}{}。".format, _SENTENCE, _WORDS, st.sampled_from(["\n\n", "\n"]), _WORDS)
_CELL = st.sampled_from(["外務大臣", "日本側 (注1)", "", "1,000", "**強調**", "a|b", "※2", "<br>"])
_ROW = st.lists(_CELL, min_size=2, max_size=5)
_TABBED = st.lists(_ROW.map("\t".join), min_size=1, max_size=5).map("\n".join)
_PIPED = st.builds(
    "{}\n|---|:-:|\n{}".format,
    _ROW.map(lambda row: f"| {' | '.join(row)} |"),
    st.lists(_ROW.map(lambda row: f"|{'|'.join(row)}|"), max_size=4).map("\n".join),
)
_NOTE = st.builds(
    "{}{}\n 2 {}\n 3 {}".format,
    st.sampled_from(["(注) 1 ", "（注１）", "注1：", "※1", "資料：", "Source: ", "  (注)"]),
    _WORDS,
    _WORDS,
    _WORDS,
)
_MARKER = st.sampled_from(["<sup>1</sup>", "[^1]", "<sup>*</sup>"])
_FOOTNOTE = st.builds(
    "{} {}".format, st.sampled_from(["<sup>1</sup>", "[^1]:"]), _WORDS | st.just("")
)
_MARKED = st.builds("{}{}。".format, _WORDS, _MARKER)
_BOX = st.builds(
    "## {}\n\n## {}\n\n{}".format,
    st.sampled_from(["KEY WORD", "コラム", "解説 海洋", "Box 2.1 Storm"]),
    _WORDS,
    _PARAGRAPH,
)
_CAPTION = st.builds(
    "{}{} {}".format,
    st.sampled_from(["", "\n\n", "**"]),
    st.sampled_from(["図表Ⅲ-2-1-1", "第1-1-1図", "表 3.1", "別表第一", "Figure 1.1:", ""]),
    _WORDS,
)
_REFERENCE = st.builds(
    "**参照** {}（{}）、{}".format,
    st.sampled_from(["資料23", "図表Ⅲ-2-1-1", "2節", "第1章第1節"]),
    _WORDS,
    _WORDS,
)
_ARTICLE = st.builds(
    "（目的）\n第{}条　{}\n２　{}".format, st.sampled_from("一二3"), _SENTENCE, _SENTENCE
)
_RUBY = st.sampled_from(
    [
        "示威や恫喝どうかつに至る。",
        "協議 (DICAS) ダイキヤス Forum on Defense Industrial Cooperation, Acquisition "
        "and Sustainment を設立する。",
        "偵察 (ISR) 活動、訓練・Intelligence, Surveillance and Reconnaissance演習を行う。",
    ]
)
_MARKUP = st.sampled_from(["---", "![](x.png)", "<!-- 3 -->", "###", "# **", "\f", "**"])
_BLOCK = st.one_of(
    _PARAGRAPH, _HEADING, _CUT, _TABBED, _PIPED, _NOTE, _FOOTNOTE, _MARKED, _BOX, _CAPTION,
    _REFERENCE, _ARTICLE, _RUBY, _MARKUP,
)  # fmt: skip
_GAP = st.sampled_from(["\n\n", "\n", "\r\n\r\n", "\n\n\n\n", "\r", "\n　\n"])
_FORMATS = st.sampled_from(["md", "txt", "jsonl"])

# Line ends of all kinds, marks, surrogates: what a file may hold, and what it may not.
_HOSTILE = st.text(
    st.sampled_from(
        "\ufeff\u2028\x85\x0b\x1c\r\n\f\t\0\ud800 　|#*_~<>[]^()（）「」"
        "-:\\注※資料第1１٣条節図表参照a。、"
    )
    | st.characters(),
    max_size=120,
)


@st.composite
def _documents(draw: st.DrawFn) -> Source:
    blocks = draw(st.lists(st.tuples(_BLOCK, _GAP), min_size=1, max_size=14))
    return _source("".join(f"{block}{gap}" for block, gap in blocks), draw(_FORMATS))


def _any_text() -> st.SearchStrategy[Source]:
    return st.builds(_source, _HOSTILE | st.text(), _FORMATS)


def _source(text: str, format: str) -> Source:
    metadata = Metadata("架空白書", language="ja", chapter=Heading("第2章", "海洋"))
    return Source("made-up", f"made-up.{format}", format, text, metadata, "")


# --- what holds -----------------------------------------------------------------------------------


@settings(max_examples=250, deadline=None)
@given(_documents())
def test_generated_documents(source: Source) -> None:
    _check(source)


@settings(max_examples=400, deadline=None)
@given(_any_text())
def test_any_text(source: Source) -> None:
    _check(source)


@settings(max_examples=50, deadline=None)
@given(_documents())
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
