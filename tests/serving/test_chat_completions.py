"""The OpenAI-compatible endpoints, through OpenAI's own client and a real socket.

The client validates strictly: a field of another type than OpenAI's documents is an error here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
import uvicorn
from fastapi import FastAPI
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam
from starlette.testclient import TestClient

from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.openai.chat_reply import Mark, find_marks
from qa_service.serving.server import address, listen
from qa_service.serving.service.library import Library
from qa_service.types import Answer, AnswerMode, Statement, Support

QUESTION = "日米「2+2」には誰が出席しますか"
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The application behind a socket, in a thread; the address without a path."""
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield address(listener)
        finally:
            server.should_exit = True
            thread.join(timeout=30)


def connect(url: str) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{url}/v1", api_key="none", max_retries=0, _strict_response_validation=True
    )


@pytest.fixture(scope="module")
def url(chapter_index: Index) -> Iterator[str]:
    with serving(create_app(Library(chapter_index))) as url:
        yield url


@pytest.fixture(scope="module")
def chat(url: str) -> Iterator[openai.OpenAI]:
    with connect(url) as chat:
        yield chat


def extra(model: Any, name: str) -> Any:
    """A field that is not OpenAI's own."""
    return model.model_extra[name]


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


# --- whole -------------------------------------------------------------------------------------


def test_answers_as_the_service_does(chat: openai.OpenAI, client: TestClient) -> None:
    completion = chat.chat.completions.create(model="qa-service", messages=MESSAGES)
    answered = client.post("/v1/ask", json={"question": QUESTION}).json()
    (choice,) = completion.choices
    assert choice.message.content == answered["answer"]["text"]
    assert (choice.message.role, choice.finish_reason) == ("assistant", "stop")
    assert completion.model == "qa-service"
    assert completion.usage is not None
    assert completion.usage.prompt_tokens > 0
    assert completion.usage.total_tokens > completion.usage.completion_tokens > 0


def test_every_mark_is_annotated_with_a_link_that_leads_somewhere(
    chat: openai.OpenAI, url: str, client: TestClient
) -> None:
    completion = chat.chat.completions.create(model="qa-service", messages=MESSAGES)
    message = completion.choices[0].message
    links: list[str] = extra(completion, "citations")
    assert message.content is not None
    assert message.annotations
    for annotation in message.annotations:
        place = annotation.url_citation
        mark = message.content[place.start_index : place.end_index]
        assert place.url == links[int(mark.strip("[]")) - 1]
        assert place.title.startswith("令和6年版防衛白書")
        assert place.url.startswith(f"{url}/documents/")
        assert client.get(place.url.removeprefix(url)).status_code == 200


def test_lists_what_is_cited_and_then_what_was_found(chat: openai.OpenAI) -> None:
    completion = chat.chat.completions.create(model="qa-service", messages=MESSAGES)
    links, sources = extra(completion, "citations"), extra(completion, "search_results")
    assert [source["url"] for source in sources][: len(links)] == links
    assert len(sources) > len(links)
    assert all(source["title"] and source["snippet"] for source in sources)
    assert {source["date"] for source in sources} == {"2024-07-12"}


def test_says_that_the_documents_do_not_answer(chat: openai.OpenAI) -> None:
    completion = chat.chat.completions.create(
        model="qa-service", messages=[{"role": "user", "content": "図表Ⅸ-9-9-9は何ですか"}]
    )
    assert completion.choices[0].message.content
    assert completion.choices[0].message.annotations == []
    assert extra(completion, "citations") == []
    assert extra(completion, "search_results")


def test_says_that_an_answer_is_uncertain(chat: openai.OpenAI) -> None:
    def said(question: str) -> str:
        messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": question}]
        completion = chat.chat.completions.create(model="qa-service", messages=messages)
        return completion.choices[0].message.content or ""

    assert "An uncertain answer (confidence" in said("What is Japan's defense budget?")
    assert "uncertain" not in said("What is the purpose of the Joint Committee?")


def test_what_frontends_send_has_no_effect(chat: openai.OpenAI) -> None:
    plain = chat.chat.completions.create(model="qa-service", messages=MESSAGES)
    adorned = chat.chat.completions.create(
        model="qa-service",
        messages=[
            {"role": "system", "content": "You are a pirate."},
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "content": [{"type": "text", "text": QUESTION}], "name": "a"},
        ],
        temperature=1.5,
        top_p=0.1,
        max_tokens=1,
        max_completion_tokens=1,
        n=1,
        stop=["。"],
        seed=1,
        user="someone",
        metadata={"chat": "1"},
        presence_penalty=1.0,
        tools=[],
        tool_choice="none",
        response_format={"type": "text"},
        extra_body={"session_id": "1", "chat_id": None},
    )
    assert adorned.choices[0].message.content == plain.choices[0].message.content


def test_earlier_messages_are_the_history(chat: openai.OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "日米防衛協力のための指針とは何ですか"},
        {"role": "assistant", "content": [{"type": "text", "text": "日米の役割を定めます。[1]"}]},
        {"role": "user", "content": "それはいつ見直されましたか"},
    ]
    alone = chat.chat.completions.create(model="qa-service", messages=messages[-1:])
    followed = chat.chat.completions.create(model="qa-service", messages=messages)
    assert extra(followed, "search_results") != extra(alone, "search_results")


def test_messages_that_say_nothing_here_are_passed_over(chat: openai.OpenAI) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    completion = chat.chat.completions.create(
        model="qa-service",
        messages=[
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": None, "tool_calls": [call]},  # type: ignore[list-item]
            {"role": "tool", "content": "42", "tool_call_id": "1"},
            *MESSAGES,
            {"role": "assistant", "content": "それは"},
        ],
    )
    assert extra(completion, "citations")


def test_a_conversation_may_grow_without_end(chat: openai.OpenAI) -> None:
    turn: ChatCompletionMessageParam = {"role": "assistant", "content": "あ" * 30_000}
    turns: list[ChatCompletionMessageParam] = [{"role": "user", "content": "はい"}] * 300
    completion = chat.chat.completions.create(
        model="qa-service", messages=[*turns, turn, *MESSAGES]
    )
    assert completion.choices[0].message.content


# --- stream ------------------------------------------------------------------------------------


def test_a_stream_adds_up_to_the_whole(chat: openai.OpenAI) -> None:
    whole = chat.chat.completions.create(model="qa-service", messages=MESSAGES)
    chunks = list(chat.chat.completions.create(model="qa-service", messages=MESSAGES, stream=True))
    assert text_of(chunks) == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert not any("usage" in chunk.model_fields_set for chunk in chunks)
    for name in ("citations", "search_results"):
        assert extra(chunks[-1], name) == extra(whole, name)
    annotated = [
        annotations
        for chunk in chunks
        if (annotations := (chunk.choices[0].delta.model_extra or {}).get("annotations"))
    ]
    expected = whole.choices[0].message.annotations
    assert expected is not None
    assert annotated == [[annotation.model_dump() for annotation in expected]]


def test_usage_comes_last_when_asked_for(chat: openai.OpenAI) -> None:
    whole = chat.chat.completions.create(model="qa-service", messages=MESSAGES)
    *chunks, last = chat.chat.completions.create(
        model="qa-service",
        messages=MESSAGES,
        stream=True,
        stream_options={"include_usage": True},
    )
    assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in chunks)
    assert last.choices == []
    assert last.usage == whole.usage
    assert extra(last, "citations") == extra(whole, "citations")


def test_the_client_can_add_the_chunks_up_itself(chat: openai.OpenAI) -> None:
    whole = chat.chat.completions.create(model="qa-service", messages=MESSAGES)
    with chat.chat.completions.stream(model="qa-service", messages=MESSAGES) as stream:
        completion = stream.get_final_completion()
    message, expected = completion.choices[0].message, whole.choices[0].message
    assert message.content == expected.content
    assert message.annotations == expected.annotations


def test_a_stream_is_sent_as_openai_sends_it(client: TestClient) -> None:
    body = {"model": "qa-service", "messages": MESSAGES, "stream": True}
    response = client.post("/v1/chat/completions", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    *blocks, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    for block in blocks:
        assert json.loads(block.removeprefix("data: "))["object"] == "chat.completion.chunk"


# --- footer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "heading"),
    [(QUESTION, "**出典**"), ("What does Figure III-2-1-1 show?", "**Sources**")],
)
def test_a_footer_lists_the_sources(chat: openai.OpenAI, question: str, heading: str) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": question}]
    plain = chat.chat.completions.create(model="qa-service", messages=messages)
    whole = chat.chat.completions.create(
        model="qa-service", messages=messages, extra_body={"footer": True}
    )
    text, expected = whole.choices[0].message.content, plain.choices[0].message.content
    assert text is not None
    assert expected is not None
    assert text.startswith(expected)
    footer = text.removeprefix(expected)
    assert heading in footer
    for n, link in enumerate(extra(whole, "citations"), start=1):
        assert f"\n{n}. [令和6年版防衛白書" in footer
        assert f"]({link})" in footer
    chunks = list(
        chat.chat.completions.create(
            model="qa-service", messages=messages, stream=True, extra_body={"footer": True}
        )
    )
    assert text_of(chunks) == text


def test_the_footer_is_a_setting(chapter_index: Index) -> None:
    with TestClient(create_app(Library(chapter_index), chat_footer=True)) as client:
        body = {"model": "qa-service", "messages": MESSAGES}
        wanted = client.post("/v1/chat/completions", json=body).text
        unwanted = client.post("/v1/chat/completions", json={**body, "footer": False}).text
    assert "**出典**" in wanted
    assert "**出典**" not in unwanted


# --- models ------------------------------------------------------------------------------------


def test_lists_the_models(chat: openai.OpenAI) -> None:
    models = list(chat.models.list())
    assert [model.id for model in models] == ["qa-service", "qa-service-extractive"]
    assert all(chat.models.retrieve(model.id) == model for model in models)


def test_unknown_models_are_not_found(chat: openai.OpenAI) -> None:
    for model in ("gpt-4o", "", "qa-service-generated"):
        with pytest.raises(openai.NotFoundError, match="qa-service-extractive") as caught:
            chat.chat.completions.create(model=model, messages=MESSAGES)
        assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
        assert caught.value.type == "invalid_request_error"
    with pytest.raises(openai.NotFoundError):
        chat.models.retrieve("gpt-4o")


# --- bad input ---------------------------------------------------------------------------------


def user(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param({"messages": []}, "messages", id="no message"),
        pytest.param({"messages": None}, "messages", id="null as messages"),
        pytest.param({"messages": "a"}, "messages", id="text as messages"),
        pytest.param({"messages": ["a"]}, "messages[0]", id="text as message"),
        pytest.param({"messages": [{"content": "a"}]}, "messages[0].role", id="no role"),
        pytest.param(
            {"messages": [{"role": "bot", "content": "a"}]}, "messages[0].role", id="unknown role"
        ),
        pytest.param(
            {"messages": [{"role": "system", "content": "a"}]}, "messages", id="no question"
        ),
        pytest.param(user(""), "messages[0].content", id="empty question"),
        pytest.param(user(None), "messages[0].content", id="null as question"),
        pytest.param(user(1), "messages[0].content", id="number as question"),
        pytest.param(user([]), "messages[0].content", id="no part"),
        pytest.param(user(["a"]), "messages[0].content", id="text as part"),
        pytest.param(user([{"type": "text"}]), "messages[0].content", id="part without its text"),
        pytest.param(
            user([{"type": "image_url", "image_url": {"url": "data:"}}]),
            "messages[0].content",
            id="picture",
        ),
        pytest.param(user("あ" * 2001), "messages[0].content", id="2,001 characters"),
        pytest.param(user("a\0b"), "messages[0].content", id="NUL"),
        pytest.param({"n": 2}, "n", id="two answers"),
        pytest.param({"n": "1"}, "n", id="text as number"),
        pytest.param({"tools": [{"type": "function"}]}, "tools", id="tools"),
        pytest.param({"functions": [{"name": "f"}]}, "functions", id="functions"),
        pytest.param({"response_format": {"type": "json_object"}}, "response_format", id="JSON"),
        pytest.param({"stream_options": []}, "stream_options", id="list as options"),
        pytest.param({"model": None}, "model", id="no model"),
    ],
)
def test_names_what_is_wrong_in_openai_s_form(
    client: TestClient, body: dict[str, Any], param: str, streaming: bool
) -> None:
    usual = {"model": "qa-service", "messages": MESSAGES, "stream": streaming}
    response = client.post("/v1/chat/completions", json={**usual, **body})
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["message"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        pytest.param(b"a=b", 400, "invalid_json", id="not JSON"),
        pytest.param(b"[]", 400, "invalid_input", id="a list"),
        pytest.param(b"", 400, "invalid_input", id="nothing"),
        pytest.param(b'"' + b"a" * 2_000_000 + b'"', 413, "body_too_large", id="2 MB"),
        pytest.param(
            b'{"model": "qa-service", "messages": [{"role": "user", "content": "\\ud800"}, '
            b'{"role": "user", "content": "a"}]}',
            *(400, "invalid_input"),
            id="half a pair",
        ),
        pytest.param(
            b'{"model": "\\ud800", "messages": [{"role": "user", "content": "a"}]}',
            *(404, "model_not_found"),
            id="half a pair as model",
        ),
        pytest.param(
            b'{"model": "a", "messages": [{"role": "user", "content": [{"type": "\\ud800"}]}]}',
            *(400, "invalid_input"),
            id="half a pair as type",
        ),
    ],
)
def test_bad_bodies(client: TestClient, content: bytes, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    response = client.post("/v1/chat/completions", content=content, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_what_is_no_json_names_the_field(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    content = b'{"model": "qa-service", "messages": [{"role": "user", "content": NaN}]}'
    response = client.post("/v1/chat/completions", content=content, headers=headers)
    error = response.json()["error"]
    assert (error["code"], error["param"]) == ("invalid_json", "messages[0].content")


def test_another_content_type(client: TestClient) -> None:
    headers = {"Content-Type": "text/plain"}
    response = client.post("/v1/chat/completions", content=b"{}", headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (
        415,
        "unsupported_media_type",
    )


def test_the_client_gets_a_bad_request_as_such(chat: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        chat.chat.completions.create(model="qa-service", messages=MESSAGES, n=2)
    assert caught.value.param == "n"


@pytest.mark.parametrize("host", ["[", "a b", "", "é"])
def test_a_strange_host_does_no_harm(client: TestClient, host: str) -> None:
    body = {"model": "qa-service", "messages": MESSAGES}
    headers = [(b"host", host.encode())]
    response = client.post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code in (200, 400)


# --- description and marks ---------------------------------------------------------------------


def test_openapi_describes_openai_s_errors(client: TestClient) -> None:
    openapi = client.get("/openapi.json").json()
    operation = openapi["paths"]["/v1/chat/completions"]["post"]
    assert operation["responses"].keys() == {"200", "4XX", "5XX"}
    assert operation["responses"]["4XX"]["content"].keys() == {"application/json"}
    for example in openapi["components"]["schemas"]["ChatRequest"]["examples"]:
        assert client.post("/v1/chat/completions", json=example).status_code == 200


def test_a_mark_in_a_quote_is_no_citation() -> None:
    first, second = "「脚注[1]を参照。」", "二つ目。"
    text = f"{first} [1][2]\n{second} [1]"
    start = text.index(second)
    answer = Answer(
        text=text,
        answered=True,
        reason=None,
        mode=AnswerMode.GENERATED,
        language="ja",
        confidence=1.0,
        statements=(
            Statement(first, 0, len(first), (1, 2), Support.EXACT),
            Statement(second, start, start + len(second), (1,), Support.EXACT),
        ),
    )
    marks = list(find_marks(answer))
    assert [mark.n for mark in marks] == [1, 2, 1]
    assert all(text[mark.start : mark.end] == f"[{mark.n}]" for mark in marks)
    assert marks[0] == Mark(1, len(first) + 1, len(first) + 4)
