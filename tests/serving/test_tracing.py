"""Traces: spans with stages and without words."""

from __future__ import annotations

import json

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from qa_service.errors import SettingsError
from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.observing.tracing import telemetry_config
from qa_service.serving.service.library import Library

SECRET = "zebra日米同盟"


def test_a_request_is_a_span_with_its_stages_and_nobodys_words(chapter_index: Index) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = create_app(Library(chapter_index), telemetry=telemetry_config(provider=provider))
    with TestClient(app) as client:
        client.post("/v1/search", json={"query": SECRET})
        client.post("/v1/ask", json={"question": SECRET})
        client.get("/", params={"q": SECRET})
    spans = exporter.get_finished_spans()
    routes = [dict(span.attributes or {}).get("http.route") for span in spans]
    assert routes == ["/v1/search", "/v1/ask"]
    search = dict(spans[0].attributes or {})
    assert isinstance(search["qa_service.search.lexical_ms"], float)
    assert isinstance(dict(spans[1].attributes or {})["qa_service.answer.total_ms"], float)
    assert "zebra" not in json.dumps([span.to_json() for span in spans])


def test_without_an_endpoint_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    assert telemetry_config()["tracing"] is False


def test_an_endpoint_without_the_packages_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    with pytest.raises(SettingsError, match=r"qa-service\[tracing\]"):
        telemetry_config()
