"""Contexts as a corpus: a collection to index, and the questions that each of them answers.

Reading the published files is `training.data`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.data import Context

from qa_service.evaluation import Question


def write_collection(folder: Path, name: str, contexts: Sequence[Context]) -> None:
    """`NAME.jsonl` in `folder`: one record a context, its number as id, so that its document is
    called `NAME.NUMBER`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
        for number, context in enumerate(contexts):
            record = {"id": str(number), "title": context.title, "text": context.text}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def questions_on(name: str, contexts: Sequence[Context]) -> Iterator[Question]:
    """The questions of the contexts that `write_collection` wrote under this name."""
    for number, context in enumerate(contexts):
        for place, asked in enumerate(context.questions):
            yield Question(
                id=f"{name}.{number}.{place}",
                lang="ja",
                question=asked,
                document=f"{name}.{number}",
            )
