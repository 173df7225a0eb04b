"""Rank the contexts of JaQuAD for its development questions: `evaluate_jaquad.py DATA --help`.

DATA is a folder with `eval/jaquad_dev.jsonl.xz` and `train/jaquad_train.jsonl.xz`. The contexts
become a collection (`.jsonl`), indexed and searched as any corpus is; a question is answered when
the passage found belongs to its context. `--contexts dev` ranks the 1,431 contexts of the
development part alone, `all` ranks them among all 11,144.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qa_service.evaluation import Question, evaluate
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.retrieval.search import Mode

PARTS = {"dev": "eval/jaquad_dev.jsonl.xz", "train": "train/jaquad_train.jsonl.xz"}


def main() -> None:
    arguments = _arguments()
    parts = ["dev"] if arguments.contexts == "dev" else ["dev", "train"]
    questions = list(_questions(arguments.data, arguments.part))
    if arguments.sample:
        questions = random.Random(arguments.seed).sample(questions, arguments.sample)
    with tempfile.TemporaryDirectory() as folder:
        index = _indexed(arguments.data, parts, Path(folder), arguments.embedder)
        print(f"{len(questions)} questions over {len(index.passages)} passages")
        for mode in arguments.modes:
            report = evaluate(index, questions, mode=Mode(mode))
            summary = report.summaries[-1]
            hits = "  ".join(f"hit@{depth} {share:.3f}" for depth, share in summary.hits.items())
            print(
                f"{mode:8} {hits}  MRR@10 {summary.mrr:.3f}  "
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
    return parser.parse_args()


def _indexed(data: Path, parts: list[str], folder: Path, embedder_name: str) -> Index:
    corpus = folder / "corpus"
    corpus.mkdir()
    for part in parts:
        with (corpus / f"{part}.jsonl").open("w", encoding="utf-8") as file:
            for number, record in enumerate(_records(data, part)):
                line = {"id": str(number), "title": record["title"], "text": record["context"]}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    embedder = load_embedder(embedder_name)
    print("building the index …", file=sys.stderr)
    build_index(corpus, folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


def _questions(data: Path, part: str) -> Iterator[Question]:
    for number, record in enumerate(_records(data, part)):
        for place, asked in enumerate(record["questions"]):
            yield Question(
                id=f"{part}.{number}.{place}",
                lang="ja",
                question=asked["question"],
                document=f"{part}.{number}",
            )


def _records(data: Path, part: str) -> Iterator[dict[str, Any]]:
    with lzma.open(data / PARTS[part], "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


if __name__ == "__main__":
    main()
