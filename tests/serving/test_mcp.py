"""Agents: the SDK's own client over both transports, and in both generations of the protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import CallToolResult, TextContent, TextResourceContents
from starlette.testclient import TestClient

from qa_service import __version__
from qa_service.answering.generate import Generator
from qa_service.answering.verify import DraftStatement
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.retrieval.static_model import StaticModel
from qa_service.serving.app import create_app
from qa_service.serving.mcp.server import create_mcp
from qa_service.serving.service.library import Library
from qa_service.types import Document, Hit, Support, Turn

Serving = Callable[[FastAPI], AbstractContextManager[str]]

QUESTION = "日米「2+2」には誰が出席しますか"
TOOLS = ("search_passages", "ask", "read_section", "list_documents")


class Agent:
    """A client of the SDK, called from a thread that is not its event loop's."""

    def __init__(self, client: Client, portal: BlockingPortal) -> None:
        self.client = client
        self._portal = portal

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        result: CallToolResult = self._portal.call(self.client.call_tool, tool, arguments)
        return result

    def value(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured result; the same stands as JSON in the text."""
        result = self.call(tool, **arguments)
        text = text_of(result)
        assert not result.is_error, text
        assert json.loads(text) == result.structured_content
        value: dict[str, Any] = result.structured_content
        return value

    def __getattr__(self, name: str) -> Any:
        """Any other method of the client."""
        method = getattr(self.client, name)
        return lambda *arguments, **named: self._portal.call(partial(method, *arguments, **named))


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


@contextmanager
def connected(server: Any, *, mode: str = "auto") -> Iterator[Agent]:
    client = Client(server, mode=mode)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(client) as connection,
    ):
        yield Agent(connection, portal)


def command(corpus: Path, index: Path) -> list[str]:
    places = ["--corpus", str(corpus), "--index", str(index)]
    return [sys.executable, "-m", "qa_service", "mcp", *places]


@pytest.fixture(
    scope="module",
    params=[("stdio", "auto"), ("http", "auto"), ("http", "legacy")],
    ids=["stdio", "http", "http-with-handshake"],
)
def agent(
    request: pytest.FixtureRequest, chapter_index: Index, chapter_corpus: Path, serving: Serving
) -> Iterator[Agent]:
    transport, mode = request.param
    if transport == "stdio":
        program, *arguments = command(chapter_corpus, chapter_index.path)
        server = StdioServerParameters(command=program, args=arguments, env=dict(os.environ))
        with connected(server, mode=mode) as agent:
            yield agent
    else:
        with (
            serving(create_app(Library(chapter_index))) as url,
            connected(f"{url}/mcp", mode=mode) as agent,
        ):
            yield agent


def without_times(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in value.items() if name != "timings_ms"}


# --- what it is --------------------------------------------------------------------------------


def test_says_what_it_is(agent: Agent) -> None:
    assert agent.client.server_info is not None
    assert agent.client.server_info.name == "qa-service"
    assert agent.client.server_info.version == __version__
    assert "citation" in (agent.client.instructions or "")
    assert agent.client.server_capabilities.tools is not None
    assert agent.client.server_capabilities.resources is not None


def test_describes_its_tools(agent: Agent) -> None:
    tools = {tool.name: tool for tool in agent.list_tools().tools}
    assert tuple(tools) == TOOLS
    for tool in tools.values():
        assert tool.title
        assert tool.description
        assert tool.annotations.read_only_hint is True
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema["type"] == "object"
        for described in tool.input_schema["properties"].values():
            assert described["description"]
    assert tools["search_passages"].input_schema["properties"]["top_k"]["maximum"] == 100
    assert "stream" not in tools["ask"].input_schema["properties"]


# --- tools -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_body",
    [
        {"query": QUESTION},
        {"query": "Who attends the 2+2?", "top_k": 1, "mode": "lexical"},
        {"query": "図表Ⅲ-2-1-1", "filters": {"kinds": ["table"], "section": "1/3"}},
    ],
    ids=["question", "lexical", "filtered"],
)
def test_searches_as_the_api_does(
    agent: Agent, client: TestClient, request_body: dict[str, Any]
) -> None:
    found = agent.value("search_passages", **request_body)
    assert found["results"]
    expected = client.post("/v1/search", json=request_body).json()
    assert without_times(found) == without_times(expected)


@pytest.mark.parametrize(
    "request_body",
    [
        {"question": QUESTION},
        {"question": "今日の天気は？", "top_k": 1},
        {
            "question": "目的は？",
            "history": [{"role": "user", "content": "日米合同委員会とは"}],
            "mode": "extractive",
        },
    ],
    ids=["answered", "not-answered", "follow-up"],
)
def test_answers_as_the_api_does(
    agent: Agent, client: TestClient, request_body: dict[str, Any]
) -> None:
    answered = agent.value("ask", **request_body)
    expected = client.post("/v1/ask", json=request_body).json()
    assert without_times(answered) == without_times(expected)


def test_reads_a_section_in_order(agent: Agent, chapter_index: Index, document_id: str) -> None:
    read = agent.value("read_section", document=document_id, section="1/3", limit=100)
    assert read["section"]["number"] == "第1節3"
    assert [each["id"] for each in read["subsections"]] == ["1/3/1", "1/3/2"]
    expected = [
        passage.id
        for passage in chapter_index.passages
        if passage.section_id.startswith("1/3") and passage.kind != "table_row"
    ]
    assert [each["passage"]["id"] for each in read["passages"]] == expected
    assert read["total"] == len(expected)


def test_reads_a_document_in_parts(agent: Agent, document_id: str) -> None:
    whole = agent.value("read_section", document=document_id, limit=100)
    assert whole["section"] is None
    assert [each["id"] for each in whole["subsections"]] == ["lead", "1"]
    parts: list[Any] = []
    while len(parts) < whole["total"]:
        part = agent.value("read_section", document=document_id, limit=16, offset=len(parts))
        assert part["passages"]
        parts += part["passages"]
    assert parts == whole["passages"]


def test_lists_the_documents_as_the_api_does(agent: Agent, client: TestClient) -> None:
    assert agent.value("list_documents") == client.get("/v1/documents").json()
    beyond = agent.value("list_documents", limit=1, offset=1)
    assert (beyond["documents"], beyond["total"]) == ([], 1)


# --- what cannot be done -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("search_passages", {}, "query: Field required."),
        ("search_passages", {"query": " "}, "query: The question is empty. Write"),
        ("search_passages", {"query": "x" * 2001}, "query: The question has 2001 characters"),
        ("search_passages", {"query": "a\0b"}, "query: The question holds a NUL character."),
        ("search_passages", {"query": "x", "top_k": 0}, "top_k: Input should be greater"),
        ("search_passages", {"query": "x", "top_k": 101}, "top_k: Input should be less than"),
        ("search_passages", {"query": "x", "top_k": "5"}, "top_k: Input should be a valid int"),
        ("search_passages", {"question": "x"}, "search_passages takes: query, top_k, "),
        (
            "search_passages",
            {"query": "x", "filters": {"kinds": ["picture"]}},
            "filters.kinds.0: Input should be 'paragraph', 'table'",
        ),
        (
            "search_passages",
            {"query": "x", "filters": {"documents": ["none"]}},
            "filters.documents: There is no document 'none'. The documents are: defense-of-",
        ),
        ("ask", {"question": "x" * 2001}, "question: The question has 2001 characters"),
        (
            "ask",
            {"question": "x", "filters": {"section": "9"}},
            "sections are: lead (第2章), 1 (第1節), 1/1 (第1節1)",
        ),
        ("ask", {"question": "x", "stream": True}, "stream: Extra inputs are not permitted."),
        (
            "ask",
            {"question": "x", "history": [{"role": "user", "content": "y"}] * 101},
            "history: The history has 101 entries; at most 100",
        ),
        ("read_section", {"document": "none"}, "document: There is no document 'none'."),
        ("list_documents", {"limit": 0}, "limit: Input should be greater than or equal to 1."),
    ],
)
def test_says_what_is_wrong_with_a_call(
    agent: Agent, tool: str, arguments: dict[str, Any], words: str
) -> None:
    result = agent.call(tool, **arguments)
    assert result.is_error
    assert words in text_of(result)
    assert "Traceback" not in text_of(result)
    assert "pydantic" not in text_of(result)


def test_says_which_sections_there_are(agent: Agent, document_id: str) -> None:
    result = agent.call("read_section", document=document_id, section="9")
    assert result.is_error
    assert text_of(result).startswith(
        "section: There is no section '9'. The sections are: lead (第2章), 1"
    )


def test_refuses_a_tool_that_is_not_there(agent: Agent) -> None:
    with pytest.raises(MCPError, match="There is no tool 'guess'"):
        agent.call("guess")


# --- documents as resources --------------------------------------------------------------------


def test_gives_the_source_that_citations_count_in(agent: Agent, document_id: str) -> None:
    (listed,) = agent.list_resources().resources
    assert (listed.name, listed.title) == (document_id, "令和6年版防衛白書")
    (template,) = agent.list_resource_templates().resource_templates
    assert template.uri_template.replace("{id}", document_id) == listed.uri
    (content,) = agent.read_resource(listed.uri).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == listed.mime_type == "text/markdown"
    assert len(content.text.encode()) == listed.size
    for cited in agent.value("read_section", document=document_id)["passages"]:
        spans = cited["citation"]["spans"]
        quote = "".join(content.text[span["start"] : span["end"]] for span in spans)
        assert quote == cited["citation"]["quote"]


@pytest.mark.parametrize("uri", ["qa-service://documents/none", "file:///etc/passwd", "none"])
def test_refuses_a_resource_that_is_not_there(agent: Agent, uri: str) -> None:
    with pytest.raises(MCPError, match="There is no resource '"):
        agent.read_resource(uri)


def test_lists_many_documents_page_by_page(tmp_path: Path) -> None:
    (tmp_path / "many.jsonl").write_text(
        "\n".join(json.dumps({"id": f"d{n}", "text": f"{n}番。"}) for n in range(501)),
        encoding="utf-8",
    )
    library = library_of(tmp_path / "many.jsonl", tmp_path / "index")
    with connected(create_mcp(library, limiter=anyio.CapacityLimiter(1))) as agent:
        first = agent.list_resources()
        names = [resource.name for resource in first.resources]
        assert len(names) == 500
        rest = agent.list_resources(cursor=first.next_cursor)
        names += [resource.name for resource in rest.resources]
        assert rest.next_cursor is None
        assert sorted(names) == sorted(library.shelf.index.documents)
        with pytest.raises(MCPError, match="cursor"):
            agent.list_resources(cursor="x")


# --- in the application ------------------------------------------------------------------------


def library_of(corpus: Path, index: Path) -> Library:
    embedder = load_embedder()
    build_index(corpus, index, embedder=embedder)
    return Library(load_index(index, embedder=embedder))


def test_follows_a_new_index(chapter_index: Index, tmp_path: Path, serving: Serving) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "apple.txt").write_text("りんごは赤い。\n", encoding="utf-8")
    library = library_of(tmp_path / "corpus", tmp_path / "index")
    with serving(create_app(library)) as url, connected(f"{url}/mcp") as agent:
        found = agent.value("search_passages", query="りんご")["results"]
        assert [each["citation"]["document"]["id"] for each in found] == ["apple"]
        library.replace(chapter_index)
        listed = agent.value("list_documents")["documents"]
        assert [each["id"] for each in listed] == list(chapter_index.documents)
        assert [each.name for each in agent.list_resources().resources] == [listed[0]["id"]]


def test_lives_as_often_as_its_application(chapter_index: Index, serving: Serving) -> None:
    app = create_app(Library(chapter_index))
    for _ in range(2):
        with serving(app) as url, connected(f"{url}/mcp") as agent:
            assert agent.value("list_documents")["total"] == 1


class ScriptedGenerator(Generator):
    """Says one statement after `step` is done."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.cancelled = threading.Event()

    async def step(self) -> None:
        pass

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
        self.asked.set()
        try:
            await self.step()
        except anyio.get_cancelled_exc_class():
            self.cancelled.set()
            raise
        yield DraftStatement("両国の閣僚が出席します。", (0,), Support.NORMALISED)

    async def rewrite(self, question: str, history: Sequence[Turn]) -> str | None:
        return None

    async def reachable(self) -> bool:
        return True

    async def close(self) -> None:
        pass


class Broken(ScriptedGenerator):
    async def step(self) -> None:
        raise RuntimeError("secret /path/of/this/machine")


class Endless(ScriptedGenerator):
    async def step(self) -> None:
        await anyio.sleep_forever()


def test_answers_with_the_language_model(chapter_index: Index, serving: Serving) -> None:
    app = create_app(Library(chapter_index), generator=ScriptedGenerator())
    with serving(app) as url, connected(f"{url}/mcp") as agent:
        assert agent.value("ask", question=QUESTION)["answer"]["mode"] == "generated"
        quoted = agent.value("ask", question=QUESTION, mode="extractive")
        assert quoted["answer"]["mode"] == "extractive"


def test_a_fault_inside_shows_nothing_of_the_inside(
    chapter_index: Index, caplog: pytest.LogCaptureFixture, serving: Serving
) -> None:
    app = create_app(Library(chapter_index), generator=Broken())
    with serving(app) as url, connected(f"{url}/mcp") as agent:
        result = agent.call("ask", question=QUESTION)
    assert result.is_error
    assert text_of(result) == ("Something went wrong inside the service. Its log says what.")
    assert "unforeseen error" in caplog.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_that_leaves_stops_the_work(
    chapter_index: Index, mode: str, serving: Serving
) -> None:
    generator = Endless()

    async def ask_and_leave(url: str) -> None:
        async with Client(url, mode=mode) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "ask", {"question": QUESTION})
            assert await anyio.to_thread.run_sync(generator.asked.wait, 20)
            tasks.cancel_scope.cancel()

    with serving(create_app(Library(chapter_index), generator=generator)) as url:
        anyio.run(ask_and_leave, f"{url}/mcp")
        assert generator.cancelled.wait(20)


def test_searches_wait_their_turn(chapter_index: Index) -> None:
    limiter = anyio.CapacityLimiter(1)

    async def search_twice() -> CallToolResult:
        server = create_mcp(Library(chapter_index), limiter=limiter)
        found: list[CallToolResult] = []
        async with Client(server) as client:

            async def search() -> None:
                found.append(await client.call_tool("search_passages", {"query": QUESTION}))

            with anyio.fail_after(20):
                async with anyio.create_task_group() as tasks, limiter:
                    tasks.start_soon(search)
                    while not limiter.statistics().tasks_waiting:
                        await anyio.sleep(0.01)
                    assert not found
        return found[0]

    assert not anyio.run(search_twice).is_error


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://localhost:6274", 200),
        ("http://127.0.0.1:8000", 200),
        ("http://[::1]:8000", 200),
        ("https://example.org", 403),
        ("http://localhost.example.org", 403),
        ("http://[", 403),
        ("null", 403),
    ],
)
def test_pages_of_other_hosts_are_refused(
    client: TestClient, origin: str | None, status: int
) -> None:
    headers = {"Accept": "application/json, text/event-stream"}
    if origin is not None:
        headers["Origin"] = origin
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    response = client.post("/mcp", json=body, headers=headers)
    assert response.status_code == status, response.text
    if status == 403:
        assert response.json()["code"] == "forbidden_origin"


def test_pages_of_configured_hosts_may_ask(chapter_index: Index) -> None:
    page = "https://intranet.example.org"
    asked = ["authorization", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name"]
    preflight = {
        "Origin": page,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ", ".join([*asked, "mcp-session-id", "last-event-id"]),
    }
    accept = {"Accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with TestClient(create_app(Library(chapter_index), cors_origins=[page])) as client:
        assert client.options("/mcp", headers=preflight).status_code == 200
        answered = client.post("/mcp", json=body, headers={**accept, "Origin": page})
        assert answered.status_code == 200, answered.text
        assert answered.headers["access-control-allow-origin"] == page
        other = client.post("/mcp", json=body, headers={**accept, "Origin": f"{page}.evil.example"})
        assert other.status_code == 403
        assert "cors_origins" in other.json()["detail"]
    with TestClient(create_app(Library(chapter_index), cors_origins=["*"])) as client:
        answered = client.post("/mcp", json=body, headers={**accept, "Origin": page})
        assert answered.status_code == 200, answered.text


def test_refuses_what_is_too_large_or_not_posted(client: TestClient) -> None:
    assert client.post("/mcp", content=b" " * 1_000_001).status_code == 413
    for method in ("GET", "DELETE"):  # no sessions: nothing to listen to, nothing to end
        assert client.request(method, "/mcp").status_code == 405


def test_the_sdk_is_loaded_only_when_an_agent_comes() -> None:
    code = "import sys, qa_service.serving.server, qa_service.cli.commands; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "fastapi" in done.stdout.split()
    assert not {"mcp", "mcp_types", "jsonschema"} & set(done.stdout.split())


# --- standard input and output -----------------------------------------------------------------


def test_only_the_protocol_is_on_standard_output(chapter_corpus: Path, tmp_path: Path) -> None:
    """Though the index is built first. The process ends with its input."""
    initialize = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    process = subprocess.Popen(
        command(chapter_corpus, tmp_path / "index"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    received = []
    for id, (method, params) in enumerate(
        [
            ("initialize", initialize),
            ("tools/call", {"name": "search_passages", "arguments": {"query": QUESTION}}),
        ]
    ):
        message = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
        process.stdin.write(f"{json.dumps(message)}\n")
        process.stdin.flush()
        received.append(json.loads(process.stdout.readline()))
    rest, errors = process.communicate(timeout=60)
    assert [message["id"] for message in received] == [0, 1]
    assert received[1]["result"]["structuredContent"]["results"]
    assert rest == ""
    assert "Building the index" in errors
    assert "Serving" in errors
    assert "Traceback" not in errors
    assert process.returncode == 0


def test_what_cannot_be_served_is_said_on_standard_error(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path / "nothing", tmp_path / "index"),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "is not there" in done.stderr
    assert "Traceback" not in done.stderr
