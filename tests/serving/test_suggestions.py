"""What the page offers to be asked, and that it is answered."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from qa_service.retrieval.build import build_index
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import load_index
from qa_service.serving.page.page_strings import LANGUAGES, page_strings
from qa_service.serving.service.suggestions import SUGGESTED, suggest

# A heading with nothing below it, which no question can be answered from; a title with quotes.
DOCUMENT = """# 港の管理の手引

## 1 沿革

## 2 「北の港」の管理

北の港の管理者は、毎年度、施設を点検し、その結果を公表する。

## 3 利用の手続

港を利用する者は、七日前までに届け出るものとする。
"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_suggestion_is_answered(client: TestClient, language: str) -> None:
    suggested = client.get("/suggestions", headers={"Accept-Language": language}).json()
    assert len(suggested) == SUGGESTED
    for question in suggested:
        reply = client.post("/v1/ask", json={"question": question}).json()
        assert reply["answer"]["answered"], question
        assert reply["answer"]["language"] == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_would_be_refused_is_not_suggested(tmp_path: Path, language: str) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "port.md").write_text(DOCUMENT, encoding="utf-8")
    embedder = load_embedder()
    build_index(tmp_path / "corpus", tmp_path / "index", embedder=embedder)
    index = load_index(tmp_path / "index", embedder=embedder)
    suggested = suggest(index, page_strings(language))
    assert [("沿革" in each, "北の港" in each, "手続" in each) for each in suggested] == [
        (False, True, False),
        (False, False, True),
    ]
