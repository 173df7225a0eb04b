"""LlamaIndex: its BM25 retriever (bm25s) and a vector index in a fusion retriever."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import faiss
from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.retrievers.bm25 import BM25Retriever
from llama_index.vector_stores.faiss import FaissVectorStore
from peers.japanese import japanese_tokenizer
from peers.job import DEPTH, RESULTS, Job, Search, run
from pydantic import PrivateAttr

from qa_service.retrieval.static_model import StaticModel

# For vectors and bm25. Chosen on JaQuAD's held-back training questions (`--tasks held-back`), as the mode
# was: first 0.800; 0.795 with relative scores, 0.550 with reciprocal ranks, which know no weights.
_WEIGHTS = [0.2, 0.8]


class BuiltinEmbedding(BaseEmbedding):
    """https://developers.llamaindex.ai/python/examples/embeddings/custom_embeddings/"""

    _model: StaticModel = PrivateAttr()

    def __init__(self, model: StaticModel) -> None:
        super().__init__(model_name="builtin")
        self._model = model

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embeddings([query])[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self._model.encode(texts).tolist()
        return vectors


def build_documented(job: Job) -> Search:
    """https://developers.llamaindex.ai/python/framework/integrations/retrievers/reciprocal_rerank_fusion/

    English stemmer and stop words, the index in memory, reciprocal ranks; ten of each retriever, where
    the page takes two, and no further questions written by a language model.
    """
    nodes = _nodes(job)
    index = VectorStoreIndex(nodes, embed_model=BuiltinEmbedding(job.model()))
    dense = index.as_retriever(similarity_top_k=RESULTS)
    lexical = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=RESULTS)
    fused = QueryFusionRetriever(
        [dense, lexical],
        llm=MockLLM(),
        similarity_top_k=RESULTS,
        num_queries=1,
        mode="reciprocal_rerank",
        use_async=True,
    )
    return _search(fused)


def build_japanese(job: Job) -> Search:
    """Terms cut beforehand, FAISS for the vectors, weighted scores, scaled by their spread."""
    nodes, model = _nodes(job), job.model()
    store = FaissVectorStore(faiss_index=faiss.IndexFlatIP(model.dimension))
    context = StorageContext.from_defaults(vector_store=store)
    index = VectorStoreIndex(nodes, storage_context=context, embed_model=BuiltinEmbedding(model))
    depth = min(DEPTH, len(nodes))
    fused = QueryFusionRetriever(
        [
            index.as_retriever(similarity_top_k=depth),
            JapaneseBM25Retriever(nodes, japanese_tokenizer(), depth=depth),
        ],
        llm=MockLLM(),
        similarity_top_k=RESULTS,
        num_queries=1,
        mode="dist_based_score",
        retriever_weights=_WEIGHTS,
        use_async=False,
    )
    return _search(fused)


class JapaneseBM25Retriever(BaseRetriever):
    """https://developers.llamaindex.ai/python/examples/query_engine/CustomRetrievers/

    BM25Retriever cuts by a pattern, so it gets texts and questions whose terms stand between
    spaces; what it finds is handed on as the nodes themselves.
    """

    def __init__(
        self, nodes: Sequence[TextNode], terms: Callable[[str], list[str]], *, depth: int
    ) -> None:
        super().__init__()
        self._nodes = {node.node_id: node for node in nodes}
        self._terms = terms
        cut = [TextNode(id_=node.node_id, text=" ".join(terms(node.text))) for node in nodes]
        self._bm25 = BM25Retriever.from_defaults(
            nodes=cut, similarity_top_k=depth, skip_stemming=True, token_pattern=r"\S+"
        )

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._bm25.retrieve(" ".join(self._terms(query_bundle.query_str)))
        return [
            NodeWithScore(node=self._nodes[hit.node.node_id], score=hit.score)
            for hit in found
            if hit.score  # bm25s fills up with nodes that share nothing with the question
        ]


def _nodes(job: Job) -> list[TextNode]:
    return [TextNode(id_=passage.id, text=passage.text) for passage in job.passages]


def _search(retriever: BaseRetriever) -> Search:
    def search(question: str) -> Sequence[str]:
        return [hit.node.node_id for hit in retriever.retrieve(question)]

    return search


SET_UPS = {"documented": build_documented, "for Japanese": build_japanese}

if __name__ == "__main__":
    run(SET_UPS, packages=["llama-index-core", "llama-index-retrievers-bm25"])
