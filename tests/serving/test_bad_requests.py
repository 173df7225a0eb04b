"""Bad input is refused with a 4xx that names what is wrong, in one form; nothing breaks."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient


def assert_problem(response: Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["title"]
    assert problem["detail"]
    return problem


def post(client: TestClient, content: bytes, content_type: str = "application/json") -> Response:
    return client.post("/v1/search", content=content, headers={"Content-Type": content_type})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "query", id="no question"),
        pytest.param({"query": ""}, "query", id="empty question"),
        pytest.param({"query": " \u3000\n"}, "query", id="blank question"),
        pytest.param({"query": "あ" * 2001}, "query", id="2,001 characters"),
        pytest.param({"query": "a\0b"}, "query", id="NUL"),
        pytest.param({"query": 1}, "query", id="number as question"),
        pytest.param({"query": ["a"]}, "query", id="list as question"),
        pytest.param({"query": None}, "query", id="null as question"),
        pytest.param({"query": "a", "question": "b"}, "question", id="unknown field"),
        pytest.param({"query": "a", "top_k": 0}, "top_k", id="top_k 0"),
        pytest.param({"query": "a", "top_k": 101}, "top_k", id="top_k 101"),
        pytest.param({"query": "a", "top_k": True}, "top_k", id="true as number"),
        pytest.param({"query": "a", "top_k": "5"}, "top_k", id="text as number"),
        pytest.param({"query": "a", "top_k": 1.5}, "top_k", id="fraction"),
        pytest.param({"query": "a", "rerank": 1}, "rerank", id="number as truth value"),
        pytest.param({"query": "a", "mode": "fast"}, "mode", id="unknown mode"),
        pytest.param({"query": "a", "filters": []}, "filters", id="list as filters"),
        pytest.param({"query": "a", "filters": None}, "filters", id="null as filters"),
        pytest.param({"query": "a", "filters": {"page": 1}}, "filters.page", id="unknown filter"),
        pytest.param(
            {"query": "a", "filters": {"kinds": ["chunk"]}}, "filters.kinds.0", id="unknown kind"
        ),
        pytest.param(
            {"query": "a", "filters": {"kinds": "table"}}, "filters.kinds", id="kinds not a list"
        ),
        pytest.param(
            {"query": "a", "filters": {"documents": ["nowhere"]}},
            "filters.documents",
            id="unknown document",
        ),
        pytest.param(
            {"query": "a", "filters": {"section": "9/9"}}, "filters.section", id="unknown section"
        ),
    ],
)
def test_names_the_field(client: TestClient, body: dict[str, Any], field: str) -> None:
    problem = assert_problem(client.post("/v1/search", json=body), 422, "invalid_input")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["errors"][0]["message"]


def test_names_every_field(client: TestClient) -> None:
    response = client.post("/v1/search", json={"query": "a", "top_k": 0, "mode": "fast"})
    problem = assert_problem(response, 422, "invalid_input")
    assert {error["field"] for error in problem["errors"]} == {"top_k", "mode"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"query": "\\ud800"}', id="half a surrogate pair in the question"),
        pytest.param(
            b'{"query": "a", "filters": {"section": "\\ud800"}}', id="half a pair in a filter"
        ),
        pytest.param(b'{"query": "a", "\\ud800": 1}', id="half a pair in a field name"),
        pytest.param(b'{"query": "a", "top_k": 1e999}', id="a number beyond all"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"query"', id="a text"),
        pytest.param(b"null", id="null"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_json_of_another_shape(client: TestClient, content: bytes) -> None:
    assert_problem(post(client, content), 422, "invalid_input")


@pytest.mark.parametrize(
    ("content", "field"),
    [
        pytest.param(b"query=a", "body", id="not JSON"),
        pytest.param(b"[NaN]", "body", id="a list"),
        pytest.param(b'{"query": "a"', "body", id="cut short"),
        pytest.param(b'{"query": "a', "query", id="cut short in a text"),
        pytest.param('{"query": "日米"}'.encode("cp932"), "query", id="not UTF-8"),
        pytest.param(b'{"query": "a", "top_k": NaN}', "top_k", id="NaN"),
        pytest.param(b'{"query": "NaN", "top_k": NaN}', "top_k", id="NaN, and as a text"),
        pytest.param(b'{"query": "a", "top_k": -Infinity}', "top_k", id="infinity"),
        pytest.param(b'{"query": "a", "query": "b"}', "query", id="key twice"),
        pytest.param(
            b'{"query": "a", "filters": {"kinds": [], "section": "1", "section": "2"}}',
            "filters.section",
            id="key twice, further in",
        ),
        pytest.param(
            b'{"query": "a", "filters": {"kinds": ["table", NaN]}}',
            "filters.kinds.1",
            id="in a list",
        ),
        pytest.param(b'{"\\ud800": 1, "\\ud800": 2}', "\\ud800", id="key twice, and no text"),
        pytest.param(b'{"query": "a", "top_k": ' + b"1" * 5000 + b"}", "top_k", id="5,000 digits"),
        pytest.param(b"[" * 100_000, "body", id="100,000 deep"),
        pytest.param(b'{"filters": ' + b"[" * 100_000, "filters.0.0.0", id="deep in a field"),
        pytest.param(b"[" + b"1," * 9_000 + b"NaN]", "body", id="far behind"),
    ],
)
def test_not_json(client: TestClient, content: bytes, field: str) -> None:
    problem = assert_problem(post(client, content), 400, "invalid_json")
    assert problem["detail"].startswith("The body is not JSON: ")
    assert [error["field"] for error in problem["errors"]] == [field]


def test_another_content_type(client: TestClient) -> None:
    response = post(client, b'{"query": "a"}', "text/plain")
    assert_problem(response, 415, "unsupported_media_type")


def test_body_beyond_the_limit(client: TestClient) -> None:
    response = post(client, b'{"query": "' + b"a" * 2_000_000 + b'"}')
    assert_problem(response, 413, "body_too_large")


def test_a_bad_request_does_no_harm(client: TestClient) -> None:
    post(client, b"[" * 100_000)
    assert client.post("/v1/search", json={"query": "日米同盟"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/documents/nowhere",
        "/v1/documents/nowhere/source",
        "/v1/passages/nowhere",
        "/v1/documents/%00",
        "/v1/documents/..%2F..%2Fetc%2Fpasswd",
        "/v1/passages/%ED%A0%80",
        "/v2/search",
    ],
)
def test_unknown_things_are_not_found(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/search"), ("POST", "/v1/documents")])
def test_wrong_method(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, path)
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=1001", "limit"), ("offset=-1", "offset"), ("limit=x", "limit")],
)
def test_bad_paging(client: TestClient, query: str, field: str) -> None:
    problem = assert_problem(client.get(f"/v1/documents?{query}"), 422, "invalid_input")
    assert problem["errors"][0]["field"] == field
