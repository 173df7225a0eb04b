"""Long and hostile texts take time by their length, no more."""

from __future__ import annotations

import time

import pytest

from qa_service.reading.citations import cite
from qa_service.reading.passages import cut_passages
from qa_service.reading.structure import read_document
from qa_service.types import Metadata, Source

_SECONDS = 12  # generous: each takes about one


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "|" * 100_000,
        "#" * 100_000,
        "「" * 100_000,
        "*" * 100_000,
        "<sup>" * 20_000,
        "1-" * 50_000,
        "1." * 50_000,
        "第一" * 50_000,
        " " * 1_000_000 + "x",
        "# " + " " * 1_000_000 + "x",
        "--" + " " * 100_000 + "|x",
        "(AB)" + " " * 100_000 + "x",
        "(AB) Ab " * 20_000,
        "あ (AB)" * 20_000,
        "観" * 1_000_000,
        "観測、" * 330_000,
        "海洋を観測する。" * 125_000,
        "word " * 200_000,
        "**a**\n" * 20_000,
        "a<br>" * 20_000,
        "恫喝どうかつ、" * 10_000,
        "a、\n\n" * 20_000,
        "（注）1 x\n" * 20_000,
        "\n\n\n図1 あ\n\n" * 10_000,
        "[^1]" * 20_000 + "\n\n" + "[^1]: x\n\n" * 20_000,
        "````x\n" * 20_000 + "```\n" * 20_000,
        "~~~\n# 1 あ\n" * 20_000,
        "`" * 100_000,
        "**参照** 2節、資料1\n\n" * 10_000 + "# 1 あ\n\n" * 10_000,
    ],
    ids=lambda text: f"{text[:8]!r} {len(text)}",
)
def test_hostile_texts_take_time_by_their_length(text: str) -> None:
    started = time.perf_counter()
    cut_passages(read_document(_source(text)))
    assert time.perf_counter() - started < _SECONDS


@pytest.mark.parametrize("number", ["1 海", "海"])
def test_many_headings(number: str) -> None:
    started = time.perf_counter()
    document = read_document(_source(f"## {number}\n\n海である。\n\n" * 20_000))
    passages = cut_passages(document)
    for passage in passages[::20]:
        cite(document, passage)
    assert len(passages) == 20_000
    assert time.perf_counter() - started < _SECONDS


def test_a_table_of_many_rows() -> None:
    rows = "\n".join(f"{row}\t海\t洋\t(注1)" for row in range(5_000))
    document = read_document(_source(f"表 1 多い\n\n区分\tA\tB\tC\n{rows}\n\n(注) 1 多い"))
    started = time.perf_counter()
    passages = cut_passages(document)
    assert sum(passage.kind == "table_row" for passage in passages) == 5_000
    assert time.perf_counter() - started < _SECONDS
    assert len(document.notes[0].anchors) == 5_000


def _source(text: str) -> Source:
    return Source("made-up", "made-up.md", "md", text, Metadata("架空白書", language="ja"), "")
