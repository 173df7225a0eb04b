"""A LlamaIndex retriever over qa_service's search: passages as nodes, each with its citation.

    pip install llama-index-core
    qa-service serve
    python examples/llamaindex_retriever.py "日米「2+2」には誰が出席しますか"

A service that others reach wants a key (`qa-service keys create`): the variable QA_SERVICE_KEY holds it.
Copy the class into your program; it needs nothing else but the standard library.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

# The model reads the label with the text; the rest is for the program.
_FOR_PROGRAMS = ["source", "quote", "citation"]


class QaServiceRetriever(BaseRetriever):
    """`filters` are those of POST /v1/search: documents, kinds, section. `key` is the service's API
    key, empty for none; without it, what QA_SERVICE_KEY holds."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        top_k: int = 5,
        filters: Mapping[str, Any] | None = None,
        timeout_seconds: float = 30.0,
        key: str | None = None,
    ) -> None:
        self._url = url
        self._top_k = top_k
        self._filters = dict(filters or {})
        self._timeout_seconds = timeout_seconds
        self._key = os.environ.get("QA_SERVICE_KEY", "") if key is None else key
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """Best first. `metadata["label"]` is the citation in one line, `metadata["quote"]` the
        exact words of the source, `metadata["citation"]` all that is known of the place."""
        return [
            NodeWithScore(
                node=TextNode(
                    id_=hit["passage"]["id"],
                    text=hit["passage"]["text"],
                    metadata={
                        "source": f"{self._url}{hit['citation']['url']}",
                        "label": hit["citation"]["label"],
                        "quote": hit["citation"]["quote"],
                        "citation": hit["citation"],
                    },
                    excluded_llm_metadata_keys=_FOR_PROGRAMS,
                    excluded_embed_metadata_keys=_FOR_PROGRAMS,
                ),
                score=hit["score"],
            )
            for hit in self._search(query_bundle.query_str)
        ]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)

    def _search(self, query: str) -> list[dict[str, Any]]:
        body = {"query": query, "top_k": self._top_k, "filters": self._filters}
        request = urllib.request.Request(
            f"{self._url}/v1/search",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        if self._key:  # unredirected: a key is for this service alone
            request.add_unredirected_header("Authorization", f"Bearer {self._key}")
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_seconds) as response:
                results: list[dict[str, Any]] = json.load(response)["results"]
        except urllib.error.HTTPError as error:
            raise ValueError(_detail(error)) from error
        return results


def _detail(error: urllib.error.HTTPError) -> str:
    """What is wrong, and the cure, in the service's words; a proxy in front of it has none."""
    try:
        return str(json.load(error)["detail"])
    except (ValueError, LookupError, TypeError):
        return str(error)


def main() -> None:
    parser = argparse.ArgumentParser(description="Find passages by a LlamaIndex retriever.")
    parser.add_argument("question")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where qa-service serves")
    parser.add_argument("--top-k", type=int, default=5, help="how many passages, 1 to 100")
    arguments = parser.parse_args()

    retriever = QaServiceRetriever(arguments.url, top_k=arguments.top_k)
    try:
        nodes = retriever.retrieve(arguments.question)
    except (ValueError, OSError) as error:  # refused, or nobody there
        sys.exit(f"No passages: {error}")
    for found in nodes:
        print(f"{found.node.metadata['label']}\n{found.text}\n")


if __name__ == "__main__":
    main()
