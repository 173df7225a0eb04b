"""LangChain: its BM25 retriever (rank-bm25) and its FAISS store in an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.retrievers import BM25Retriever
from langchain_community.vectorstores import FAISS
from langchain_core.embeddings import Embeddings
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


def build_documented(job: Job) -> Search:
    """https://python.langchain.com/docs/how_to/ensemble_retriever: words between spaces, equal
    weights, documents told apart by their text; ten of each retriever, where the page takes two."""
    return _ensemble(job, depth=RESULTS, weights=[0.5, 0.5])


def build_japanese(job: Job) -> Search:
    """https://docs.langchain.com/oss/python/integrations/retrievers/bm25, "Preprocessing function"."""
    return _ensemble(
        job, depth=DEPTH, weights=_WEIGHTS, constant=_CONSTANT, preprocess=japanese_tokenizer()
    )


def _ensemble(
    job: Job,
    *,
    depth: int,
    weights: list[float],
    constant: int = 60,
    preprocess: Callable[[str], list[str]] | None = None,
) -> Search:
    metadatas = [{"id": id} for id in job.ids]
    options = {} if preprocess is None else {"preprocess_func": preprocess}
    lexical = BM25Retriever.from_texts(job.texts, metadatas=metadatas, k=depth, **options)
    store = FAISS.from_texts(job.texts, BuiltinEmbeddings(job.model()), metadatas=metadatas)
    dense = store.as_retriever(search_kwargs={"k": depth})
    ensemble = EnsembleRetriever(retrievers=[lexical, dense], weights=weights, c=constant)

    def search(question: str) -> Sequence[str]:
        return [document.metadata["id"] for document in ensemble.invoke(question)]

    return search


SET_UPS = {"documented": build_documented, "for Japanese": build_japanese}

if __name__ == "__main__":
    run(
        SET_UPS,
        packages=["langchain-core", "langchain-classic", "langchain-community", "rank-bm25"],
    )
