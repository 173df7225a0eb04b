"""Documents, their sources, and single passages."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from qa_service.retrieval.index import Index


def test_lists_the_documents(client: TestClient, document_id: str) -> None:
    found = client.get("/v1/documents").json()
    assert (found["total"], found["limit"], found["offset"]) == (1, 100, 0)
    (document,) = found["documents"]
    assert document["id"] == document_id
    assert document["metadata"]["title"] == "令和6年版防衛白書"
    assert document["metadata"]["chapter"] == {"number": "第2章", "title": "日米同盟"}
    assert document["passages"] > 0
    assert client.get(document["url"]).status_code == 200
    assert len(client.get(document["source_url"]).text) == document["characters"]


def test_offset_passes_over(client: TestClient) -> None:
    found = client.get("/v1/documents", params={"limit": 1, "offset": 1}).json()
    assert (found["documents"], found["total"]) == ([], 1)


def test_document_shows_the_tree_as_printed(client: TestClient, document_id: str) -> None:
    document = client.get(f"/v1/documents/{document_id}").json()
    lead, first = document["sections"]
    assert (lead["id"], lead["children"]) == ("lead", [])
    assert (first["id"], first["title"]) == ("1", "日米安全保障体制の概要")
    assert [child["id"] for child in first["children"]] == ["1/1", "1/2", "1/3"]
    assert [len(child["children"]) for child in first["children"]] == [3, 0, 2]


def test_document_shows_its_elements(client: TestClient, document_id: str) -> None:
    document = client.get(f"/v1/documents/{document_id}").json()
    assert "図表Ⅲ-2-1-1" in [figure["label"] for figure in document["figures"]]
    assert {box["kind"] for box in document["boxes"]} == {"KEY WORD", "解説"}
    assert {note["kind"] for note in document["notes"]} == {"note", "footnote"}
    unresolved = [each for each in document["references"] if each["status"] == "unresolved"]
    assert "資料23" in [reference["label"] for reference in unresolved]
    assert all(reference["target_id"] is None for reference in unresolved)


def test_source_is_the_file_as_received(
    client: TestClient, document_id: str, chapter_corpus: Path
) -> None:
    response = client.get(f"/v1/documents/{document_id}/source")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    (file,) = (path for path in chapter_corpus.glob("*.md") if path.name != "README.md")
    assert response.content == file.read_bytes()


def test_source_is_sent_once(client: TestClient, document_id: str) -> None:
    path = f"/v1/documents/{document_id}/source"
    tag = client.get(path).headers["etag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_every_passage_can_be_fetched_with_its_neighbours(
    client: TestClient, chapter_index: Index
) -> None:
    ids = [passage.id for passage in chapter_index.passages]
    found = [client.get(f"/v1/passages/{id}").json() for id in ids]
    assert [each["passage"]["id"] for each in found] == ids
    assert len({each["citation"]["id"] for each in found}) == len(ids)
    assert [each["previous"] and each["previous"]["id"] for each in found] == [None, *ids[:-1]]
    assert [each["next"] and each["next"]["id"] for each in found] == [*ids[1:], None]


def test_a_citation_leads_somewhere(client: TestClient) -> None:
    hit = client.post("/v1/search", json={"query": "日米同盟"}).json()["results"][0]
    assert client.get(hit["citation"]["url"]).status_code == 200


def test_a_citation_to_be_pasted_leads_to_the_cited_words(
    client: TestClient, chapter_index: Index
) -> None:
    passage = chapter_index.passages[0]
    start = passage.spans[0].start
    path = f"/v1/passages/{passage.id}/citation"
    whole = client.get(path).json()
    words = client.get(path, params={"at": f"{start}-{start + 4},{start + 6}-{start + 8}"}).json()
    for name in ("japanese", "english", "bibtex", "ris"):
        assert f"#{passage.id}" in whole[name]
        assert ";at=" not in whole[name]
        assert f"#{passage.id};at={start}-{start + 4},{start + 6}-{start + 8}" in words[name]


@pytest.mark.parametrize("at", ["", "1", "8-2", "0-999999999", "0-1,", "a-b", "٣-٤", "0-1," * 2000])
def test_a_citation_of_words_elsewhere_is_refused(
    client: TestClient, chapter_index: Index, at: str
) -> None:
    path = f"/v1/passages/{chapter_index.passages[0].id}/citation"
    response = client.get(path, params={"at": at})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "at"
