"""The generator against a real server that is scripted for every fault."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from generated import HISTORY, Outcome, generated
from scripted_model import KEY, QUESTION, TRUE, ScriptedServer

from qa_service.answering.generate import Generator, GeneratorSettings
from qa_service.answering.verify import DraftStatement
from qa_service.errors import GenerationError
from qa_service.retrieval.index import Index
from qa_service.types import Hit, Support

Ask = Callable[..., Outcome]


@pytest.fixture
def ask(chapter_index: Index, hits: tuple[Hit, ...], server: ScriptedServer) -> Ask:
    def ask(script: str, *, url: str | None = None, **changes: Any) -> Outcome:
        values: dict[str, Any] = {"timeout_seconds": 2.0, "api_key": KEY, "model": "scripted"}
        settings = GeneratorSettings(base_url=url or server.url(script), **{**values, **changes})
        return asyncio.run(generated(settings, chapter_index, hits))

    return ask


# The source has a footnote's mark in the sentence, so it is not there character for character.
SUPPORTED = DraftStatement(TRUE, (0,), Support.NORMALISED)


@pytest.mark.parametrize(
    "script", ["good", "thinking", "stops_short", "goes_on_after_the_end", "busy_once"]
)
def test_what_is_borne_out_is_kept_and_nothing_else(ask: Ask, script: str) -> None:
    outcome = ask(script)
    assert outcome.error is None
    assert outcome.statements == [SUPPORTED]


def test_the_statements_do_not_depend_on_the_pieces(ask: Ask) -> None:
    assert ask("by_the_letter").statements == [SUPPORTED, SUPPORTED]


@pytest.mark.parametrize(
    ("script", "under_way"), [("by_the_letter", (1, 1, 0)), ("refusal", (0,)), ("busy", (0,))]
)
def test_what_the_model_is_waited_for_is_counted(
    ask: Ask, script: str, under_way: tuple[int, ...]
) -> None:
    assert ask(script).under_way == under_way


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("hang_before_headers", "model_timeout"),
        ("hang_after_headers", "model_timeout"),
        ("hang_in_the_middle", "model_timeout"),
        ("heartbeats_only", "model_timeout"),
        ("one_byte_a_second", "model_timeout"),
        ("one_header_byte_a_second", "model_timeout"),
        ("cut", "model_error"),
        ("cut_in_a_chunk", "model_unreachable"),
        ("fifty_megabytes_of_text", "model_too_long"),
        ("fifty_megabytes_in_one_line", "model_too_long"),
        ("fifty_megabytes_of_error", "model_error|model_too_long"),
        ("compressed", "model_too_long"),
        ("busy", "model_rate_limited"),
        ("broken", "model_error"),
        ("refused_key", "model_error"),
        ("no_such_model", "model_error"),
        ("not_json", "model_error"),
        ("web_page", "model_error"),
        ("other_json", "model_error"),
        ("error_in_the_stream", "model_error"),
        ("empty", "model_empty"),
        ("blank", "model_empty"),
        ("no_body", "model_error"),
        ("hang_up", "model_unreachable"),
        ("refusal", "model_refused"),
        ("filtered", "model_refused"),
    ],
)
def test_every_fault_ends_in_time_and_in_an_orderly_error(ask: Ask, script: str, code: str) -> None:
    outcome = ask(script)
    assert outcome.code in code.split("|")
    assert outcome.seconds < 2 + 5
    assert outcome.error is not None
    for secret in (KEY, QUESTION, "127.0.0.1", "公式訪問"):
        assert secret not in outcome.error.message
    assert all(statement == SUPPORTED for statement in outcome.statements)


def test_statements_before_a_fault_have_been_given_out(ask: Ask) -> None:
    outcome = ask("hang_in_the_middle", timeout_seconds=1.5)
    assert outcome.statements == [SUPPORTED]
    assert outcome.code == "model_timeout"


def test_the_first_word_has_a_deadline_of_its_own(ask: Ask) -> None:
    outcome = ask("heartbeats_only", timeout_seconds=60.0, first_token_timeout_seconds=0.5)
    assert outcome.code == "model_timeout"
    assert outcome.seconds < 5


def test_a_wait_longer_than_the_deadline_is_not_begun(ask: Ask) -> None:
    assert ask("busy", timeout_seconds=30.0).seconds < 5


def test_a_server_that_sends_on_is_not_followed(ask: Ask, server: ScriptedServer) -> None:
    assert [ask("sent_on").code for _ in range(3)] == ["model_error"] * 3
    assert server.attempts["sent_on"] == 3
    assert server.attempts["another_place"] == 0


@pytest.mark.parametrize("bound", ["requests_per_day", "tokens_per_day"])
def test_beyond_the_days_budget_nothing_is_sent(
    chapter_index: Index, hits: tuple[Hit, ...], server: ScriptedServer, bound: str
) -> None:
    async def ask_twice() -> list[str | None]:
        settings = replace(GeneratorSettings(server.url("good"), "scripted"), **{bound: 1})  # type: ignore[arg-type]
        codes: list[str | None] = []
        async with Generator(settings) as generator:
            for _ in range(2):
                try:
                    async for _ in generator.generate(
                        QUESTION,
                        (),
                        hits,
                        "ja",
                        documents=chapter_index.documents,
                        model=chapter_index.pieces.model,
                    ):
                        pass
                    codes.append(None)
                except GenerationError as error:
                    codes.append(error.code)
        return codes

    before = server.attempts["good"]
    assert asyncio.run(ask_twice()) == [None, "model_budget_spent"]
    assert server.attempts["good"] == before + 1


def test_nobody_there(ask: Ask) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://name:password@127.0.0.1:{unused.getsockname()[1]}/v1"
        outcome = ask("", url=url)
    assert outcome.code == "model_unreachable"
    assert outcome.error is not None
    assert "password" not in outcome.error.message


@pytest.mark.parametrize("script", ["refusal_in_words", "uncited", "obeys_the_document"])
def test_what_is_not_borne_out_is_dropped(ask: Ask, script: str) -> None:
    outcome = ask(script)
    assert (outcome.statements, outcome.error) == ([], None)


def test_or_marked_where_the_setting_says_so(ask: Ask) -> None:
    outcome = ask("obeys_the_document", unsupported="mark")
    assert {statement.support for statement in outcome.statements} == {Support.NOT_FOUND}
    (kept,) = ask("good", unsupported="mark").statements
    assert kept == SUPPORTED  # 第9節 does not exist: never shown


def test_settings_show_no_secret() -> None:
    shown = repr(GeneratorSettings("http://name:password@host/v1", "m", api_key=KEY))
    assert KEY not in shown
    assert "password" not in shown


# --- rewriting and reaching ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "rewritten"),
    [
        ("follow_up", "日米防衛協力のための指針はいつ改訂されたか"),
        ("good", None),
        ("refusal_in_words", None),
        ("empty", None),
        ("broken", None),
        ("hang_in_the_middle", None),
        ("obeys_the_document", None),
    ],
)
def test_rewriting_gives_a_question_or_nothing(
    server: ScriptedServer, script: str, rewritten: str | None
) -> None:
    async def rewrite() -> str | None:
        settings = GeneratorSettings(server.url(script), "scripted", timeout_seconds=1.0)
        async with Generator(settings) as generator:
            return await generator.rewrite("それはいつ改訂されましたか", HISTORY)

    assert asyncio.run(rewrite()) == rewritten


@pytest.mark.parametrize(
    ("script", "reachable"),
    [
        ("models", True),
        ("no_such_model", True),
        ("hang_before_headers", False),
        ("broken", False),
        ("refused_key", False),
    ],
)
def test_reachable(server: ScriptedServer, script: str, reachable: bool) -> None:
    async def reach() -> bool:
        settings = GeneratorSettings(server.url(script), "scripted", timeout_seconds=1.0)
        async with Generator(settings) as generator:
            return await generator.reachable()

    assert asyncio.run(reach()) is reachable


def test_the_passages_reach_the_server_as_data(ask: Ask, server: ScriptedServer) -> None:
    ask("good")
    body = server.bodies["good"]
    assert body["model"] == "scripted"
    assert body["stream"] is True
    system, data = (message["content"] for message in body["messages"])
    assert TRUE in data
    assert TRUE not in system
    assert "Write in Japanese" in system
