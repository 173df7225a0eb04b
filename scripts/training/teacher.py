"""What two larger models say of many texts, for the built-in model to learn (knowledge distillation).

The teachers are Google's Universal Sentence Encoder, multilingual 3 (`universal_sentence_encoder.py`), and
multilingual-e5-small (`multilingual_e5.py`). They know everyday words that the Kyoto articles and the
dictionary's glosses hardly use. The built-in model learns to give a text the vector that the teachers give it,
as far as a mean of pieces can (Hinton et al., 2015; Reimers and Gurevych, EMNLP 2020, for languages;
Model2Vec, 2024, for static vectors). Two texts that mean the same have one target: their own vector and
half of the other's.

Both teachers together (`joint_space.py`) tell translations better than either: on Tatoeba 0.93 come
first, against 0.90 and 0.83.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from training import multilingual_e5, universal_sentence_encoder
from training.data import Ids, Texts, digest_of, some_texts, tokenise
from training.joint_space import JointSpace, Reading, rotation
from training.lessons import lesson_texts
from training.losses import PieceVectors, both_ways, pooled
from training.recipe import draw_source

TEACHERS = (universal_sentence_encoder.MODEL, multilingual_e5.MODEL)
PAIRS_AT_ONCE, TEXTS_AT_ONCE = 2_048, 3_000
OTHERS_SHARE = 0.5  # of the other language's vector in the target of a text that has a translation
SCALE = 20.0
NEARNESS, CHOICE, TRANSLATION = 5.0, 0.5, 0.5  # what the three parts of the loss weigh
SECOND_TEXTS = {  # how many of each list it reads
    "kyoto": 15_000, "everyday": 50_000, "glosses": 60_000, "strings": 5_000,
    "words": 120_000, "lexicon": 10_000, "jaquad": 10_000, "wordnet": 40_000,
}  # fmt: skip
_CHUNK = 10_000

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

    def shares(self, mixture: dict[str, float], vocabulary: int) -> NDArray[np.float64]:
        """What share of the pieces that it draws each piece is, (vocabulary,)."""
        shares = np.zeros(vocabulary)
        for name, share in mixture.items():
            lesson: Lesson | None = self.lessons[name]
            while lesson is not None:
                ids = lesson.texts.ids
                shares += share * np.bincount(ids, minlength=vocabulary) / max(len(ids), 1)
                lesson = lesson.other
        return np.asarray(shares / shares.sum())

    def draw(self, mixture: dict[str, float], rng: np.random.Generator) -> Batch:
        """A lesson by its share in the mixture, and some of its texts."""
        lesson = self.lessons[draw_source(mixture, rng)]
        count = TEXTS_AT_ONCE if lesson.other is None else PAIRS_AT_ONCE
        chosen = rng.choice(len(lesson.texts), count, replace=False)
        texts = some_texts(lesson.texts, chosen)
        targets = lesson.targets[chosen].astype(np.float32)
        if lesson.other is not None:
            texts += some_texts(lesson.other.texts, chosen)
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
    origin: str,
    seed: int,
    say: Callable[[str], None],
) -> Teaching:
    """The lessons, their targets turned to the space of `model`, which training has begun from; what the
    teachers say is cached in a folder that belongs to one tokenizer, data folder and seed, and the turn
    under the name of what training has begun from."""
    rng = np.random.default_rng([seed, 6])
    read: dict[str, list[Reading]] = {}
    for name, lists in lesson_texts(folder, seed=seed).items():
        count = min(SECOND_TEXTS[name], len(lists[0]))
        rows = np.sort(rng.choice(len(lists[0]), count, replace=False))
        paths = [cache / f"teacher_{name}_{number}.npy" for number in range(len(lists))]
        read[name] = [
            Reading(
                tokenise(tokenizer, texts),
                said(path, universal_sentence_encoder.load_encoder, texts, say),
                rows,
                said(
                    path.with_stem(f"second_{path.stem}"),
                    multilingual_e5.load_e5,
                    [texts[i] for i in rows],
                    say,
                ),
            )
            for texts, path in zip(lists, paths, strict=True)
        ]
    space = JointSpace.of([each for lists in read.values() for each in lists])
    turn = _kept(cache / f"teacher_rotation_{origin}.npy", lambda: rotation(space, read, model))
    lessons: dict[str, Lesson] = {}
    for name, both in read.items():
        lesson: Lesson | None = None
        for each in reversed(both):
            lesson = Lesson(each.texts, (space.joint(each) @ turn).astype(np.float16), lesson)
        assert lesson is not None
        lessons[name] = lesson
    return Teaching(lessons)


# What a teacher says ----------------------------------------------------------------------------


class Teacher(Protocol):
    def encode(self, texts: Sequence[str]) -> Vectors:
        """(texts, numbers) of length 1."""


def said(
    path: Path, load: Callable[[], Teacher], texts: Sequence[str], say: Callable[[str], None]
) -> Vectors:
    """What a teacher says of texts, (texts, numbers) of length 1; read once, as long as they stay the same."""

    def read() -> Vectors:
        say(f"a teacher reads {path.stem}: {len(texts):,} texts")
        return teacher_vectors(load, texts)

    return _kept(path.with_stem(f"{path.stem}_{digest_of(texts)}"), read)


def _kept(path: Path, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """A file that an interrupted run has left is whole or not there."""
    if not path.exists():
        unfinished = path.with_suffix(".part.npy")
        np.save(unfinished, make())
        unfinished.replace(path)
    return np.asarray(np.load(path, allow_pickle=False))


def teacher_vectors(load: Callable[[], Teacher], texts: Sequence[str]) -> Vectors:
    """(texts, numbers) of length 1; each different text is read once."""
    different = sorted(set(texts))
    places = {text: place for place, text in enumerate(different)}
    chunks = [different[i : i + _CHUNK] for i in range(0, len(different), _CHUNK)]
    with ProcessPoolExecutor(
        mp_context=get_context("spawn"), initializer=_begin, initargs=(load,)
    ) as processes:
        read = np.concatenate(list(processes.map(_read, chunks)))
    return read[[places[text] for text in texts]]


_teacher: Teacher  # of a process that reads


def _begin(load: Callable[[], Teacher]) -> None:
    global _teacher
    torch.set_num_threads(1)
    _teacher = load()


def _read(texts: Sequence[str]) -> Vectors:
    return _teacher.encode(texts)
