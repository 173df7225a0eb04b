"""What the peers are compared on: a corpus, its passages as qa_service reads them, questions.

Every peer gets the same passages (the text that qa_service embeds, its context lines in front); which
of them answers a question is judged by `peer_figures`, never by the peer.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from context_collection import questions_on, write_collection
from training.data import (
    JAQUAD,
    Context,
    held_back_titles,
    paragraph_bounds,
    read_contexts,
    read_kyoto,
)

from qa_service.evaluation import Question, read_questions
from qa_service.reading.passages import cut_passages
from qa_service.reading.sources import read_corpus
from qa_service.reading.structure import read_document
from qa_service.retrieval.build import embedding_text

_LARGE = 20_000  # passages
_LONGEST = 300  # characters of a Kyoto paragraph: it stays one passage


@dataclass(frozen=True, slots=True)
class TaskPassage:
    """`text` is searched; `quotable` is what a fragment of an answer is looked for in."""

    id: str
    document: str
    text: str
    quotable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    title: str
    corpus: Path
    passages: tuple[TaskPassage, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """Where the tasks come from. `questions` limits JaQuAD's, 0 for all, drawn by `seed`."""

    folder: Path
    chapter: Path  # a corpus folder
    chapter_questions: Path
    questions: int
    seed: int


def make_task(name: str, data: Data, folder: Path) -> Task:
    """A task of `TASKS`; its corpus is written into `folder`, which must not be there yet."""
    return TASKS[name](data, folder)


def read_passages(corpus: Path) -> tuple[TaskPassage, ...]:
    """All passages of a corpus folder, by qa_service's own reader."""
    return tuple(
        TaskPassage(
            id=passage.id,
            document=passage.document_id,
            text=embedding_text(passage),
            quotable=(
                passage.text,
                "".join(span.cut(source.text) for span in passage.content.spans()),
            ),
        )
        for source in read_corpus(corpus)
        for passage in cut_passages(read_document(source))
    )


# Tasks ------------------------------------------------------------------------------------------


def _chapter(data: Data, folder: Path) -> Task:
    shutil.copytree(data.chapter, folder)
    questions = [
        question
        for question in read_questions(data.chapter_questions)
        if question.answerable and question.judged and not question.history
    ]
    return _task("The chapter", folder, questions)


def _development(data: Data, folder: Path) -> Task:
    contexts = read_contexts(data.folder / JAQUAD["dev"])
    write_collection(folder, "dev", contexts)
    return _task("JaQuAD dev over its own contexts", folder, _sample(data, "dev", contexts))


def _all(data: Data, folder: Path) -> Task:
    contexts = read_contexts(data.folder / JAQUAD["dev"])
    write_collection(folder, "dev", contexts)
    write_collection(folder, "train", read_contexts(data.folder / JAQUAD["train"]))
    return _task("JaQuAD dev over all contexts", folder, _sample(data, "dev", contexts))


def _large(data: Data, folder: Path) -> Task:
    """All contexts of JaQuAD, filled up to 20,000 passages with paragraphs of the Kyoto articles."""
    task = _all(data, folder)
    missing = _LARGE - len(task.passages)
    rows = read_kyoto(data.folder)
    bounds, _ = paragraph_bounds(rows)
    paragraphs = ["".join(row.ja for row in rows[start:stop]) for start, stop in bounds]
    fitting = [text for text in dict.fromkeys(paragraphs) if 100 <= len(text) <= _LONGEST]
    drawn = random.Random(data.seed).sample(fitting, missing)
    write_collection(
        folder, "kyoto", [Context(title="", text=text, questions=()) for text in drawn]
    )
    return _task(f"JaQuAD dev over {_LARGE:,} passages", folder, task.questions)


def _held_back(data: Data, folder: Path) -> Task:
    """For choices: training articles that the built-in model was not trained on."""
    contexts = read_contexts(data.folder / JAQUAD["train"])
    write_collection(folder, "train", contexts)
    titles = held_back_titles(contexts)
    kept = [
        context if context.title in titles else Context(context.title, context.text, ())
        for context in contexts
    ]
    return _task("JaQuAD train, articles held back", folder, _sample(data, "train", kept))


TASKS = {
    "chapter": _chapter,
    "dev": _development,
    "all": _all,
    "20000": _large,
    "held-back": _held_back,
}


def _task(title: str, corpus: Path, questions: Iterable[Question]) -> Task:
    return Task(title, corpus, read_passages(corpus), tuple(questions))


def _sample(data: Data, name: str, contexts: Sequence[Context]) -> list[Question]:
    questions = list(questions_on(name, contexts))
    if not data.questions or data.questions >= len(questions):
        return questions
    return random.Random(data.seed).sample(questions, data.questions)
