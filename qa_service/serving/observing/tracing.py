"""Traces for OpenTelemetry, where the user has set up somewhere to send them.

FastAPI makes the spans of requests; here they get the stages of a search, and nobody's words. Wanted
when OTEL_EXPORTER_OTLP_ENDPOINT (OpenTelemetry's own variable) is set; needs the extra `tracing`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace

from qa_service.errors import SettingsError

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def telemetry_config(*, provider: trace.TracerProvider | None = None) -> TelemetryConfig:
    """For `FastAPI(telemetry=…)`. Metrics have their own form here, and FastAPI's log records would
    hold messages of errors, so both stay off.

    Raises SettingsError where traces are wanted and the extra is missing.
    """
    wanted = provider is None and any(os.environ.get(name) for name in _ENDPOINTS)
    if wanted and not _can_send():
        raise SettingsError(
            "tracing",
            f"{_ENDPOINTS[0]} is set, but the packages that send traces are not installed. Run "
            "`pip install 'qa-service[tracing]'`, or unset the variable.",
        )
    config: TelemetryConfig = {
        "tracing": wanted or provider is not None,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "exclude": _holds_words,
        "auto_configure": wanted,
    }
    if provider is not None:
        config["tracer_provider"] = provider
    return config


def _can_send() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # not even the parent package
        return False


def _holds_words(scope: MutableMapping[str, Any]) -> bool:
    """A page's address may hold a question (`/?q=…`), and a span would hold the address."""
    return not str(scope.get("path", "")).startswith("/v1/")


def trace_stages(work: str, timings_ms: Mapping[str, float]) -> None:
    """Puts the milliseconds of the stages on the span of the request under way, if there is one."""
    span = trace.get_current_span()
    for stage, milliseconds in timings_ms.items():
        span.set_attribute(f"qa_service.{work}.{stage}_ms", milliseconds)
