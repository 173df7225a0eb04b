"""What two larger models say of many texts, for the built-in model to learn (knowledge distillation).

The teachers are Google's Universal Sentence Encoder, multilingual 3 (`embedding_use.py`), and
multilingual-e5-small (`embedding_e5.py`). They know everyday words that the Kyoto articles and the
dictionary's glosses hardly use. The built-in model learns to give a text the vector that the teachers give it,
as far as a mean of pieces can (Hinton et al., 2015; Reimers and Gurevych, EMNLP 2020, for languages;
Model2Vec, 2024, for static vectors). Two texts that mean the same have one target: their own vector and
half of the other's.

Both teachers together tell translations better than either (Tatoeba: 0.93 first, against 0.90 and 0.83). Their
vectors stand side by side, the second less its mean, of which only the differences between texts say
something. It is the slower one and reads a part of the texts; what it would say of the others is
predicted from the first by ridge regression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import embedding_e5
import embedding_use
import numpy as np
import torch
from embedding_data import Ids, Texts, tokenise
from embedding_lessons import lesson_texts
from embedding_losses import PieceVectors, both_ways, pooled
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

TEACHERS = (embedding_use.MODEL, embedding_e5.MODEL)
PAIRS_AT_ONCE, TEXTS_AT_ONCE = 2_048, 3_000
OTHERS_SHARE = 0.5  # of the other language's vector in the target of a text that has a translation
SCALE = 20.0
NEARNESS, CHOICE, TRANSLATION = 5.0, 0.5, 0.5  # what the three parts of the loss weigh
SECOND_WEIGHT = 0.7  # of the second teacher's vector, beside 1 for the first's
SECOND_TEXTS = {  # how many of each list it reads
    "kyoto": 15_000, "everyday": 50_000, "glosses": 60_000, "strings": 5_000,
    "words": 120_000, "lexicon": 10_000, "jaquad": 10_000, "wordnet": 40_000,
}  # fmt: skip
_RIDGE = 10.0
_CHUNK = 10_000
_SAMPLE = 20_000  # texts of each list that choose the space

Vectors = NDArray[np.float16]


@dataclass(frozen=True)
class Lesson:
    """Texts as piece ids and the target of each, (texts, dimension) float16; with `other`, text i
    translates text i of the other list."""

    texts: Texts
    targets: Vectors
    other: Lesson | None = None


@dataclass(frozen=True)
class Batch:
    """`targets` are (texts, dimension) and of length 1; with `paired` the second half translates the
    first."""

    texts: Sequence[Ids]
    targets: Tensor
    paired: bool


@dataclass(frozen=True)
class Teaching:
    """Everything the teachers said, in the built-in model's space."""

    lessons: dict[str, Lesson]

    def draw(self, mixture: dict[str, float], rng: np.random.Generator) -> Batch:
        """A lesson by its share in the mixture, and some of its texts."""
        names = list(mixture)
        shares = np.array([mixture[name] for name in names])
        lesson = self.lessons[names[int(rng.choice(len(names), p=shares / shares.sum()))]]
        count = TEXTS_AT_ONCE if lesson.other is None else PAIRS_AT_ONCE
        chosen = rng.choice(len(lesson.texts), count, replace=False)
        texts = _some(lesson.texts, chosen)
        targets = lesson.targets[chosen].astype(np.float32)
        if lesson.other is not None:
            texts += _some(lesson.other.texts, chosen)
            others = lesson.other.targets[chosen].astype(np.float32)
            targets = np.concatenate(
                [targets + OTHERS_SHARE * others, others + OTHERS_SHARE * targets]
            )
        units = functional.normalize(torch.from_numpy(targets), dim=1)
        return Batch(texts, units, lesson.other is not None)


def teaching_loss(model: PieceVectors, batch: Batch) -> tuple[Tensor, float]:
    """Each text near its target, nearer than to others' targets, and translations near one another;
    beside it the mean distance to the target, 1 - cosine."""
    vectors = pooled(model, batch.texts)
    half = len(batch.texts) // 2
    distance = (1 - (vectors * batch.targets).sum(dim=1)).mean()
    loss = NEARNESS * distance
    for part in (slice(0, half), slice(half, None)):
        scores = SCALE * vectors[part] @ batch.targets[part].T
        loss = loss + CHOICE / 2 * functional.cross_entropy(scores, torch.arange(len(scores)))
    if batch.paired:
        loss = loss + TRANSLATION * both_ways(SCALE * vectors[:half] @ vectors[half:].T)
    return loss, distance.item()


def load_teaching(
    folder: Path,
    tokenizer: Tokenizer,
    cache: Path,
    model: PieceVectors,
    *,
    seed: int,
    say: Callable[[str], None],
) -> Teaching:
    """The lessons, their targets turned to the space of `model`; what the teachers say is cached in a
    folder that belongs to one tokenizer, data folder and seed."""
    rng = np.random.default_rng([seed, 6])
    read: dict[str, list[Reading]] = {}
    for name, lists in lesson_texts(folder, seed=seed).items():
        count = min(SECOND_TEXTS[name], len(lists[0]))
        rows = np.sort(rng.choice(len(lists[0]), count, replace=False))
        paths = [cache / f"teacher_{name}_{number}.npy" for number in range(len(lists))]
        read[name] = [
            Reading(
                tokenise(tokenizer, texts),
                _said(path, _load_use, texts, say),
                rows,
                _said(
                    path.with_stem(f"second_{path.stem}"), _load_e5, [texts[i] for i in rows], say
                ),
            )
            for texts, path in zip(lists, paths, strict=True)
        ]
    space = JointSpace.of([each for lists in read.values() for each in lists])
    turn = _rotation(space, read, model)
    lessons: dict[str, Lesson] = {}
    for name, both in read.items():
        lesson: Lesson | None = None
        for each in reversed(both):
            lesson = Lesson(each.texts, (space.joint(each) @ turn).astype(np.float16), lesson)
        assert lesson is not None
        lessons[name] = lesson
    return Teaching(lessons)


def _some(texts: Texts, chosen: NDArray[np.int64]) -> list[Ids]:
    """A text without any piece is as good as the unknown one."""
    nothing = np.zeros(1, dtype=np.int32)
    return [texts[i] if len(texts[i]) else nothing for i in chosen]


# The space of both teachers ---------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """A list of texts with what the first teacher said of each, and the second of those in `rows`."""

    texts: Texts
    first: Vectors
    rows: NDArray[np.int64]
    second: Vectors


@dataclass(frozen=True)
class JointSpace:
    """`mean` is the second teacher's, `prediction` (512 + 1, 384) what it says as a function of the first."""

    mean: NDArray[np.float32]
    prediction: NDArray[np.float32]

    @classmethod
    def of(cls, lists: Sequence[Reading]) -> JointSpace:
        first = np.concatenate([each.first[each.rows] for each in lists]).astype(np.float32)
        second = np.concatenate([each.second for each in lists]).astype(np.float32)
        mean = second.mean(axis=0)
        known = _with_one(first)
        ridge = known.T @ known + _RIDGE * np.eye(known.shape[1], dtype=np.float32)
        return cls(mean, np.linalg.solve(ridge, known.T @ _unit(second - mean)))

    def joint(self, read: Reading) -> NDArray[np.float32]:
        """(texts, 896): both teachers' vectors side by side."""
        first = read.first.astype(np.float32)
        second = _unit(_with_one(first) @ self.prediction)
        second[read.rows] = _unit(read.second.astype(np.float32) - self.mean)
        return np.concatenate([first, SECOND_WEIGHT * second], axis=1)


def _with_one(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([vectors, np.ones((len(vectors), 1), dtype=np.float32)], axis=1)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    units: NDArray[np.float32] = vectors / np.maximum(
        np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9
    )
    return units


def _rotation(
    space: JointSpace, read: dict[str, list[Reading]], model: PieceVectors
) -> NDArray[np.float32]:
    """The first principal components of what both teachers read, turned so that they lie nearest to
    what the model says of the same texts (Schönemann, 1966)."""
    samples = [_sampled(each) for lists in read.values() for each in lists]
    said = np.concatenate([space.joint(each) for each in samples])
    with torch.no_grad():
        ours = [
            pooled(model, _some(each.texts, np.arange(len(each.texts)))).numpy() for each in samples
        ]
    dimension = model.vectors.shape[1]
    components = np.linalg.svd(said.T @ said)[2][:dimension].T
    left, _, right = np.linalg.svd(_unit(said @ components).T @ np.concatenate(ours))
    return np.asarray(components @ (left @ right), dtype=np.float32)


def _sampled(read: Reading) -> Reading:
    """Of the texts that both teachers read."""
    rows = read.rows[:_SAMPLE]
    texts = _some(read.texts, rows)
    ends = np.cumsum([0, *(len(text) for text in texts)], dtype=np.int64)
    return Reading(
        Texts(np.concatenate(texts), ends),
        read.first[rows],
        np.arange(len(rows)),
        read.second[:_SAMPLE],
    )


# What a teacher says ----------------------------------------------------------------------------


class Teacher(Protocol):
    def encode(self, texts: Sequence[str]) -> Vectors:
        """(texts, numbers) of length 1."""


def _load_use() -> Teacher:
    return embedding_use.load_encoder()


def _load_e5() -> Teacher:
    return embedding_e5.load_e5()


def _said(
    path: Path, load: Callable[[], Teacher], texts: Sequence[str], say: Callable[[str], None]
) -> Vectors:
    """A file that an interrupted run has left is whole or not there."""
    if not path.exists():
        say(f"a teacher reads {path.stem}: {len(texts):,} texts")
        unfinished = path.with_suffix(".part.npy")
        np.save(unfinished, teacher_vectors(load, texts))
        unfinished.replace(path)
    return np.asarray(np.load(path, allow_pickle=False))


def teacher_vectors(load: Callable[[], Teacher], texts: Sequence[str]) -> Vectors:
    """(texts, numbers) of length 1; each different text is read once."""
    different = sorted(set(texts))
    places = {text: place for place, text in enumerate(different)}
    chunks = [different[i : i + _CHUNK] for i in range(0, len(different), _CHUNK)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        read = np.concatenate(list(processes.map(partial(_read, load), chunks)))
    return read[[places[text] for text in texts]]


_teachers: dict[Any, Teacher] = {}  # one a process


def _read(load: Callable[[], Teacher], texts: Sequence[str]) -> Vectors:
    if load not in _teachers:
        torch.set_num_threads(1)
        _teachers[load] = load()
    return _teachers[load].encode(texts)
