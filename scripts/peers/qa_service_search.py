"""qa_service as it is shipped: the index built on disk and loaded, citations made for every hit."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from peers.job import RESULTS, Job, Search, run

from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import build_index, load_index
from qa_service.retrieval.search import search as search_index


def build(job: Job) -> Search:
    embedder = load_embedder()
    with tempfile.TemporaryDirectory() as folder:
        build_index(job.corpus, Path(folder), embedder=embedder)
        index = load_index(Path(folder), embedder=embedder)

    def search(question: str) -> Sequence[str]:
        result = search_index(index, question, top_k=RESULTS)
        return [hit.passage.id for hit in result.hits]

    return search


SET_UPS = {"as shipped": build}

if __name__ == "__main__":
    run(SET_UPS, packages=["faiss-cpu", "bm25s"])
