"""`POST /v1/search` keeps the HTTP contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.serving.app import create_app
from qa_service.serving.service.library import Library

QUESTION = "日米「2+2」には誰が出席しますか"


def search(client: TestClient, **body: Any) -> dict[str, Any]:
    response = client.post("/v1/search", json={"query": QUESTION, **body})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_response_has_the_shape_of_the_contract(client: TestClient) -> None:
    found = search(client)
    keys = {"query", "language", "results", "degraded", "degraded_codes", "timings_ms"}
    assert found.keys() == keys
    assert found["query"] == QUESTION
    assert found["language"] == "ja"
    assert found["degraded"] == []
    assert found["timings_ms"]["total"] > 0
    hit = found["results"][0]
    assert hit.keys() == {"rank", "score", "scores", "passage", "citation"}
    assert hit["passage"].keys() == {"id", "kind", "text"}
    citation = hit["citation"]
    assert citation.keys() == {
        *("id", "label", "document", "section", "figure", "box", "notes", "spans", "quote"),
        *("page", "url"),
    }
    assert citation["document"].keys() == {"id", "title"}
    assert citation["section"].keys() == {"id", "number", "title", "path"}
    assert citation["spans"][0].keys() == {"start", "end", "line_start", "line_end"}
    assert citation["url"] == f"/documents/{citation['document']['id']}#{hit['passage']['id']}"


def test_is_utf_8_and_readable_as_it_stands(client: TestClient) -> None:
    response = client.post("/v1/search", json={"query": QUESTION})
    assert response.headers["content-type"] == "application/json"
    assert QUESTION in response.content.decode("utf-8")


def test_hits_are_ranked(client: TestClient) -> None:
    hits = search(client, top_k=20)["results"]
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1


def test_every_quote_is_in_the_source_where_it_says(client: TestClient) -> None:
    for hit in search(client, top_k=100)["results"]:
        citation = hit["citation"]
        source = client.get(f"/v1/documents/{citation['document']['id']}/source").text
        spans = citation["spans"]
        assert "".join(source[s["start"] : s["end"]] for s in spans) == citation["quote"]
        for span in spans:
            assert source.count("\n", 0, span["start"]) + 1 == span["line_start"]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_each_mode_finds(client: TestClient, mode: str) -> None:
    assert search(client, mode=mode)["results"]


@pytest.mark.parametrize(
    "spelling", ["図表Ⅲ-2-1-1", "図表III-2-1-1", "図表Ⅲ－２－１－１", "Figure III-2-1-1"]
)
def test_every_spelling_of_a_figure_number_gives_the_table(
    client: TestClient, spelling: str
) -> None:
    first = search(client, query=spelling, top_k=1)["results"][0]
    assert first["passage"]["kind"] == "table"
    assert first["citation"]["figure"]["label"] == "図表Ⅲ-2-1-1"


def test_top_k_limits_the_hits(client: TestClient) -> None:
    assert len(search(client, top_k=3)["results"]) == 3


def test_filter_by_kind(client: TestClient) -> None:
    hits = search(client, filters={"kinds": ["caption", "footnote"]}, top_k=100)["results"]
    assert hits
    assert {hit["passage"]["kind"] for hit in hits} <= {"caption", "footnote"}


def test_filter_by_section_takes_those_below_along(client: TestClient) -> None:
    hits = search(client, filters={"section": "1/1"}, top_k=100)["results"]
    found = {hit["citation"]["section"]["id"] for hit in hits}
    assert found
    assert all(section == "1/1" or section.startswith("1/1/") for section in found)


def test_filter_by_document(client: TestClient, document_id: str) -> None:
    assert search(client, filters={"documents": [document_id]})["results"]


def test_empty_filters_let_all_through(client: TestClient) -> None:
    without = search(client)["results"]
    empty = search(client, filters={"documents": [], "kinds": [], "section": None})["results"]
    assert [hit["passage"]["id"] for hit in empty] == [hit["passage"]["id"] for hit in without]


def test_reranking_without_a_reranker_says_so(client: TestClient) -> None:
    found = search(client, rerank=True)
    assert found["results"]
    assert "reranker" in found["degraded"][0]
    assert found["degraded_codes"] == ["no_reranker"]


def test_same_question_same_answer(client: TestClient, chapter_index: Index) -> None:
    first, second = search(client), search(client)
    assert first["results"] == second["results"]


def test_a_hit_carries_the_beginning_of_a_long_table_and_says_so(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    rows = "\n".join(f"第{row}市\t{row * 7}人\t企画課" for row in range(2_000))
    text = f"# 1 人口\n\n表1 市の人口\n\n市\t人口\t担当\n{rows}\n"
    (corpus / "towns.md").write_text(text, encoding="utf-8")
    embedder = load_embedder()
    build_index(corpus, tmp_path / "index", embedder=embedder)
    index = load_index(tmp_path / "index", embedder=embedder)
    with TestClient(create_app(Library(index))) as client:
        body = {"query": "企画課が担当する市", "filters": {"kinds": ["table"]}}
        hit = client.post("/v1/search", json=body).json()["results"][0]
        whole = client.get(f"/v1/passages/{hit['passage']['id']}").json()
    assert hit["passage"]["shortened"] is True
    assert hit["passage"]["text"].endswith("\n…")
    assert len(hit["passage"]["text"]) < 3_100
    quote = hit["citation"]["quote"]
    assert quote == "".join(text[span["start"] : span["end"]] for span in hit["citation"]["spans"])
    assert quote.endswith("企画課")
    assert len(quote) < 3_100
    assert "第1999市" in whole["passage"]["text"]
    assert "shortened" not in whole["passage"]
