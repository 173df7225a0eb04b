"""Ask qa_service by the Model Context Protocol, as an agent does.

    pip install mcp
    python examples/mcp_client.py "日米「2+2」には誰が出席しますか"

starts `qa-service mcp` and talks to it over standard input and output; with
`--url http://127.0.0.1:8000/mcp` a running `qa-service serve` answers. One that others reach wants a
key (`qa-service keys create`): the variable QA_SERVICE_KEY holds it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

import httpx2  # comes with mcp
from mcp import Client, StdioServerParameters
from mcp.client import Transport
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent


async def ask_service(url: str, question: str, *, key: str = "") -> int:
    """As `ask`, of a running service; `key` is its API key, empty for none."""
    async with httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=httpx2.Timeout(30, read=300),  # an answer may take its time
        event_hooks={"response": [raise_problem]},
    ) as http_client:
        return await ask(streamable_http_client(url, http_client=http_client), question)


async def ask(server: StdioServerParameters | Transport, question: str) -> int:
    """Prints the answer and what it stands on. 0, or 1 where the question cannot be answered."""
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
        print(f"Tools: {', '.join(tool.name for tool in tools)}\n")

        result = await client.call_tool("ask", {"question": question})
        if result.is_error:  # says which argument is wrong, and the cure
            print(*(block.text for block in result.content if isinstance(block, TextContent)))
            return 1
        answered = result.structured_content
        print(f"{answered['answer']['text']}\n")
        for citation in answered["citations"]:
            print(f"[{citation['n']}] {citation['label']}\n{citation['quote']}\n")

        documents = (await client.list_resources()).resources
        print(f"Documents: {', '.join(each.title or each.name for each in documents)}")
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask by the Model Context Protocol.")
    parser.add_argument("question")
    parser.add_argument(
        "--url", help="of a running service, http://127.0.0.1:8000/mcp; else one is started"
    )
    parser.add_argument("--corpus", help="folder of documents for the one that is started")
    arguments = parser.parse_args()

    if arguments.url is not None:
        key = os.environ.get("QA_SERVICE_KEY", "")
        asked = ask_service(arguments.url, arguments.question, key=key)
    else:
        program = ["-m", "qa_service", "mcp"]
        corpus = ["--corpus", arguments.corpus] if arguments.corpus else []
        started = StdioServerParameters(
            command=sys.executable,
            args=[*program, *corpus],
            env=dict(os.environ),  # else it would not see the settings QA_SERVICE_…
        )
        asked = ask(started, arguments.question)
    try:
        sys.exit(asyncio.run(asked))
    except Exception as error:
        sys.exit(f"No answer: {cause_of(error)}")


async def raise_problem(response: httpx2.Response) -> None:
    """A refusal says what is wrong, and the cure; the client would say that there was one."""
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        raise PermissionError(json.loads(await response.aread())["detail"])


def cause_of(error: Exception) -> Exception:
    """What went wrong first; the client wraps it, once for each of its parts."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    main()
