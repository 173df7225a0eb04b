"""The floor: FAISS and bm25s and nothing else, with characters and pairs as terms."""

from __future__ import annotations

from collections.abc import Sequence

import bm25s
import faiss
from peers.japanese import characters_and_pairs
from peers.job import DEPTH, RESULTS, Job, Search, run

_RRF = 60  # Cormack, Clarke and Büttcher (2009)


def build_both(job: Job) -> Search:
    """Both legs, fused by reciprocal ranks."""
    dense, lexical = build_dense(job), build_lexical(job)

    def search(question: str) -> Sequence[str]:
        scores: dict[str, float] = {}
        for ids in (dense(question), lexical(question)):
            for rank, id in enumerate(ids, start=1):
                scores[id] = scores.get(id, 0.0) + 1 / (_RRF + rank)
        return sorted(scores, key=lambda id: -scores[id])[:RESULTS]

    return search


def build_dense(job: Job) -> Search:
    model, ids = job.model(), job.ids
    index = faiss.IndexFlatIP(model.dimension)
    index.add(model.encode(job.texts))
    depth = min(DEPTH, len(ids))

    def search(question: str) -> Sequence[str]:
        _, rows = index.search(model.encode([question]), depth)
        return [ids[row] for row in rows[0]]

    return search


def build_lexical(job: Job) -> Search:
    ids = job.ids
    index = bm25s.BM25()
    index.index([characters_and_pairs(text) for text in job.texts], show_progress=False)
    depth = min(DEPTH, len(ids))

    def search(question: str) -> Sequence[str]:
        terms = characters_and_pairs(question)
        rows, scores = index.retrieve([terms], k=depth, show_progress=False)
        return [ids[row] for row, score in zip(rows[0], scores[0], strict=True) if score > 0]

    return search


SET_UPS = {
    "both, reciprocal ranks": build_both,
    "bm25s alone": build_lexical,
    "FAISS alone": build_dense,
}

if __name__ == "__main__":
    run(SET_UPS, packages=["faiss-cpu", "bm25s"])
