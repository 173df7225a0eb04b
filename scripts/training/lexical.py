"""BM25 of JaQuAD's training questions over its training contexts, as the search computes it.

Half a gigabyte, made once in under a minute and mapped from the work folder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.retrieval.lexical import LexicalIndex
from qa_service.retrieval.terms import extract_terms
from training.data import training_contexts

Lexical = NDArray[np.float16]  # (questions, contexts), 0 to 1, in the order of `Corpus`


def lexical_scores(folder: Path, cache: Path, *, say: Callable[[str], None]) -> Lexical:
    path = cache / "lexical.npy"
    if not path.exists():
        say("scoring the training questions with BM25")
        contexts = training_contexts(folder)
        index = LexicalIndex.build([context.text for context in contexts])
        questions = [question for context in contexts for question in context.questions]
        unfinished = path.with_suffix(".part")
        scores = np.lib.format.open_memmap(
            unfinished, mode="w+", dtype=np.float16, shape=(len(questions), len(contexts))
        )
        for row, question in enumerate(questions):
            scores[row] = index.scores(extract_terms(question))
        scores.flush()
        unfinished.replace(path)
    mapped: Lexical = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped
