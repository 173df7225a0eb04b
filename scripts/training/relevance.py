"""What multilingual-e5-small says of how JaQuAD's training questions and contexts belong together.

The pooled vectors learn it beside which context answers a question (Hofstätter et al., 2020): which of the others
come near, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.data import training_contexts
from training.multilingual_e5 import load_e5
from training.teacher import Vectors, said


@dataclass(frozen=True)
class Relevance:
    """Unit vectors of questions and contexts, in the order of `Corpus`."""

    questions: Vectors
    contexts: Vectors

    def between(self, questions: NDArray[np.int64], contexts: NDArray[np.int64]) -> Tensor:
        """Cosines, (questions, contexts)."""
        left, right = self.questions[questions], self.contexts[contexts]
        return torch.from_numpy(left.astype(np.float32) @ right.astype(np.float32).T)


def load_relevance(folder: Path, cache: Path, *, say: Callable[[str], None]) -> Relevance:
    contexts = training_contexts(folder)
    questions = [question for context in contexts for question in context.questions]
    passages = [f"{context.title} {context.text}" for context in contexts]
    return Relevance(
        said(cache / "relevance_questions.npy", partial(load_e5, "query: "), questions, say),
        said(cache / "relevance_contexts.npy", partial(load_e5, "passage: "), passages, say),
    )
