"""Answers with a language model, as the routes see one: slow, failing, out of reach, and left
alone by a client that has gone. The model is a script; `tests/answering` has real ones."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

import anyio
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from qa_service.answering.generate import Generator
from qa_service.answering.verify import DraftStatement
from qa_service.errors import GenerationError
from qa_service.retrieval.index import Index
from qa_service.retrieval.static_model import StaticModel
from qa_service.serving.app import create_app
from qa_service.serving.service.library import Library
from qa_service.types import Document, Hit, Support, Turn

QUESTION = "日米「2+2」には誰が出席しますか"
ASK = {"question": QUESTION}
CHAT = {"model": "qa-service", "messages": [{"role": "user", "content": QUESTION}]}
DRAFT = DraftStatement("両国の閣僚が出席します。", (0,), Support.NORMALISED)


class ScriptedGenerator(Generator):
    """Says one statement after `before` is done."""

    def __init__(self, before: Callable[[], Awaitable[None]], *, reached: bool = True) -> None:
        self._before = before
        self._reached = reached

    async def generate(
        self,
        question: str,
        history: Sequence[Turn],
        hits: Sequence[Hit],
        language: str,
        *,
        documents: Mapping[str, Document],
        model: StaticModel,
    ) -> AsyncGenerator[DraftStatement, None]:
        await self._before()
        yield DRAFT

    async def rewrite(self, question: str, history: Sequence[Turn]) -> str | None:
        return None

    async def reachable(self) -> bool:
        return self._reached

    async def close(self) -> None:
        pass


async def at_once() -> None:
    pass


async def out_of_reach() -> None:
    raise GenerationError("model_unreachable", "Nobody listens there.")


async def broken() -> None:
    raise RuntimeError("secret /path/of/this/machine")


def client_of(index: Index, generator: Generator) -> TestClient:
    app = create_app(Library(index), generator=generator)
    return TestClient(app, raise_server_exceptions=False)


def test_answers_with_the_model(chapter_index: Index) -> None:
    with client_of(chapter_index, ScriptedGenerator(at_once)) as client:
        found = client.post("/v1/ask", json=ASK).json()
        extracted = client.post("/v1/ask", json={**ASK, "mode": "extractive"}).json()
    assert found["answer"]["mode"] == "generated"
    assert found["answer"]["text"] == f"{DRAFT.text} [1]"
    assert found["answer"]["statements"][0]["support"] == "normalised"
    assert extracted["answer"]["mode"] == "extractive"


def test_a_model_that_fails_is_replaced_and_missed(chapter_index: Index) -> None:
    with client_of(chapter_index, ScriptedGenerator(out_of_reach)) as client:
        found = client.post("/v1/ask", json=ASK).json()
    assert found["answer"]["mode"] == "extractive"
    assert found["citations"]
    assert "model_unreachable" in found["degraded"][0]


@pytest.mark.parametrize("reached", [True, False])
def test_readiness_tells_of_the_model(chapter_index: Index, reached: bool) -> None:
    with client_of(chapter_index, ScriptedGenerator(at_once, reached=reached)) as client:
        assert client.post("/v1/ask", json=ASK).status_code == 200
        ready = client.get("/readyz").json()
    assert ready["status"] == ("ready" if reached else "degraded")
    assert bool(ready["degraded"]) is not reached


def test_models_are_told_apart_by_their_names(chapter_index: Index) -> None:
    with client_of(chapter_index, ScriptedGenerator(at_once)) as client:
        models = [model["id"] for model in client.get("/v1/models").json()["data"]]
        texts = {
            model: client.post("/v1/chat/completions", json={**CHAT, "model": model}).json()[
                "choices"
            ][0]["message"]["content"]
            for model in models
        }
    assert models == ["qa-service", "qa-service-extractive", "qa-service-generated"]
    assert texts["qa-service"] == texts["qa-service-generated"] == f"{DRAFT.text} [1]"
    assert DRAFT.text not in texts["qa-service-extractive"]


@pytest.mark.parametrize(("path", "body"), [("/v1/ask", ASK), ("/v1/chat/completions", CHAT)])
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_a_fault_inside_shows_nothing_of_the_inside(
    chapter_index: Index, path: str, body: dict[str, Any], streaming: bool
) -> None:
    with client_of(chapter_index, ScriptedGenerator(broken)) as client:
        response = client.post(path, json={**body, "stream": streaming})
    assert response.status_code == (200 if streaming else 500)
    assert "internal_error" in response.text
    assert not any(word in response.text for word in ("secret", "machine", "Traceback", "Error("))
    if streaming and path == "/v1/ask":
        assert "event: error\n" in response.text
        assert "event: done\n" not in response.text


class Connection:
    """One request to an application, with what comes back while it is being answered."""

    def __init__(self, path: str, body: dict[str, Any]) -> None:
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"content-type", b"application/json"), (b"host", b"localhost")],
            "server": ("localhost", 80),
        }
        self.received = b""
        self.leave = anyio.Event()
        self.heartbeat = anyio.Event()
        self._body = [json.dumps(body).encode()]

    async def exchange(self, app: FastAPI) -> None:
        with anyio.fail_after(30):
            await app(self.scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.received += message.get("body", b"")
        if b": waiting\n\n" in self.received:
            self.heartbeat.set()


@pytest.mark.parametrize(("path", "body"), [("/v1/ask", ASK), ("/v1/chat/completions", CHAT)])
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_a_client_that_leaves_stops_the_work(
    chapter_index: Index, path: str, body: dict[str, Any], streaming: bool
) -> None:
    async def run() -> None:
        connection = Connection(path, {**body, "stream": streaming})
        stopped = False

        async def never_done() -> None:
            nonlocal stopped
            connection.leave.set()
            try:
                await anyio.sleep_forever()
            finally:
                stopped = True

        app = create_app(Library(chapter_index), generator=ScriptedGenerator(never_done))
        await connection.exchange(app)
        assert stopped
        assert DRAFT.text.encode() not in connection.received

    anyio.run(run)


@pytest.mark.parametrize(("path", "body"), [("/v1/ask", ASK), ("/v1/chat/completions", CHAT)])
def test_a_slow_model_does_not_silence_the_stream(
    chapter_index: Index, path: str, body: dict[str, Any]
) -> None:
    async def run() -> None:
        connection = Connection(path, {**body, "stream": True})
        app = create_app(
            Library(chapter_index),
            generator=ScriptedGenerator(connection.heartbeat.wait),
            heartbeat_seconds=0.01,
        )
        await connection.exchange(app)
        before, _, after = connection.received.partition(b": waiting\n\n")
        assert DRAFT.text.encode() not in before
        assert DRAFT.text.encode() in after

    anyio.run(run)
