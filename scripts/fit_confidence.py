"""Fit the weights of `qa_service/answering/confidence.json`: `fit_confidence.py DATA`.

Each set of texts is indexed by halves: a question on an indexed text has an answer there, one on
another has none. All texts are of articles that the embedding model never saw, since it is sure of
what it was trained on.

- same language: contexts and questions of JaQuAD's training part, held-back titles.
- translated: Japanese paragraphs of the held-back Kyoto articles, and five to ten words of English sentences of
  them behind words of asking in the place of questions: whole sentences come nearer to their translations.
- other language: the same without looking the questions' words up.

The threshold within a language is the lowest with a balanced accuracy within two points of the best:
in doubt an answer with its quote serves better than none. Across languages, where sentences stand for
questions and both kinds overlap more, it lets 95 of 100 answerable ones through.
`--check` measures the weights in place on JaQuAD's development part instead, built the same way.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from unittest.mock import patch

import numpy as np
from fit_fusion import some_words
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from training.data import (
    ENGLISH_OPENINGS,
    held_back_kyoto,
    held_back_titles,
    paragraph_bounds,
    read_contexts,
    read_kyoto,
)

from qa_service.answering.confidence import Features, assess, measure
from qa_service.retrieval.build import build_index
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, load_index
from qa_service.retrieval.search import search

PACKAGED = Path(__file__).resolve().parent.parent / "qa_service/answering/confidence.json"
SHORTEST, LONGEST = 30, 120  # characters of an English sentence that stands for a question
# Across languages words that both have are too few to count, and of texts without headings, as these are, the best
# sentence says nothing else than the whole.
SAME_LANGUAGE = ("interaction", "unit", "missing", "coverage", "spread")
OTHER_LANGUAGE = ("interaction", "sentence")
TRANSLATED = (*OTHER_LANGUAGE, "translation")
FLAT = 0.02  # balanced accuracy given up for refusing less
REFUSED_ACROSS = 0.05  # share of answerable questions across languages that may be refused


@dataclass(frozen=True)
class Asked:
    """A question and the number of the text that answers it."""

    question: str
    text: int


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="data folder with train/ and eval/")
    parser.add_argument("--questions", type=int, default=3000, help="of each set at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", action="store_true", help="measure on the development part")
    arguments = parser.parse_args()
    if arguments.check:
        check(arguments.data, arguments.questions, arguments.seed)
        return
    models = {}
    sentences = kyoto(arguments.data, arguments.seed)
    for name, names, (texts, asked), looked_up in (
        ("same_language", SAME_LANGUAGE, jaquad(arguments.data, "train"), False),
        ("translated", TRANSLATED, sentences, True),
        ("other_language", OTHER_LANGUAGE, sentences, False),
    ):
        with nullcontext() if looked_up else patch.object(Index, "looked_up", return_value=None):
            features, answers, _ = measure_all(
                texts, asked, arguments.questions, arguments.seed, same_language=True
            )
        models[name] = fit(features, answers, names)
        print(name, json.dumps(models[name], indent=2))
    written = {"fitted_by": "scripts/fit_confidence.py", "models": models}
    PACKAGED.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def check(data: Path, count: int, seed: int) -> None:
    texts, asked = jaquad(data, "dev")
    _, answers, confidences = measure_all(texts, asked, count, seed, same_language=True)
    threshold = json.loads(PACKAGED.read_text())["models"]["same_language"]["threshold"]
    auroc = roc_auc_score(answers, confidences)
    accuracy = balanced_accuracy_score(answers, confidences >= threshold)
    print(f"{len(answers)} questions: AUROC {auroc:.3f}, balanced accuracy {accuracy:.3f}")
    for low in np.arange(0, 1, 0.1):
        chosen = (confidences >= low) & (confidences < low + 0.1)
        if chosen.any():
            print(
                f"said {confidences[chosen].mean():.2f}, true {answers[chosen].mean():.2f} "
                f"({chosen.sum()} questions)"
            )


def jaquad(data: Path, part: str) -> tuple[list[str], list[Asked]]:
    """`train`: the held-back titles alone; `dev`: all of the development part."""
    folder = "train" if part == "train" else "eval"
    contexts = read_contexts(data / folder / f"jaquad_{part}.jsonl.xz")
    if part == "train":
        titles = held_back_titles(contexts)
        contexts = [context for context in contexts if context.title in titles]
    texts = [context.text for context in contexts]
    asked = [
        Asked(question, place)
        for place, context in enumerate(contexts)
        for question in context.questions
    ]
    return texts, asked


def kyoto(data: Path, seed: int) -> tuple[list[str], list[Asked]]:
    rng = random.Random(seed)
    rows = read_kyoto(data)
    articles = held_back_kyoto(rows)
    rows = [row for row in rows if row.article in articles]
    bounds, _ = paragraph_bounds(rows)
    texts, asked = [], []
    for start, stop in bounds.tolist():
        texts.append("".join(row.ja for row in rows[start:stop]))
        asked += [
            Asked(f"{rng.choice(ENGLISH_OPENINGS)} {some_words(row.en, rng)}?", len(texts) - 1)
            for row in rows[start:stop]
            if SHORTEST <= len(row.en) <= LONGEST
        ]
    return texts, asked


def measure_all(
    texts: Sequence[str], asked: Sequence[Asked], count: int, seed: int, *, same_language: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Features (questions, features), whether there is an answer, and today's confidences."""
    drawn = list(asked)
    random.Random(seed).shuffle(drawn)
    halves = [[each for each in drawn if each.text % 2 == half] for half in (0, 1)]
    size = min(count // 2, *map(len, halves))
    with tempfile.TemporaryDirectory() as folder:
        index = _index(list(texts)[::2], Path(folder))
        rows, confidences = [], []
        for each in halves[0][:size] + halves[1][:size]:
            hits = search(index, each.question, top_k=5).hits
            rows.append(list(asdict(measure(index, each.question, hits)).values()))
            if PACKAGED.exists():
                confidence = assess(index, each.question, hits, same_language=same_language)
                confidences.append(confidence.probability)
    return np.array(rows), np.arange(2 * size) < size, np.array(confidences)


def _index(texts: Sequence[str], folder: Path) -> Index:
    corpus = folder / "corpus"
    corpus.mkdir()
    with (corpus / "texts.jsonl").open("w", encoding="utf-8") as file:
        for line in _lines(texts):
            file.write(line + "\n")
    embedder = load_embedder()
    build_index(corpus, folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


def _lines(texts: Sequence[str]) -> Iterator[str]:
    for place, text in enumerate(texts):
        yield json.dumps({"id": str(place), "title": "", "text": text}, ensure_ascii=False)


def fit(
    features: NDArray[np.float64], answers: NDArray[np.bool_], names: Sequence[str]
) -> dict[str, object]:
    """The logistic model over the named features, and its threshold."""
    places = [[field.name for field in fields(Features)].index(name) for name in names]
    chosen = features[:, places]
    model = LogisticRegression(C=100.0, max_iter=1000).fit(chosen, answers)
    probabilities = model.predict_proba(chosen)[:, 1]
    thresholds = np.linspace(0.05, 0.95, 91)
    accuracies = [balanced_accuracy_score(answers, probabilities >= t) for t in thresholds]
    if "coverage" in names:
        good = [accuracy >= max(accuracies) - FLAT for accuracy in accuracies]
        threshold = float(thresholds[good.index(True)])
    else:
        threshold = float(np.quantile(probabilities[answers], REFUSED_ACROSS))
    return {
        "intercept": round(float(model.intercept_[0]), 4),
        "weights": dict(zip(names, model.coef_[0].round(4).tolist(), strict=True)),
        "threshold": round(threshold, 3),
        "questions": len(answers),
        "auroc": round(float(roc_auc_score(answers, probabilities)), 3),
        "balanced_accuracy": round(
            float(balanced_accuracy_score(answers, probabilities >= threshold)), 3
        ),
    }


if __name__ == "__main__":
    main()
