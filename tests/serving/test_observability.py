"""What is seen of the service from outside: metrics and the log."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.observing.request_log import configure_logging
from qa_service.serving.service.library import Library

SECRET = "秘密の質問zebra"
SECRET_KEY = "qa_0badc0de_zebra"


@pytest.fixture
def client(chapter_index: Index) -> Iterator[TestClient]:
    app = create_app(Library(chapter_index))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@contextmanager
def json_log() -> Iterator[None]:
    with written_log(level="info", form="json"):
        yield


@contextmanager
def written_log(*, level: str, form: Literal["text", "json"]) -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("qa_service")
    handlers, levels = root.handlers[:], (root.level, own.level)
    configure_logging(level=level, form=form)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])


def samples(client: TestClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = client.get("/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counts_requests_by_route_and_status(client: TestClient, document_id: str) -> None:
    client.post("/v1/search", json={"query": "日米同盟"})
    client.post("/v1/search", json={"query": ""})
    client.get(f"/v1/documents/{document_id}")
    client.get("/nowhere")
    client.get("/assets/style.css")
    found = samples(client)

    def requests(method: str, route: str, status: str) -> float | None:
        labels = (("method", method), ("route", route), ("status", status))
        return found.get(("qa_service_requests_total", labels))

    assert requests("POST", "/v1/search", "200") == 1
    assert requests("POST", "/v1/search", "422") == 1
    assert requests("GET", "/v1/documents/{id}", "200") == 1
    assert requests("GET", "other", "404") == 1
    assert requests("GET", "/assets", "200") == 1
    assert found[("qa_service_request_seconds_count", (("route", "/v1/search"),))] == 2
    assert found[("qa_service_requests_in_flight", ())] == 1  # this one


def test_counts_answers_refusals_stages_and_legs(client: TestClient, chapter_index: Index) -> None:
    for question in ("日米合同委員会の目的は何ですか", "What is the capital of Peru?"):
        client.post("/v1/ask", json={"question": question})
    client.post("/v1/ask", json={"question": "資料25では何が分かるか", "stream": True})
    client.post("/v1/search", json={"query": "拡大抑止", "mode": "lexical"})
    found = samples(client)
    answers = {
        labels: value
        for (name, labels), value in found.items()
        if name == "qa_service_answers_total"
    }
    assert {dict(labels)["outcome"]: value for labels, value in answers.items()} == {
        "answered": 1,
        "not_in_documents": 1,
        "only_referenced": 1,
    }
    assert found[("qa_service_leading_leg_total", (("leg", "lexical"),))] == 1
    labels = (("stage", "total"), ("work", "search"))
    assert found[("qa_service_stage_seconds_count", labels)] == 1
    assert found[("qa_service_index_passages", ())] == len(chapter_index.passages)
    assert any(
        name == "qa_service_index" and dict(labels)["generation"] == chapter_index.generation
        for name, labels in found
    )


def test_counts_what_agents_ask(client: TestClient) -> None:
    calls = [
        ("search_passages", {"query": "拡大抑止", "mode": "lexical"}),
        ("search_passages", {"query": ""}),  # refused: no search
        ("ask", {"question": "日米合同委員会の目的は何ですか"}),
        ("ask", {"question": "What is the capital of Peru?"}),
    ]
    for name, arguments in calls:
        params = {"name": name, "arguments": arguments}
        client.post(
            "/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            headers={"Accept": "application/json, text/event-stream"},
        )
    client.get("/mcp")
    found = samples(client)

    def requests(method: str, status: str) -> float | None:
        labels = (("method", method), ("route", "/mcp"), ("status", status))
        return found.get(("qa_service_requests_total", labels))

    assert requests("POST", "200") == 4
    assert requests("GET", "405") == 1
    for outcome in ("answered", "not_in_documents"):
        labels = (("mode", "extractive"), ("outcome", outcome))
        assert found[("qa_service_answers_total", labels)] == 1
    assert found[("qa_service_leading_leg_total", (("leg", "lexical"),))] == 1
    for work, count in (("search", 1), ("answer", 2)):
        labels = (("stage", "total"), ("work", work))
        assert found[("qa_service_stage_seconds_count", labels)] == count


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_fault_shows_no_value_in_the_log(
    chapter_index: Index, capfd: pytest.CaptureFixture[str], form: Literal["text", "json"]
) -> None:
    app = create_app(Library(chapter_index))

    @app.get("/fails")
    async def fails(question: str) -> str:
        raise RuntimeError("a fault of ours")

    with written_log(level="info", form=form), TestClient(app, raise_server_exceptions=False) as it:
        it.get(
            "/fails", params={"question": SECRET}, headers={"Authorization": f"Bearer {SECRET_KEY}"}
        )
    log = capfd.readouterr().err
    assert "a fault of ours" in log
    assert SECRET not in log
    assert SECRET_KEY not in log


def test_debugging_shows_no_question(client: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
    with written_log(level="debug", form="json"):
        client.post("/v1/ask", json={"question": f"{SECRET}とは", "stream": True})
    log = capfd.readouterr().err
    assert "/v1/ask" in log
    assert SECRET not in log


def test_every_response_has_a_request_id(client: TestClient) -> None:
    given = client.get("/healthz", headers={"X-Request-Id": "01J9.abc_D-e"})
    assert given.headers["x-request-id"] == "01J9.abc_D-e"
    made = [client.get("/healthz").headers["x-request-id"] for _ in range(2)]
    assert len(set(made)) == 2
    for forged in ("a b", "x" * 65, "a/b", "<script>"):
        answered = client.get("/healthz", headers={"X-Request-Id": forged})
        assert answered.headers["x-request-id"] != forged


def test_logs_a_line_a_request_without_anybodys_words(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = {"question": SECRET, "verdict": "odd", "subject": "answer"}
    with json_log():
        client.post("/v1/ask", json={"question": SECRET}, headers={"X-Request-Id": "one"})
        client.get("/", params={"q": SECRET})
        client.get(f"/v1/passages/{SECRET}")
        client.post("/v1/feedback", json=odd)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in requests] == [
        ("/v1/ask", 200),
        ("/", 200),
        ("/v1/passages/{id}", 404),
        ("/v1/feedback", 422),
    ]
    assert requests[0]["request_id"] == "one"
    assert requests[0]["milliseconds"] > 0
    assert "zebra" not in json.dumps(lines, ensure_ascii=False)
    assert SECRET not in client.get("/metrics").text


def test_an_unforeseen_error_is_logged_with_its_request(
    chapter_index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(Library(chapter_index))

    @app.get("/unforeseen")
    async def fail() -> None:
        raise RuntimeError("what went wrong")

    with json_log(), TestClient(app, raise_server_exceptions=False) as client:
        response = client.get("/unforeseen", headers={"X-Request-Id": "two"})
    assert response.status_code == 500
    log = capsys.readouterr().err
    assert "what went wrong" in log
    assert '"request_id": "two"' in log


def test_the_dashboard_and_the_handbook_name_metrics_that_there_are(
    client: TestClient, repository: Path
) -> None:
    client.post("/v1/ask", json={"question": "日米合同委員会の目的は何ですか"})
    client.post("/v1/search", json={"query": "日米同盟", "rerank": True})
    text = client.get("/metrics").text
    known = {
        word.partition("{")[0]
        for line in text.splitlines()
        if not line.startswith("#")
        for word in line.split()[:1]
    }
    known |= {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    for file in ("deploy/grafana-dashboard.json", "docs/operations.md"):
        content = (repository / file).read_text(encoding="utf-8")
        named = set(re.findall(r"qa_service_[a-z_]+", content))
        metrics = {name for name in named if not name.endswith((".toml",))}
        unknown = {name for name in metrics if name not in known and f"{name}_total" not in known}
        assert unknown == set(), file
