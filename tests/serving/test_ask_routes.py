"""`POST /v1/ask` keeps the HTTP contract, whole and as a stream, and refuses bad input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

QUESTION = "日米「2+2」には誰が出席しますか"
UNANSWERABLE = "図表Ⅸ-9-9-9には何が書かれていますか"


def ask(client: TestClient, question: str = QUESTION, **body: Any) -> dict[str, Any]:
    response = client.post("/v1/ask", json={"question": question, **body})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    answered: dict[str, Any] = response.json()
    return answered


@dataclass(frozen=True)
class ServerEvent:
    name: str
    data: dict[str, Any]


def read_events(text: str) -> Iterator[ServerEvent]:
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        if fields:
            yield ServerEvent(fields["event"], json.loads(fields["data"]))


def stream(client: TestClient, question: str = QUESTION, **body: Any) -> list[ServerEvent]:
    response = client.post("/v1/ask", json={"question": question, "stream": True, **body})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    return list(read_events(response.text))


def assert_problem(response: Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    return problem


# --- whole -------------------------------------------------------------------------------------


def test_response_has_the_shape_of_the_contract(client: TestClient) -> None:
    found = ask(client)
    assert found.keys() == {
        *("question", "standalone_question", "answer", "citations", "results", "degraded"),
        *("degraded_codes", "timings_ms"),
    }
    assert found["question"] == found["standalone_question"] == QUESTION
    assert found["degraded"] == []
    assert found["timings_ms"]["total"] > 0
    answer = found["answer"]
    assert answer.keys() == {
        *("text", "answered", "reason", "mode", "language", "confidence", "statements")
    }
    assert (answer["answered"], answer["reason"]) == (True, None)
    assert (answer["mode"], answer["language"]) == ("extractive", "ja")
    assert 0 <= answer["confidence"] <= 1
    assert answer["statements"][0].keys() == {
        "text",
        "start",
        "end",
        "citations",
        "support",
        "cells",
    }
    assert found["results"][0].keys() == {"rank", "score", "scores", "passage", "citation"}
    assert found["citations"][0].keys() == found["results"][0]["citation"].keys() | {"n"}


def test_statements_and_marks_stand_where_they_say(client: TestClient) -> None:
    found = ask(client)
    text = found["answer"]["text"]
    numbers = [citation["n"] for citation in found["citations"]]
    assert numbers == list(range(1, len(numbers) + 1))
    for statement in found["answer"]["statements"]:
        assert text[statement["start"] : statement["end"]] == statement["text"]
        assert statement["citations"]
        assert set(statement["citations"]) <= set(numbers)
        assert f"[{statement['citations'][0]}]" in text[statement["end"] :]


def test_every_quote_is_in_the_source_where_it_says(client: TestClient) -> None:
    for citation in ask(client)["citations"]:
        source = client.get(f"/v1/documents/{citation['document']['id']}/source").text
        spans = citation["spans"]
        assert "".join(source[s["start"] : s["end"]] for s in spans) == citation["quote"]


def test_says_that_the_documents_do_not_answer(client: TestClient) -> None:
    found = ask(client, UNANSWERABLE)
    assert found["answer"]["answered"] is False
    assert found["answer"]["reason"] == "not_in_documents"
    assert found["answer"]["text"]
    assert (found["answer"]["statements"], found["citations"]) == ([], [])
    assert found["results"]


def test_history_makes_a_follow_up_stand_alone(client: TestClient) -> None:
    history = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "日米防衛協力のための指針とは何ですか"},
        {"role": "assistant", "content": "日米の役割を定めるものです。 [1]"},
    ]
    found = ask(client, "それはいつ見直されましたか", history=history)
    assert found["question"] == "それはいつ見直されましたか"
    assert "指針" in found["standalone_question"]


def test_same_hits_as_a_search(client: TestClient) -> None:
    body: dict[str, Any] = {"top_k": 3, "filters": {"kinds": ["paragraph"]}}
    searched = client.post("/v1/search", json={"query": QUESTION, **body}).json()
    assert ask(client, **body)["results"] == searched["results"]


def test_a_language_model_that_is_not_set_up_is_missed(client: TestClient) -> None:
    found = ask(client, mode="generated")
    assert found["answer"]["mode"] == "extractive"
    assert "language model" in found["degraded"][0]
    assert found["degraded_codes"] == ["no_language_model"]


def test_answers_in_the_language_asked_for(client: TestClient) -> None:
    assert ask(client, language="en")["answer"]["language"] == "en"


# --- stream ------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [QUESTION, UNANSWERABLE, "Who attends the 2+2?"])
def test_a_stream_is_the_whole_answer_in_pieces(client: TestClient, question: str) -> None:
    events = stream(client, question)
    names = [event.name for event in events]
    assert (names[0], names[-1]) == ("sources", "done")
    assert set(names[1:-1]) <= {"citation", "delta"}
    done, whole = events[-1].data, ask(client, question)
    del done["timings_ms"], whole["timings_ms"]
    assert done == whole
    text = "".join(event.data["text"] for event in events if event.name == "delta")
    assert text == whole["answer"]["text"]
    assert [event.data for event in events if event.name == "citation"] == whole["citations"]
    assert events[0].data == {
        "standalone_question": whole["standalone_question"],
        "language": "ja" if question != "Who attends the 2+2?" else "en",
        "results": whole["results"],
    }


def test_a_citation_comes_before_its_mark(client: TestClient) -> None:
    known: set[int] = set()
    for event in stream(client):
        if event.name == "citation":
            known.add(event.data["n"])
        for n in range(1, 10):
            assert event.name != "delta" or f"[{n}]" not in event.data["text"] or n in known


# --- bad input ---------------------------------------------------------------------------------


def turns(*contents: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": content} for content in contents]


BAD_BODIES = [
    pytest.param({}, "question", id="no question"),
    pytest.param({"question": ""}, "question", id="empty question"),
    pytest.param({"question": "\u3000\n"}, "question", id="blank question"),
    pytest.param({"question": "あ" * 2001}, "question", id="2,001 characters"),
    pytest.param({"question": "a\0b"}, "question", id="NUL"),
    pytest.param({"question": 1}, "question", id="number as question"),
    pytest.param({"question": "a", "query": "b"}, "query", id="unknown field"),
    pytest.param({"question": "a", "top_k": 0}, "top_k", id="top_k 0"),
    pytest.param({"question": "a", "top_k": 101}, "top_k", id="top_k 101"),
    pytest.param({"question": "a", "top_k": "5"}, "top_k", id="text as number"),
    pytest.param({"question": "a", "mode": "hybrid"}, "mode", id="mode of a search"),
    pytest.param({"question": "a", "stream": 1}, "stream", id="number as truth value"),
    pytest.param({"question": "a", "language": ""}, "language", id="empty language"),
    pytest.param({"question": "a", "language": "日本語"}, "language", id="language in words"),
    pytest.param({"question": "a", "language": "a" * 9999}, "language", id="endless language"),
    pytest.param({"question": "a", "filters": {"page": 1}}, "filters.page", id="unknown filter"),
    pytest.param(
        {"question": "a", "filters": {"documents": ["nowhere"]}},
        "filters.documents",
        id="unknown document",
    ),
    pytest.param(
        {"question": "a", "filters": {"section": "9/9"}}, "filters.section", id="unknown section"
    ),
    pytest.param({"question": "a", "history": {}}, "history", id="object as history"),
    pytest.param({"question": "a", "history": ["b"]}, "history.0", id="text as entry"),
    pytest.param(
        {"question": "a", "history": [{"role": "user"}]}, "history.0.content", id="no content"
    ),
    pytest.param(
        {"question": "a", "history": [{"role": "bot", "content": "b"}]},
        "history.0.role",
        id="unknown role",
    ),
    pytest.param(
        {"question": "a", "history": [{"role": "user", "content": "b", "name": "c"}]},
        "history.0.name",
        id="unknown field of an entry",
    ),
    pytest.param({"question": "a", "history": turns(*"b" * 101)}, "history", id="101 entries"),
    pytest.param(
        {"question": "a", "history": turns("b", "b", "b", "あ" * 20_001)},
        "history.3.content",
        id="an entry of 20,001 characters",
    ),
]


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("body", "field"), BAD_BODIES)
def test_names_the_field(
    client: TestClient, body: dict[str, Any], field: str, streaming: bool
) -> None:
    response = client.post("/v1/ask", json={"stream": True, **body} if streaming else body)
    problem = assert_problem(response, 422, "invalid_input")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["errors"][0]["message"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        pytest.param(b"question=a", 400, "invalid_json", id="not JSON"),
        pytest.param(b'{"question": "a", "question": "b"}', 400, "invalid_json", id="key twice"),
        pytest.param(b'{"question": "\\ud800"}', 422, "invalid_input", id="half a pair"),
        pytest.param(
            b'{"question": "a", "history": [{"role": "user", "content": "\\ud800"}]}',
            *(422, "invalid_input"),
            id="half a pair in the history",
        ),
        pytest.param(b"[]", 422, "invalid_input", id="a list"),
        pytest.param(b'"' + b"a" * 2_000_000 + b'"', 413, "body_too_large", id="2 MB"),
    ],
)
def test_bad_bodies(client: TestClient, content: bytes, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    assert_problem(client.post("/v1/ask", content=content, headers=headers), status, code)


def test_another_content_type(client: TestClient) -> None:
    headers = {"Content-Type": "text/plain"}
    response = client.post("/v1/ask", content=b'{"question": "a"}', headers=headers)
    assert_problem(response, 415, "unsupported_media_type")


# --- description -------------------------------------------------------------------------------


def test_openapi_describes_the_route_and_its_examples_can_be_asked(client: TestClient) -> None:
    openapi = client.get("/openapi.json").json()
    responses = openapi["paths"]["/v1/ask"]["post"]["responses"]
    assert responses.keys() >= {"200", "400", "413", "415", "422", "503"}
    assert responses["200"]["content"].keys() == {"application/json", "text/event-stream"}
    assert responses["422"]["content"].keys() == {"application/problem+json"}
    examples = openapi["components"]["schemas"]["AskRequest"]["examples"]
    assert examples
    for example in examples:
        ask(client, **example)
