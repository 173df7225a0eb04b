"""Reordering the best passages of a search by a model that reads question and passage together.

In place of late interaction, for who has the time: a cross-encoder takes 10 to 1,000 ms a search where
late interaction takes one. Past the deadline the order of the search stands, and the result says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qa_service.retrieval.model_loading import Backend

RERANKED = 50  # passages of a search; more seldom holds the answer and costs as much again


class Reranker(Protocol):
    """`name` is what the user called the model, `licence` a short name, empty when unknown."""

    @property
    def name(self) -> str: ...
    @property
    def licence(self) -> str: ...
    @property
    def batch_size(self) -> int:
        """Texts that it reads at once."""
        ...

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """(len(texts),) between 0 and 1. Raises ModelError."""
        ...


@dataclass(frozen=True, slots=True)
class Reranking:
    """A reranker and how long it may take for one search."""

    reranker: Reranker
    seconds: float = 5.0


def load_reranker(
    name_or_folder: str,
    *,
    trust_remote_code: bool = False,
    device: str | None = None,
    batch_size: int = 8,
    backend: Backend = "torch",
    models_file: Path | None = None,
) -> Reranker:
    """Any cross-encoder of sentence-transformers: a folder, or a name on the hub.

    `batch_size` is the number of passages that it reads at once, between two looks at the clock.
    Raises as `embedding.load_embedder` does.
    """
    from qa_service.retrieval.cross_encoder import load_cross_encoder
    from qa_service.retrieval.known_models import load_known_rerankers

    return load_cross_encoder(
        name_or_folder,
        known=load_known_rerankers(models_file),
        trust_remote_code=trust_remote_code,
        device=device,
        batch_size=batch_size,
        backend=backend,
    )


def rerank_scores(
    reranking: Reranking,
    question: str,
    texts: Sequence[str],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> NDArray[np.float32] | None:
    """(len(texts),) between 0 and 1; None when they are not done in time.

    A model that reads cannot be stopped: the first text is read alone, to learn how fast it is, and
    a batch that would not be done in time is not begun. Raises ModelError when the model fails.
    """
    reranker, began = reranking.reranker, clock()
    scores = np.zeros(len(texts), dtype=np.float32)
    done, size = 0, 1
    while done < len(texts):
        scores[done : done + size] = reranker.scores(question, texts[done : done + size])
        done = min(done + size, len(texts))
        passed = clock() - began
        size = min(reranker.batch_size, len(texts) - done)
        if passed + size * passed / done > reranking.seconds and size:
            return None
    return scores
