"""Ask qa_service by the Model Context Protocol, as an agent does.

    pip install mcp
    python examples/mcp_client.py "日米「2+2」には誰が出席しますか"

starts `qa-service mcp` and talks to it over standard input and output; with
`--url http://127.0.0.1:8000/mcp` a running `qa-service serve` answers.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from mcp import Client, StdioServerParameters
from mcp.types import TextContent


async def ask(server: StdioServerParameters | str, question: str) -> int:
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

    if arguments.url is None:
        program = ["-m", "qa_service", "mcp"]
        corpus = ["--corpus", arguments.corpus] if arguments.corpus else []
        server = StdioServerParameters(
            command=sys.executable,
            args=[*program, *corpus],
            env=dict(os.environ),  # else it would not see the settings QA_SERVICE_…
        )
    else:
        server = arguments.url
    try:
        sys.exit(asyncio.run(ask(server, arguments.question)))
    except Exception as error:
        sys.exit(f"No answer: {cause_of(error)}")


def cause_of(error: Exception) -> Exception:
    """What went wrong first; the client wraps it, once for each of its parts."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    main()
