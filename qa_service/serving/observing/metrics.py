"""What the service counts and times, for Prometheus: `/metrics`.

The same timings go onto the trace of the request, where there is one. Nothing here is anybody's
words: labels are route templates, stages, reasons and names of models. `docs/operations.md` says what
each metric means; a Grafana dashboard lies in `deploy/`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from qa_service import __version__
from qa_service.answering.events import Done, Event
from qa_service.retrieval.index import Index
from qa_service.serving.observing.tracing import trace_stages
from qa_service.types import AskResult, SearchResult

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_STAGES = frozenset(
    [
        "lexical",
        "embed",
        "dense",
        "translation",
        "interaction",
        "sentence",
        "fusion",
        "rerank",
        "search",
        "total",
    ]
)


class Metrics:
    """One application's; two share nothing."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "qa_service_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "qa_service_request_seconds",
            "From a request's first byte to its response's last.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._in_flight = Gauge(
            "qa_service_requests_in_flight", "Requests being answered.", registry=self.registry
        )
        self._refused = Counter(
            "qa_service_refused",
            "Requests refused because more were asked than the machine can answer.",
            registry=self.registry,
        )
        self._stage_seconds = Histogram(
            "qa_service_stage_seconds",
            "Stages of a search and an answer.",
            ("work", "stage"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._leading = Counter(
            "qa_service_leading_leg",
            "Which part of the search spoke loudest for the passage that came first.",
            ("leg",),
            registry=self.registry,
        )
        self._answers = Counter(
            "qa_service_answers",
            "Answers, by how they were made, and why there was none.",
            ("mode", "outcome"),
            registry=self.registry,
        )
        self._degraded = Counter(
            "qa_service_degraded",
            "Responses made without one of their parts.",
            ("work",),
            registry=self.registry,
        )
        self._index = Gauge(
            "qa_service_index",
            "The index in service; always 1.",
            ("generation", "embedder", "version"),
            registry=self.registry,
        )
        self._passages = Gauge(
            "qa_service_index_passages", "Passages in service.", registry=self.registry
        )
        self._faults = Gauge(
            "qa_service_faults", "What /readyz says is amiss.", registry=self.registry
        )

    def exposition(self, index: Index, *, faults: int) -> bytes:
        """All of it, in Prometheus' text format."""
        self._index.clear()
        self._index.labels(index.generation, index.embedder.name, __version__).set(1)
        self._passages.set(len(index.passages))
        self._faults.set(faults)
        return generate_latest(self.registry)

    def began(self) -> None:
        self._in_flight.inc()

    def ended(self, method: str, route: str, status: int, seconds: float) -> None:
        self._in_flight.dec()
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def refused(self) -> None:
        self._refused.inc()

    def searched(self, result: SearchResult) -> None:
        self._timed("search", result.timings_ms)
        self._led(result)
        if result.degraded:
            self._degraded.labels("search").inc()

    def answered(self, result: AskResult) -> None:
        self._timed("answer", result.timings_ms)
        answer = result.answer
        outcome = "answered" if answer.reason is None else answer.reason.value
        self._answers.labels(answer.mode.value, outcome).inc()
        if result.degraded:
            self._degraded.labels("answer").inc()

    async def watching(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """The same events; the answer at their end is counted."""
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Done):
                    self.answered(event.result)
                yield event

    def _timed(self, work: str, timings_ms: Mapping[str, float]) -> None:
        trace_stages(work, timings_ms)
        for stage, milliseconds in timings_ms.items():
            if stage in _STAGES:
                self._stage_seconds.labels(work, stage).observe(milliseconds / 1000)

    def _led(self, result: SearchResult) -> None:
        if not result.hits:
            self._leading.labels("none").inc()
            return
        scores = {leg: each for leg, each in result.hits[0].scores.items() if leg != "fused"}
        self._leading.labels(max(scores, key=scores.__getitem__)).inc()
