"""Measure a static embedding model, as shipped, on texts that it was not trained on.

    python scripts/evaluate_embedding.py DATA

Prints one JSON object of figures. `development` sets are articles held back from the training
files; use them to choose between models (--development). The others are the published
tests under eval/: look at them once, when the choice is made.

first: share of queries whose right answer ranks first, with the ends of its 95 % interval
(percentile bootstrap over the queries). mrr: mean of 1 / its rank; equal scores rank above it.
`pooled` and `maxsim` see passages alone, without title; `search` is the whole of it, lexical leg,
late interaction and fusion, over an index of the passages with their titles, ranks up to 100;
`sentences` adds MaxSim in both directions to the pooled score, which is what pairs sentences best.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from context_collection import write_collection
from numpy.typing import NDArray
from training.data import (
    JAQUAD,
    Context,
    held_back_kyoto,
    held_back_titles,
    paragraph_bounds,
    read_contexts,
    read_kyoto,
    read_tatoeba,
)

from qa_service.bootstrap import share_interval
from qa_service.retrieval.embedding import BuiltinEmbedder, Embedder
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.retrieval.search import TOP_K_MAX, search
from qa_service.retrieval.static_model import StaticModel, load_static_model

Scores = NDArray[np.float32]
Scorer = Callable[[StaticModel, Sequence[str], Sequence[str]], Iterator[Scores]]

PACKAGED = Path(__file__).resolve().parent.parent / "qa_service/models/builtin"
THRESHOLD = 0.2  # as in training
QUERIES_AT_ONCE = 200
KYOTO_SENTENCES = 2_000
FEWEST_CHARACTERS = 40  # of an English sentence that is to find its paragraph


@dataclass(frozen=True)
class Task:
    """`answers[i]` is the number of the passage that answers query i; `titles` are one a passage."""

    queries: Sequence[str]
    passages: Sequence[str]
    answers: Sequence[int]
    titles: Sequence[str] = ()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="data folder with train/ and eval/")
    parser.add_argument("--model", type=Path, help="model folder (default: the packaged one)")
    parser.add_argument("--development", action="store_true", help="only articles held back")
    parser.add_argument("--record", action="store_true", help="add them to MODEL's training.json")
    arguments = parser.parse_args()
    model = load_static_model(arguments.model)
    figures = development(model, arguments.data)
    if not arguments.development:
        figures |= published(model, arguments.data)
    print(json.dumps({"fingerprint": model.fingerprint, "figures": figures}, indent=2))
    if arguments.record:
        path = (arguments.model or PACKAGED) / "training.json"
        record = json.loads(path.read_text(encoding="utf-8")) | {"figures": figures}
        text = json.dumps(record, ensure_ascii=False, indent=2)
        path.write_text(text + "\n", encoding="utf-8")


def development(model: StaticModel, data: Path) -> dict[str, dict[str, float]]:
    """Held back from training by the hash of the article: see `training.data`."""
    contexts = read_contexts(data / JAQUAD["train"])
    titles = held_back_titles(contexts)
    jaquad = questions_task([context for context in contexts if context.title in titles])
    everything = questions_task(contexts, asked_of=titles)
    kyoto = cross_language_task(data)
    back = cross_language_task(data, to_english=True)
    return {
        "development/jaquad_held_back/pooled": measure(model, jaquad, pooled),
        "development/jaquad_held_back/maxsim": measure(model, jaquad, maxsim),
        "development/jaquad_held_back_among_all/search": summary(searched_ranks(model, everything)),
        "development/kyoto_en_to_ja_paragraph/pooled": measure(model, kyoto, pooled),
        "development/kyoto_en_to_ja_paragraph/maxsim": measure(model, kyoto, maxsim),
        "development/kyoto_en_to_ja_paragraph/search": summary(searched_ranks(model, kyoto)),
        "development/kyoto_ja_to_en_paragraph/search": summary(searched_ranks(model, back)),
    }


def published(model: StaticModel, data: Path) -> dict[str, dict[str, float]]:
    japanese, english = zip(*read_tatoeba(data), strict=True)
    same = range(len(japanese))
    jaquad = questions_task(read_contexts(data / JAQUAD["dev"]))
    figures = {
        "tatoeba_ja_to_en/pooled": measure(model, Task(japanese, english, same), pooled),
        "tatoeba_en_to_ja/pooled": measure(model, Task(english, japanese, same), pooled),
        "tatoeba_ja_to_en/sentences": measure(model, Task(japanese, english, same), sentences),
        "tatoeba_en_to_ja/sentences": measure(model, Task(english, japanese, same), sentences),
    }
    for name, scorer in (("pooled", pooled), ("maxsim", maxsim)):
        ranks = ranks_of(model, jaquad, scorer)
        figures[f"jaquad_dev/{name}"] = summary(ranks)
        figures[f"jaquad_dev_first_600/{name}"] = summary(ranks[:600])
    figures["jaquad_dev/search"] = summary(searched_ranks(model, jaquad))
    return figures


# Tasks ------------------------------------------------------------------------------------------


def questions_task(contexts: Sequence[Context], *, asked_of: frozenset[str] | None = None) -> Task:
    """All questions of the contexts, or of some titles alone, over all of the contexts."""
    asked = [
        (question, n)
        for n, context in enumerate(contexts)
        if asked_of is None or context.title in asked_of
        for question in context.questions
    ]
    return Task(
        queries=[question for question, _ in asked],
        passages=[context.text for context in contexts],
        answers=[n for _, n in asked],
        titles=[context.title for context in contexts],
    )


def cross_language_task(data: Path, *, to_english: bool = False) -> Task:
    """English sentences over all Japanese paragraphs of the articles held back, or the other way."""
    rows = read_kyoto(data)
    back = held_back_kyoto(rows)
    rows = [row for row in rows if row.article in back]
    bounds, titles = paragraph_bounds(rows)
    candidates = [
        (rows[row].ja if to_english else rows[row].en, paragraph)
        for paragraph, (start, stop) in enumerate(bounds)
        if stop - start >= 2
        for row in range(start, stop)
        if len(rows[row].en) >= FEWEST_CHARACTERS
    ]
    rng = np.random.default_rng(0)
    count = min(KYOTO_SENTENCES, len(candidates))
    chosen = [candidates[i] for i in rng.choice(len(candidates), count, replace=False)]
    return Task(
        queries=[sentence for sentence, _ in chosen],
        passages=[
            " ".join(row.en for row in rows[start:stop])
            if to_english
            else "".join(row.ja for row in rows[start:stop])
            for start, stop in bounds
        ],
        answers=[paragraph for _, paragraph in chosen],
        titles=[rows[title].en if to_english else rows[title].ja for title in titles],
    )


# Scores -----------------------------------------------------------------------------------------


def pooled(model: StaticModel, queries: Sequence[str], passages: Sequence[str]) -> Iterator[Scores]:
    vectors = model.encode(passages)
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        yield model.encode(queries[start : start + QUERIES_AT_ONCE]) @ vectors.T


def maxsim(model: StaticModel, queries: Sequence[str], passages: Sequence[str]) -> Iterator[Scores]:
    """As `training.losses.interaction_scores`, over any number of passages, without idf."""
    rows = [np.unique(ids) for ids in model.pieces(passages)]
    pieces = np.unique(np.concatenate(rows))
    places = [np.searchsorted(pieces, row) for row in rows]
    passage_units = model.units(pieces)
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        texts = model.pieces(queries[start : start + QUERIES_AT_ONCE])
        query_pieces, which = np.unique(np.concatenate(texts), return_inverse=True)
        cosines = passage_units @ model.units(query_pieces).T
        gains = np.zeros((len(passages), len(query_pieces)), dtype=np.float32)
        for n, place in enumerate(places):
            if len(place):
                gains[n] = cosines[place].max(axis=0)
        np.maximum(gains - THRESHOLD, 0, out=gains)
        has = np.zeros((len(texts), len(query_pieces)), dtype=np.float32)
        has[np.repeat(np.arange(len(texts)), [len(text) for text in texts]), which] = 1
        weights = has * model.piece_weights[query_pieces]
        yield (weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)) @ gains.T


def sentences(
    model: StaticModel, queries: Sequence[str], passages: Sequence[str]
) -> Iterator[Scores]:
    forth = np.concatenate(list(maxsim(model, queries, passages)))
    back = np.concatenate(list(maxsim(model, passages, queries)))
    yield np.concatenate(list(pooled(model, queries, passages))) + forth + back.T


def measure(model: StaticModel, task: Task, scorer: Scorer) -> dict[str, float]:
    return summary(ranks_of(model, task, scorer))


def ranks_of(model: StaticModel, task: Task, scorer: Scorer) -> NDArray[np.int64]:
    """The rank of each query's right passage, from 1."""
    ranks: list[NDArray[np.int64]] = []
    done = 0
    for scores in scorer(model, task.queries, task.passages):
        answers = np.array(task.answers[done : done + len(scores)])
        right = scores[np.arange(len(scores)), answers]
        ranks.append((scores >= right[:, None]).sum(axis=1))
        done += len(scores)
    return np.concatenate(ranks)


def searched_ranks(model: StaticModel, task: Task) -> NDArray[np.int64]:
    """By the search as it is used; a passage that is not among TOP_K_MAX counts as far below."""
    with tempfile.TemporaryDirectory() as folder:
        index = index_task(BuiltinEmbedder(model), task, Path(folder))
        return np.array(
            [
                _searched_rank(index, query, f"passages.{answer}")
                for query, answer in zip(task.queries, task.answers, strict=True)
            ]
        )


def _searched_rank(index: Index, query: str, document: str) -> int:
    hits = search(index, query, top_k=TOP_K_MAX).hits
    ranks = [hit.rank for hit in hits if hit.passage.document_id == document]
    return min(ranks, default=TOP_K_MAX * 10)


def index_task(embedder: Embedder, task: Task, folder: Path) -> Index:
    """Each passage is a document of a collection, with its title."""
    corpus = folder / "corpus"
    pairs = zip(task.titles, task.passages, strict=True)
    contexts = [Context(title, text, questions=()) for title, text in pairs]
    write_collection(corpus, "passages", contexts)
    build_index(corpus, folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


def summary(ranks: NDArray[np.int64]) -> dict[str, float]:
    right = int((ranks == 1).sum())
    low, high = share_interval(right, len(ranks))
    return {
        "queries": len(ranks),
        "first": round(right / len(ranks), 4),
        "first_low": round(low, 4),
        "first_high": round(high, 4),
        "five": round(float((ranks <= 5).mean()), 4),
        "mrr": round(float((1 / ranks).mean()), 4),
    }


if __name__ == "__main__":
    main()
