"""Rank the contexts of JaQuAD for its development questions: `evaluate_jaquad.py DATA --help`.

DATA is a folder with `eval/jaquad_dev.jsonl.xz` and `train/jaquad_train.jsonl.xz`. The contexts
become a collection (`.jsonl`), indexed and searched as any corpus is; a question is answered when
the passage found belongs to its context. `--contexts dev` ranks the 1,431 contexts of the
development part alone, `all` ranks them among all 11,144. In brackets after hit@1: its 95 % interval.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from context_collection import questions_on, write_collection
from training.data import JAQUAD, Context, read_contexts

from qa_service.evaluation import evaluate
from qa_service.model_comparison import interval
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.retrieval.search import Mode


def main() -> None:
    arguments = _arguments()
    parts = ["dev"] if arguments.contexts == "dev" else list(JAQUAD)
    contexts = {part: read_contexts(arguments.data / JAQUAD[part]) for part in parts}
    questions = list(questions_on(arguments.part, contexts[arguments.part]))
    if arguments.sample:
        questions = random.Random(arguments.seed).sample(questions, arguments.sample)
    with tempfile.TemporaryDirectory() as folder:
        index = _indexed(contexts, Path(folder), arguments.embedder)
        print(f"{len(questions)} questions over {len(index.passages)} passages")
        for mode in arguments.modes:
            report = evaluate(index, questions, mode=Mode(mode))
            summary = report.summaries[-1]
            low, high = interval(report, summary.language)
            hits = {depth: f"hit@{depth} {share:.3f}" for depth, share in summary.hits.items()}
            hits[1] += f" ({low:.3f}-{high:.3f})"
            print(
                f"{mode:8} {'  '.join(hits.values())}  MRR@10 {summary.mrr:.3f}  "
                f"median {report.median_milliseconds:.2f} ms",
                flush=True,
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--contexts", choices=["dev", "all"], default="all")
    parser.add_argument("--part", choices=["dev", "train"], default="dev", help="whose questions")
    parser.add_argument("--sample", type=int, default=0, help="questions, 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--embedder", default="builtin")
    parser.add_argument("--modes", nargs="+", default=["lexical", "dense", "hybrid"])
    arguments = parser.parse_args()
    if (arguments.part, arguments.contexts) == ("train", "dev"):
        parser.error("questions of the training part are answered by its contexts: --contexts all")
    return arguments


def _indexed(contexts: Mapping[str, Sequence[Context]], folder: Path, embedder_name: str) -> Index:
    corpus = folder / "corpus"
    for part, some in contexts.items():
        write_collection(corpus, part, some)
    embedder = load_embedder(embedder_name)
    print("building the index …", file=sys.stderr)
    build_index(corpus, folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


if __name__ == "__main__":
    main()
