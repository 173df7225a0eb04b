"""Names that documents declare to be the same, found in any text."""

from __future__ import annotations

import pytest

from qa_service.reading.structure import read_document
from qa_service.retrieval.aliases import AliasTable
from qa_service.retrieval.terms import fold
from qa_service.types import Metadata, Source

TEXT = """# 1 協議

日米安全保障協議委員会 (SCC) は毎年開かれる。防衛協力小委員会 (SDC) はその下にある。

## KEY WORD

## 日米「2+2」

閣僚の会合の通称。正式名称は日米安全保障協議委員会 (SCC)。
"""


@pytest.fixture(scope="module")
def table() -> AliasTable:
    source = Source("a", "a.md", "md", TEXT, Metadata("協議", language="ja"), "0")
    return AliasTable.from_documents([read_document(source)])


@pytest.mark.parametrize(
    "text", ["SCC", "ＳＣＣ", "日米安全保障協議委員会とは", "「2+2」の目的", "2＋2は"]
)
def test_all_names_of_a_thing_give_one_atom(table: AliasTable, text: str) -> None:
    assert set(table.find(fold(text))) == set(table.find("scc")) != set()


def test_different_things_have_different_atoms(table: AliasTable) -> None:
    assert set(table.find("scc")).isdisjoint(table.find("sdc"))
    assert len(table.find("scc and sdc")) == 2


@pytest.mark.parametrize("text", ["fiscco", "12+24", "scc2", "協議", ""])
def test_part_of_a_word_is_no_name(table: AliasTable, text: str) -> None:
    assert table.find(text) == []


def test_no_documents_no_atoms() -> None:
    assert AliasTable.from_documents([]).find("scc") == []
