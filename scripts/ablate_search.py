"""What each part of the search is worth: the same questions with one part left out at a time.

    python scripts/ablate_search.py DATA [--questions 1000] [--chapter DATA/eval/chapter_questions.jsonl]

Tests: questions of JaQuAD's development part over its 1,431 contexts; English sentences of held-back
Kyoto articles over the Japanese paragraphs of those articles; the chapter's questions. Prints the share
that comes first, with the interval that holds in 95 of 100 resamples of the questions (percentile
bootstrap), as a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
from evaluate_embedding import Task, cross_language_task, index_task, questions_task
from numpy.typing import NDArray
from training.data import JAQUAD, read_contexts

from qa_service.bootstrap import share_interval
from qa_service.evaluation import evaluate as judge
from qa_service.evaluation import read_questions
from qa_service.retrieval import interaction, search
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.fusion import Weights, fuse
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.retrieval.lexical import LexicalIndex
from qa_service.retrieval.search import Mode
from qa_service.retrieval.sentence_vectors import SentenceVectors
from qa_service.retrieval.terms import AtomFinder, Terms, extract_terms


@dataclass(frozen=True)
class Variant:
    """`constants` alter the program for the time of the questions."""

    name: str
    mode: Mode = Mode.HYBRID
    constants: tuple[tuple[object, str, object], ...] = ()


def _weighted(**shares: float) -> tuple[tuple[object, str, object], ...]:
    weights = Weights(**shares)
    return ((search, "choose_weights", lambda **_: weights),)


def _without_pairs(text: str, *, find_atoms: AtomFinder | None = None) -> Terms:
    return replace(extract_terms(text, find_atoms=find_atoms), pairs=())


def _characters_alone(lexical: LexicalIndex, terms: Terms) -> NDArray[np.float32]:
    return lexical.fields[0].scores(terms.characters)


def _morphemes_alone(lexical: LexicalIndex, terms: Terms) -> NDArray[np.float32]:
    return lexical.fields[1].scores((*terms.morphemes, *terms.pairs))


def _nothing(_: SentenceVectors, vector: object, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.zeros(len(rows), dtype=np.float32)


def _by_whole_passages(
    weights: Weights, legs: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    return fuse(weights, {**legs, "sentence": legs["dense"]})


VARIANTS = [
    Variant("all parts"),
    Variant("words alone (BM25)", mode=Mode.LEXICAL),
    Variant(
        "… characters only",
        mode=Mode.LEXICAL,
        constants=((LexicalIndex, "scores", _characters_alone),),
    ),
    Variant(
        "… morphemes and pairs only",
        mode=Mode.LEXICAL,
        constants=((LexicalIndex, "scores", _morphemes_alone),),
    ),
    Variant("without pairs of words", constants=((search, "extract_terms", _without_pairs),)),
    Variant("pooled vectors alone (FAISS)", mode=Mode.DENSE),
    Variant("late interaction alone", constants=_weighted(interaction=1.0)),
    Variant("sentences' vectors alone", constants=_weighted(sentence=1.0)),
    Variant("words and pooled vectors, half and half", constants=_weighted(lexical=0.5, dense=0.5)),
    Variant(
        "without the table of translations", constants=((Index, "looked_up", lambda *_: None),)
    ),
    Variant(
        "without names in Japanese", constants=((Index, "spell_names", lambda _, text, __: text),)
    ),
    Variant("without acronyms", constants=((Index, "_acronym_weights", lambda *_: {}),)),
    Variant("translated words alone", constants=_weighted(translation=1.0)),
    Variant("without sentences' vectors", constants=((SentenceVectors, "similarities", _nothing),)),
    Variant("… passages' in their place", constants=((search, "fuse", _by_whole_passages),)),
    Variant("without the best sentence", constants=((interaction, "_SENTENCE_SHARE", 0.0),)),
    Variant("without the whole passage", constants=((interaction, "_SENTENCE_SHARE", 1.0),)),
    Variant("without rarity in the corpus", constants=((interaction, "_DOUBT", 1e9),)),
    Variant("without the floor of chance", constants=((interaction, "_NOISE", 0.0),)),
]


@contextmanager
def in_force(variant: Variant) -> Iterator[None]:
    with ExitStack() as stack:
        for module, name, value in variant.constants:
            stack.enter_context(patch.object(module, name, value))
        yield


def share(right: int, questions: int) -> str:
    """0.886 (0.87-0.90)."""
    low, high = share_interval(right, questions)
    return f"{right / questions:.3f} ({low:.2f}-{high:.2f})"


def task_column(index: Index, task: Task, questions: Sequence[int]) -> Iterator[str]:
    for variant in VARIANTS:
        with in_force(variant):
            first = [_comes_first(index, task, place, variant.mode) for place in questions]
        yield share(sum(first), len(first))
        print(".", end="", file=sys.stderr, flush=True)


def _comes_first(index: Index, task: Task, place: int, mode: Mode) -> bool:
    hits = search.search(index, task.queries[place], top_k=1, mode=mode).hits
    return bool(hits) and hits[0].passage.document_id == f"passages.{task.answers[place]}"


def chapter_columns(index: Index, file: Path, languages: Sequence[str]) -> Iterator[list[str]]:
    judged = [question for question in read_questions(file) if question.answerable]
    for variant in VARIANTS:
        with in_force(variant):
            report = judge(index, judged, mode=variant.mode)
        shares = {summary.language: summary for summary in report.summaries}
        yield [f"{shares[each].hits[1]:.2f} / {shares[each].hits[5]:.2f}" for each in languages]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--questions", type=int, default=1_000, help="of each of the large tests")
    parser.add_argument("--chapter", type=Path, help="file of questions on corpus/")
    parser.add_argument("--corpus", type=Path, default=Path("corpus"))
    options = parser.parse_args()
    embedder = load_embedder()
    dev = questions_task(read_contexts(options.data / JAQUAD["dev"]))
    tasks = {"JaQuAD dev, 1,431": dev, "Kyoto en→ja": cross_language_task(options.data)}
    columns: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, task) in enumerate(tasks.items()):
            index = index_task(embedder, task, Path(folder) / str(number))
            count = min(options.questions, len(task.queries))
            chosen = np.random.default_rng(0).choice(len(task.queries), size=count, replace=False)
            columns[f"{name} ({count})"] = list(task_column(index, task, chosen.tolist()))
        if options.chapter:
            build_index(options.corpus, Path(folder) / "chapter", embedder=embedder)
            index = load_index(Path(folder) / "chapter", embedder=embedder)
            languages = ["ja", "en", "zh"]
            rows = list(chapter_columns(index, options.chapter, languages))
            for place, language in enumerate(languages):
                columns[f"chapter {language}, first / in 5"] = [row[place] for row in rows]
    print(file=sys.stderr)
    print(f"| | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}")
    for place, variant in enumerate(VARIANTS):
        print(f"| {variant.name} | {' | '.join(column[place] for column in columns.values())} |")


if __name__ == "__main__":
    main()
