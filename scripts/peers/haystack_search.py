"""Haystack (deepset): an in-memory document store, two retrievers and a joiner in a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from haystack import Document, Pipeline, component
from haystack.components.joiners import DocumentJoiner
from haystack.components.retrievers.in_memory import (
    InMemoryBM25Retriever,
    InMemoryEmbeddingRetriever,
)
from haystack.document_stores.in_memory import InMemoryDocumentStore
from peers.japanese import japanese_tokenizer
from peers.job import DEPTH, Job, Search, run

from qa_service.retrieval.static_model import StaticModel

# For bm25 and vectors. Chosen on JaQuAD's held-back training questions (`--tasks held-back`), as the mode
# was: first 0.787; the best of reciprocal ranks 0.727, of distributions 0.727.
_WEIGHTS = [0.3, 0.7]


@component
class BuiltinTextEmbedder:
    """https://docs.haystack.deepset.ai/docs/custom-components"""

    def __init__(self, model: StaticModel) -> None:
        self._model = model

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        return {"embedding": self._model.encode([text])[0].tolist()}


def build_documented(job: Job) -> Search:
    """https://docs.haystack.deepset.ai/docs/documentjoiner, "Hybrid Retrieval": the store's own
    terms (single characters of Japanese), ten of each retriever, the joiner's default mode."""
    return _pipeline(job, InMemoryDocumentStore(), DocumentJoiner())


def build_reciprocal(job: Job) -> Search:
    """The same with the page's `reciprocal_rank_fusion`."""
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion")
    return _pipeline(job, InMemoryDocumentStore(), joiner)


def build_japanese(job: Job) -> Search:
    """Japanese terms (the store's pattern cannot cut words, so its tokenizer is replaced), and the
    weighted sum of the scores as they are."""
    store = InMemoryDocumentStore()
    store.tokenizer = japanese_tokenizer()
    joiner = DocumentJoiner(join_mode="merge", weights=_WEIGHTS)
    return _pipeline(job, store, joiner, depth=DEPTH)


def _pipeline(
    job: Job, store: InMemoryDocumentStore, joiner: DocumentJoiner, *, depth: int = 10
) -> Search:
    model = job.model()
    vectors = model.encode(job.texts).tolist()
    store.write_documents(
        [
            Document(id=passage.id, content=passage.text, embedding=vector)
            for passage, vector in zip(job.passages, vectors, strict=True)
        ]
    )
    pipeline = Pipeline()
    pipeline.add_component("bm25_retriever", InMemoryBM25Retriever(store, top_k=depth))
    pipeline.add_component("text_embedder", BuiltinTextEmbedder(model))
    pipeline.add_component("embedding_retriever", InMemoryEmbeddingRetriever(store, top_k=depth))
    pipeline.add_component("joiner", joiner)
    pipeline.connect("bm25_retriever", "joiner")
    pipeline.connect("embedding_retriever", "joiner")
    pipeline.connect("text_embedder", "embedding_retriever")

    def search(question: str) -> Sequence[str]:
        data = {"bm25_retriever": {"query": question}, "text_embedder": {"text": question}}
        return [document.id for document in pipeline.run(data=data)["joiner"]["documents"]]

    return search


SET_UPS = {
    "documented": build_documented,
    "documented, reciprocal ranks": build_reciprocal,
    "for Japanese": build_japanese,
}

if __name__ == "__main__":
    run(SET_UPS, packages=["haystack-ai"])
