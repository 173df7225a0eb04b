"""Which weights of the legs rank best for an embedder: `fit_fusion.py DATA --embedder NAME_OR_FOLDER`.

Asks questions on articles held back from training: JaQuAD's, and English sentences of Kyoto articles, whole
and cut to five to ten words, on Japanese paragraphs. A set has the passages that answer and some others.
Tries all weights in steps of a twentieth on what the legs said of the hundred best passages, and prints the best with
the share of questions whose passage comes first and MRR. The optimum is flat: even weights among those within
half a point of the best are written into `qa_service/retrieval/fusion.py`.
"""

from __future__ import annotations

import argparse
import itertools
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from evaluate_embedding import Task, cross_language_task, index_task, questions_task
from numpy.typing import NDArray
from training.data import JAQUAD, held_back_titles, read_contexts

from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index
from qa_service.retrieval.search import TOP_K_MAX, search

STEPS = 20  # between 0 and 1
LEGS = ("lexical", "interaction", "sentence", "dense", "translation")
SHORT = (5, 10)  # words
SHOWN = 12


@dataclass(frozen=True)
class Asked:
    """What each leg said of a question's candidates, and the place of the one that answers, or None."""

    legs: dict[str, NDArray[np.float32]]
    answer: int | None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="data folder with train/")
    parser.add_argument("--embedder", default="builtin", help="name or folder")
    parser.add_argument("--passages", type=int, default=2_000, help="of a set (default 2000)")
    parser.add_argument("--questions", type=int, default=500, help="of a set (default 500)")
    options = parser.parse_args()
    embedder = load_embedder(options.embedder)
    contexts = read_contexts(options.data / JAQUAD["train"])
    japanese = questions_task(contexts, asked_of=held_back_titles(contexts))
    english = cross_language_task(options.data)
    for name, task in (("within Japanese", japanese), ("English to Japanese", english)):
        some = smaller(task, options.questions, options.passages)
        with tempfile.TemporaryDirectory() as folder:
            index = index_task(embedder, some, Path(folder))
            asked = list(ask(index, some))
            if task is english:
                asked += ask(index, shortened(some))
        report(name, asked)


def smaller(task: Task, questions: int, passages: int) -> Task:
    """Some of the questions, and with the passages that answer them others, up to so many."""
    rng = np.random.default_rng(0)
    asked = rng.permutation(len(task.queries))[:questions]
    answers = {task.answers[i] for i in asked}
    others = [i for i in rng.permutation(len(task.passages)).tolist() if i not in answers]
    kept = sorted([*answers, *others[: max(0, passages - len(answers))]])
    places = {passage: place for place, passage in enumerate(kept)}
    return Task(
        [task.queries[i] for i in asked],
        [task.passages[i] for i in kept],
        [places[task.answers[i]] for i in asked],
        [task.titles[i] for i in kept],
    )


def shortened(task: Task) -> Task:
    """Five to ten words of each question."""
    rng = random.Random(0)
    return replace(task, queries=[some_words(query, rng) for query in task.queries])


def some_words(text: str, rng: random.Random) -> str:
    """As many words in a row as a short question has."""
    words = text.split()
    count = rng.randint(*SHORT)
    start = rng.randrange(max(1, len(words) - count + 1))
    return " ".join(words[start : start + count])


def ask(index: Index, task: Task) -> Iterator[Asked]:
    for query, answer in zip(task.queries, task.answers, strict=True):
        hits = search(index, query, top_k=TOP_K_MAX).hits
        documents = [hit.passage.document_id for hit in hits]
        right = f"passages.{answer}"
        legs = {
            leg: np.array([hit.scores[leg] for hit in hits], dtype=np.float32)
            for leg in LEGS
            if hits and leg in hits[0].scores
        }
        yield Asked(legs, documents.index(right) if right in documents else None)


def report(name: str, asked: list[Asked]) -> None:
    found = [each for each in asked if each.legs]
    legs = [leg for leg in LEGS if found and leg in found[0].legs]
    weights = all_weights(len(legs))
    ranks = ranks_under(weights, legs, asked)
    reciprocal = (1 / ranks).mean(axis=1)
    print(f"{name}, {len(asked)} questions:")
    for place in np.argsort(-reciprocal, kind="stable")[:SHOWN]:
        shares = ", ".join(
            f"{leg} {share:.2f}" for leg, share in zip(legs, weights[place], strict=True)
        )
        first = (ranks[place] == 1).mean()
        print(f"  first {first:.3f}, MRR {reciprocal[place]:.3f}: {shares}")


def all_weights(count: int) -> NDArray[np.float32]:
    """All that sum to 1, (weightings, count)."""
    parts = np.array(
        [
            (*some, STEPS - sum(some))
            for some in itertools.product(range(STEPS + 1), repeat=count - 1)
            if sum(some) <= STEPS
        ],
        dtype=np.float32,
    )
    return np.asarray(parts / STEPS, dtype=np.float32)


def ranks_under(
    weights: NDArray[np.float32], legs: list[str], asked: list[Asked]
) -> NDArray[np.float64]:
    """Of the right passages, (weightings, questions), infinite where it is no candidate; the score is that of
    `fusion.fuse`."""
    ranks = np.full((len(weights), len(asked)), np.inf)
    for place, each in enumerate(asked):
        if each.answer is not None:
            nothing = np.zeros_like(each.legs["lexical"])
            said = np.stack([np.clip(each.legs.get(leg, nothing), 0, 1) for leg in legs])
            scores = weights @ said
            ranks[:, place] = (scores >= scores[:, each.answer, None]).sum(axis=1)
    return ranks


if __name__ == "__main__":
    main()
