"""A LangChain retriever over qa_service's search: passages as documents, each with its citation.

    pip install langchain-core
    qa-service serve
    python examples/langchain_retriever.py "日米「2+2」には誰が出席しますか"

A service that others reach wants a key (`qa-service keys create`): the variable QA_SERVICE_KEY holds it.
Copy the class into your program; it needs nothing else but the standard library.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field


class QaServiceRetriever(BaseRetriever):
    """`filters` are those of POST /v1/search: documents, kinds, section. `key` is the service's API
    key, empty for none."""

    url: str = "http://127.0.0.1:8000"
    top_k: int = 5
    filters: dict[str, Any] = Field(default_factory=dict)
    timeout_seconds: float = 30.0
    key: str = Field(default_factory=lambda: os.environ.get("QA_SERVICE_KEY", ""), repr=False)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        """Best first. `metadata["label"]` is the citation in one line, `metadata["quote"]` the
        exact words of the source, `metadata["citation"]` all that is known of the place."""
        return [
            Document(
                id=hit["passage"]["id"],
                page_content=hit["passage"]["text"],
                metadata={
                    "source": f"{self.url}{hit['citation']['url']}",
                    "label": hit["citation"]["label"],
                    "quote": hit["citation"]["quote"],
                    "score": hit["score"],
                    "citation": hit["citation"],
                },
            )
            for hit in self._search(query)
        ]

    def _search(self, query: str) -> list[dict[str, Any]]:
        body = {"query": query, "top_k": self.top_k, "filters": self.filters}
        request = urllib.request.Request(
            f"{self.url}/v1/search",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        if self.key:  # unredirected: a key is for this service alone
            request.add_unredirected_header("Authorization", f"Bearer {self.key}")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_seconds) as response:
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
    parser = argparse.ArgumentParser(description="Find passages by a LangChain retriever.")
    parser.add_argument("question")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where qa-service serves")
    parser.add_argument("--top-k", type=int, default=5, help="how many passages, 1 to 100")
    arguments = parser.parse_args()

    retriever = QaServiceRetriever(url=arguments.url, top_k=arguments.top_k)
    try:
        documents = retriever.invoke(arguments.question)
    except (ValueError, OSError) as error:  # refused, or nobody there
        sys.exit(f"No passages: {error}")
    for document in documents:
        print(f"{document.metadata['label']}\n{document.page_content}\n")


if __name__ == "__main__":
    main()
