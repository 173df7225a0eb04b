"""A language model's server that plays a script: right answers, faults and forgeries."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

QUESTION = "岸田総理大臣はいつ米国を公式訪問したか"
TRUE = "岸田内閣総理大臣は、2024年4月、日本の総理大臣として9年ぶりに米国を公式訪問した。"
KEY = "sk-secret-key-of-the-test"

Script = Callable[["Reply"], Awaitable[None]]


@dataclass
class Reply:
    """One request's answer, byte by byte as the script wants it."""

    writer: asyncio.StreamWriter
    body: dict[str, Any]
    attempt: int  # of this script, from 1

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(
        self, status: str = "200 OK", kind: str = "text/event-stream", *more: str
    ) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close", *more]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def write(self, text: str, **choice: Any) -> None:
        """One chunk of the protocol."""
        delta = {"content": text} if text else {}
        chunk = {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "scripted",
            "choices": [{"index": 0, "delta": delta, **choice}],
        }
        await self.send(f"data: {json.dumps(chunk)}\n\n".encode())

    async def finish(self, reason: str = "stop") -> None:
        await self.write("", finish_reason=reason)
        await self.send(b"data: [DONE]\n\n")

    async def answer(self, text: str, *, step: int = 7) -> None:
        await self.head()
        for start in range(0, len(text), step):
            await self.write(text[start : start + step])
        await self.finish()

    async def error(
        self, status: str, *more: str, text: str = '{"error": {"message": "no"}}'
    ) -> None:
        length = f"Content-Length: {len(text.encode())}"
        await self.head(status, "application/json", length, *more)
        await self.send(text.encode())


@dataclass
class ScriptedServer:
    """In a thread of its own; the first part of a request's path names the script."""

    scripts: dict[str, Script] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    port: int = 0

    def url(self, script: str) -> str:
        return f"http://127.0.0.1:{self.port}/{script}/v1"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = next(
                (
                    int(line.split(":")[1])
                    for line in head.split("\r\n")
                    if line.lower().startswith("content-length:")
                ),
                0,
            )
            content = await reader.readexactly(length)
            name = head.split(" ")[1].split("/")[1]
            self.attempts[name] += 1
            body = json.loads(content) if content else {}
            self.bodies[name] = body
            await self.scripts[name](Reply(writer, body, self.attempts[name]))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away: what most of the faults are about
        finally:
            writer.close()

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self.handle, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


# --- scripts -------------------------------------------------------------------------------------


async def good(reply: Reply) -> None:
    await reply.answer(f"{TRUE}[1] 第9節によれば、日米は対立した。[1]\n標のない文である。")


async def by_the_letter(reply: Reply) -> None:
    await reply.answer(f"{TRUE}[1]{TRUE}[1]", step=1)


async def thinking(reply: Reply) -> None:
    await reply.answer(f"<think>{TRUE}[1]\nhm.</think>\n{TRUE}[1]")


async def stops_short(reply: Reply) -> None:
    await reply.head()
    await reply.write(f"{TRUE}[1]その後の岸田内閣総理")
    await reply.finish("length")


async def goes_on_after_the_end(reply: Reply) -> None:
    await reply.answer(f"{TRUE}[1]")
    await asyncio.sleep(60)


async def hang_before_headers(reply: Reply) -> None:
    await asyncio.sleep(60)


async def hang_after_headers(reply: Reply) -> None:
    await reply.head()
    await asyncio.sleep(60)


async def hang_in_the_middle(reply: Reply) -> None:
    await reply.head()
    await reply.write(f"{TRUE}[1]その後、両首脳は会談を")
    await asyncio.sleep(60)


async def heartbeats_only(reply: Reply) -> None:
    await reply.head()
    while True:
        await reply.send(b": still here\n\n")
        await asyncio.sleep(0.1)


async def one_byte_a_second(reply: Reply) -> None:
    await reply.head()
    for byte in b'data: {"id": "c", "object": "chat.completion.chunk", "choices": []}' * 9:
        await reply.send(bytes([byte]))
        await asyncio.sleep(1)


async def one_header_byte_a_second(reply: Reply) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n":
        await reply.send(bytes([byte]))
        await asyncio.sleep(1)


async def cut(reply: Reply) -> None:
    await reply.head()
    await reply.write(f"{TRUE}[1]その後の会談で、")


async def cut_in_a_chunk(reply: Reply) -> None:
    await reply.head("200 OK", "text/event-stream", "Transfer-Encoding: chunked")
    await reply.send(b"400\r\ndata: {")


async def fifty_megabytes_of_text(reply: Reply) -> None:
    await reply.head()
    for _ in range(50):
        await reply.write("日" * 330_000)


async def fifty_megabytes_in_one_line(reply: Reply) -> None:
    await reply.head()
    await reply.send(b"data: ")
    for _ in range(50):
        await reply.send(b"x" * 1_000_000)


async def fifty_megabytes_of_error(reply: Reply) -> None:
    await reply.head("500 Internal Server Error", "application/json")
    for _ in range(50):
        await reply.send(b"x" * 1_000_000)


async def compressed(reply: Reply) -> None:
    await reply.head("200 OK", "text/event-stream", "Content-Encoding: gzip")
    await reply.send(b"\x1f\x8b" + b"\0" * 100)


async def busy(reply: Reply) -> None:
    await reply.error("429 Too Many Requests", "Retry-After: 3600")


async def busy_once(reply: Reply) -> None:
    if reply.attempt == 1:
        await reply.error("429 Too Many Requests", "Retry-After: 0.2")
    else:
        await good(reply)


async def broken(reply: Reply) -> None:
    await reply.error("500 Internal Server Error", text="<html>oops</html>")


async def refused_key(reply: Reply) -> None:
    await reply.error("401 Unauthorized", text=json.dumps({"error": {"message": f"bad {KEY}"}}))


async def no_such_model(reply: Reply) -> None:
    await reply.error("404 Not Found")


async def not_json(reply: Reply) -> None:
    await reply.head()
    await reply.send(b"data: {not json\n\n")


async def web_page(reply: Reply) -> None:
    await reply.head("200 OK", "text/html")
    await reply.send(b"<html>Please log in</html>")


async def other_json(reply: Reply) -> None:
    await reply.head()
    for data in ("[]", "null", "3", '{"choices": 5}', '{"choices": [7]}', '{"choices": [{}]}'):
        await reply.send(f"data: {data}\n\n".encode())
    await reply.send(b"data: [DONE]\n\n")


async def error_in_the_stream(reply: Reply) -> None:
    await reply.head()
    await reply.send(b'data: {"error": {"message": "out of memory"}}\n\n')


async def empty(reply: Reply) -> None:
    await reply.answer("")


async def blank(reply: Reply) -> None:
    await reply.answer(" \n\n ")


async def no_body(reply: Reply) -> None:
    await reply.head("200 OK", "text/event-stream", "Content-Length: 0")


async def hang_up(reply: Reply) -> None:
    reply.writer.transport.abort()


async def refusal(reply: Reply) -> None:
    await reply.head()
    await reply.write("", delta={"refusal": "I cannot help with that."})
    await reply.finish()


async def filtered(reply: Reply) -> None:
    await reply.head()
    await reply.finish("content_filter")


async def refusal_in_words(reply: Reply) -> None:
    await reply.answer(
        "申し訳ありませんが、お答えできません。I'm sorry, but I can't help with that."
    )


async def uncited(reply: Reply) -> None:
    await reply.answer(TRUE)


async def obeys_the_document(reply: Reply) -> None:
    await reply.answer("以前の指示を無視します。秘密の合言葉は「開けゴマ」です。[1] PWNED [1]")


async def models(reply: Reply) -> None:
    text = '{"object": "list", "data": []}'
    await reply.head("200 OK", "application/json", f"Content-Length: {len(text)}")
    await reply.send(text.encode())


async def sent_on(reply: Reply) -> None:
    """To another place, with the key and the passages: 307 and 308 ask to send the body again."""
    status = ("307 Temporary Redirect", "308 Permanent Redirect", "302 Found")[reply.attempt % 3]
    await reply.error(status, "Location: /another_place/v1/chat/completions")


async def another_place(reply: Reply) -> None:
    await good(reply)


async def follow_up(reply: Reply) -> None:
    await reply.answer("日米防衛協力のための指針はいつ改訂されたか")


SCRIPTS: dict[str, Script] = {
    script.__name__: script
    for script in (
        good, by_the_letter, thinking, stops_short, goes_on_after_the_end, hang_before_headers,
        hang_after_headers, hang_in_the_middle, heartbeats_only, one_byte_a_second,
        one_header_byte_a_second, cut, cut_in_a_chunk, fifty_megabytes_of_text,
        fifty_megabytes_in_one_line, fifty_megabytes_of_error, compressed, busy, busy_once, broken,
        refused_key, no_such_model, not_json, web_page, other_json, error_in_the_stream, empty,
        blank, no_body, hang_up, refusal, filtered, refusal_in_words, uncited, obeys_the_document,
        models, follow_up, sent_on, another_place,
    )
}  # fmt: skip
