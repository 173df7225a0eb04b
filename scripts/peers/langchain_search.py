"""LangChain: its BM25 retriever (rank-bm25) and its FAISS store in an ensemble."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.retrievers import BM25Retriever
from langchain_community.vectorstores import FAISS
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from peers.japanese import japanese_tokenizer
from peers.job import DEPTH, RESULTS, Job, Search, run

from qa_service.retrieval.static_model import StaticModel

# For bm25 and vectors, and the constant of reciprocal ranks. Chosen on JaQuAD's held-back training questions
# (`--tasks held-back`): first 0.795; with the usual constant of 60 it is 0.770 at best.
_WEIGHTS = [0.8, 0.2]
_CONSTANT = 2


class BuiltinEmbeddings(Embeddings):
    """https://reference.langchain.com/python/langchain-core/embeddings: the interface to fill."""

    def __init__(self, model: StaticModel) -> None:
        self._model = model

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self._model.encode(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class MatchingBM25Retriever(BM25Retriever):
    """Without the documents that share nothing with the question, with which rank-bm25 fills up."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        scores = self.vectorizer.get_scores(self.preprocess_func(query))
        best = np.argsort(-scores, kind="stable")[: self.k]
        return [self.docs[row] for row in best if scores[row] > 0]


def build_documented(job: Job) -> Search:
    """https://python.langchain.com/docs/how_to/ensemble_retriever: words between spaces, equal
    weights, documents told apart by their text; ten of each retriever, where the page takes two."""
    lexical = BM25Retriever.from_texts(job.texts, metadatas=_metadatas(job), k=RESULTS)
    dense = _dense(job, RESULTS)
    return _search(EnsembleRetriever(retrievers=[lexical, dense], weights=[0.5, 0.5]))


def build_japanese(job: Job) -> Search:
    """Japanese terms, as under "Preprocessing function" in
    https://docs.langchain.com/oss/python/integrations/retrievers/bm25, and weights."""
    lexical = MatchingBM25Retriever.from_texts(
        job.texts, metadatas=_metadatas(job), k=DEPTH, preprocess_func=japanese_tokenizer()
    )
    dense = _dense(job, DEPTH)
    return _search(
        EnsembleRetriever(retrievers=[lexical, dense], weights=_WEIGHTS, c=_CONSTANT, id_key="id")
    )


def _dense(job: Job, depth: int) -> BaseRetriever:
    embeddings = BuiltinEmbeddings(job.model())
    store = FAISS.from_texts(job.texts, embeddings, metadatas=_metadatas(job))
    return store.as_retriever(search_kwargs={"k": depth})


def _metadatas(job: Job) -> list[dict[str, str]]:
    return [{"id": id} for id in job.ids]


def _search(retriever: BaseRetriever) -> Search:
    def search(question: str) -> Sequence[str]:
        return [document.metadata["id"] for document in retriever.invoke(question)]

    return search


SET_UPS = {"documented": build_documented, "for Japanese": build_japanese}

if __name__ == "__main__":
    run(
        SET_UPS,
        packages=["langchain-core", "langchain-classic", "langchain-community", "rank-bm25"],
    )
