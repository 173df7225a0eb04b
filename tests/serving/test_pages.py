"""The pages as the server sends them; how they behave is for tests/browser."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from qa_service.serving.page.page_strings import LANGUAGES, choose_language, page_strings


@pytest.mark.parametrize("path", ["/", "/documents/{id}", "/documents/none", "/docs"])
def test_a_page_runs_nothing_inline_and_loads_nothing_from_elsewhere(
    client: TestClient, document_id: str, path: str
) -> None:
    response = client.get(path.format(id=document_id))
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    page = response.text
    assert not re.search(r"<script(?! (type=\"(module|application/json)\"|src=\"/assets/))", page)
    assert not re.search(r"\son\w+=|<style|\sstyle=|(src|href)=\"https?:", page)


def test_a_document_that_is_known_is_not_sent_again(client: TestClient, document_id: str) -> None:
    first = client.get(f"/documents/{document_id}")
    again = client.get(
        f"/documents/{document_id}", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(f"/documents/{document_id}", headers={"Accept-Language": "ja"})
    assert other.headers["etag"] != first.headers["etag"]


def test_a_document_that_is_not_there_is_404(client: TestClient) -> None:
    response = client.get("/documents/none")
    assert response.status_code == 404
    assert "Look for it among the documents" in response.text


def test_the_icon_is_where_browsers_look_for_it(client: TestClient) -> None:
    response = client.get("/favicon.ico")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, None, "en"),
        (None, "ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        (None, "fr, en;q=0.5, ja;q=0.7", "ja"),
        (None, "ja;q=0, en", "en"),
        (None, "en; q=0.5, ja; q=0.9", "ja"),
        (None, "ja;q=lots", "en"),
        ("en", "ja", "en"),
        ("xx", "ja", "ja"),
    ],
)
def test_the_readers_language(cookie: str | None, accepted: str | None, language: str) -> None:
    assert choose_language(cookie, accepted) == language


def test_every_word_of_the_page_is_there_in_both_languages(repository: object) -> None:
    strings = [page_strings(language) for language in LANGUAGES]
    assert strings[0].keys() == strings[1].keys()
    for name, words in strings[0].items():
        assert words
        holes = [set(re.findall(r"\{\w+\}", each[name])) for each in strings]
        assert holes[0] == holes[1], name


@pytest.mark.parametrize(
    "code",
    [
        *("no_language_model", "language_model_failed", "language_model_unfounded"),
        *("no_reranker", "reranker_failed", "reranker_late", "older_index"),
    ],
)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_has_words_for_what_a_result_does_without(
    client: TestClient, code: str, language: str
) -> None:
    page = client.get("/", headers={"Accept-Language": language}).text
    assert f'"degraded_{code}"' in page
