"""The process that listens: a socket, and the web server on it."""

from __future__ import annotations

import errno
import math
import socket
import sys
from typing import TYPE_CHECKING

import uvicorn
from sse_starlette.sse import AppStatus

from qa_service.errors import QaServiceError, SettingsError
from qa_service.feedback import FeedbackStore
from qa_service.retrieval.index import Index
from qa_service.retrieval.rerank import Reranking
from qa_service.serving.app import create_app
from qa_service.serving.door.access import Access
from qa_service.serving.door.arrival import make_protocol
from qa_service.serving.door.listening import ListeningServer
from qa_service.serving.observing.request_log import configure_logging
from qa_service.serving.observing.tracing import telemetry_config
from qa_service.serving.service.index_watch import watch_for_newer_index
from qa_service.serving.service.library import Library
from qa_service.serving.service.long_lived import set_aside
from qa_service.settings import Settings, split_list

if TYPE_CHECKING:  # loading OpenAI's client takes longer than a search
    from qa_service.answering.generate import Generator

_BACKLOG = 2048
_MARGIN_SECONDS = 5.0
# How long a thread that computes may keep the loop, which takes in and refuses, waiting; Python's own
# 5 ms add up where four of them compute.
_SWITCH_SECONDS = 0.001


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address, before the slow work begins; connections wait from then on.

    Raises SettingsError for an address that cannot be listened on.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            "host",
            f"{host!r} is no address of this machine. Use --host 127.0.0.1 (this machine "
            "alone) or --host 0.0.0.0 (the network).",
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(
    index: Index,
    listener: socket.socket,
    settings: Settings,
    generator: Generator | None = None,
    reranking: Reranking | None = None,
    access: Access = Access(),
) -> None:
    """Serve until a signal ends it; with the language model of `generator`, where there is one."""
    configure_logging(level=settings.log_level, form=settings.log_format)
    app = create_app(
        Library(index),
        feedback=FeedbackStore(settings.feedback_path, max_entries=settings.feedback_max_entries),
        generator=generator,
        reranking=reranking,
        chat_footer=settings.chat_footer,
        search_threads=settings.search_threads,
        queue_max=settings.queue_max,
        requests_max=settings.requests_max,
        body_max_bytes=settings.body_max_bytes,
        receive_seconds=settings.receive_timeout_seconds,
        watch=watch_for_newer_index,
        telemetry=telemetry_config(),
        access=access,
        cors_origins=split_list(settings.cors_origins),
        docs=settings.docs == "on" or (settings.docs == "auto" and settings.is_private),
    )
    _allow_open_files()
    config = uvicorn.Config(
        app,
        http=make_protocol(admission=app.state.admission, seconds=settings.receive_timeout_seconds),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # by itself uvicorn believes them of 127.0.0.1: see app, trusted_proxies
        timeout_graceful_shutdown=_longest_answer(settings),
    )
    sys.setswitchinterval(_SWITCH_SECONDS)
    AppStatus.enable_automatic_graceful_drain = False  # a stop lets streams come to their end
    config.load()
    set_aside()
    ListeningServer(config).run(sockets=[listener])


def _allow_open_files() -> None:
    """As many connections as the system lets a process have: 1,024, the usual, are soon used up."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _longest_answer(settings: Settings) -> int:
    """Seconds after which a server that was told to stop waits for nobody any more."""
    model = settings.llm_timeout_seconds if settings.llm_base_url else 0.0
    reranker = settings.rerank_timeout_seconds if settings.reranker else 0.0
    return math.ceil(settings.receive_timeout_seconds + model + reranker + _MARGIN_SECONDS)


def _cannot_listen(host: str, port: int, error: OSError) -> QaServiceError:
    if error.errno == errno.EADDRINUSE:
        return SettingsError(
            "port",
            f"Port {port} of {host} is in use, perhaps by another qa-service. Stop that one, or "
            f"choose another port: --port {port + 1 if port < 65535 else 8000}",
        )
    if error.errno == errno.EACCES:
        return SettingsError(
            "port", f"Port {port} needs more rights than you have. Use one above 1023: --port 8000"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return SettingsError(
            "host",
            f"{host} is no address of this machine. Use --host 127.0.0.1 (this machine alone) or "
            "--host 0.0.0.0 (the network).",
        )
    return SettingsError("host", f"Cannot listen on {host}, port {port}: {error.strerror}.")
