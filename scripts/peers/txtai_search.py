"""txtai: one embeddings database with a sparse and a dense index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from peers.japanese import japanese_tokenizer
from peers.job import RESULTS, Job, Search, run
from txtai import Embeddings
from txtai.scoring import BM25

# For vectors and bm25. Chosen on JaQuAD's held-back training questions (`--tasks held-back`), as reciprocal
# ranks were: first 0.807; 0.750 with normalised scores, 0.783 with Bayesian ones.
_WEIGHTS = [0.2, 0.8]


class JapaneseBM25(BM25):
    """https://neuml.github.io/txtai/embeddings/configuration/scoring/#method: a scoring of one's own."""

    def loadtokenizer(self) -> Any:
        return japanese_tokenizer()


def build_documented(job: Job) -> Search:
    """https://neuml.github.io/txtai/embeddings/query/#hybrid-search: words by Unicode's rules,
    normalised scores, equal weights, and the vector index that fits the size."""
    return _database(job, weights=0.5, hybrid=True)


def build_japanese(job: Job) -> Search:
    """Japanese terms in a scoring of its own, not normalised (that caps the scores of the best), so
    that ranks are fused; exact vectors.

    https://neuml.github.io/txtai/embeddings/configuration/ann/#faiss
    """
    scoring = {
        "method": f"peers.txtai_search.{JapaneseBM25.__name__}",
        "terms": True,
    }
    exact = {"components": "IDMap,Flat"}
    return _database(job, weights=_WEIGHTS, scoring=scoring, faiss=exact)


def _database(job: Job, *, weights: float | list[float], **configuration: Any) -> Search:
    # https://neuml.github.io/txtai/embeddings/configuration/vectors/#external
    model = job.model()
    database = Embeddings(
        method="external", transform=lambda texts: model.encode(texts), **configuration
    )
    database.index((passage.id, passage.text, None) for passage in job.passages)

    def search(question: str) -> Sequence[str]:
        return [id for id, _ in database.search(question, limit=RESULTS, weights=weights)]

    return search


SET_UPS = {"documented": build_documented, "for Japanese": build_japanese}

if __name__ == "__main__":
    run(SET_UPS, packages=["txtai", "torch"])
