"""The lessons of the teacher that the built-in model was taught by (scripts/training/teacher.py)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from training.data import Texts
from training.joint_space import SECOND_WEIGHT, JointSpace, Reading
from training.losses import PieceVectors
from training.teacher import Lesson, Teaching, teacher_vectors, teaching_loss


def _lesson(targets: list[list[float]], other: Lesson | None = None) -> Lesson:
    """Text i is piece i."""
    count = len(targets)
    texts = Texts(np.arange(count, dtype=np.int32), np.arange(count + 1))
    return Lesson(texts, np.array(targets, dtype=np.float16), other)


def test_a_translation_draws_the_target_of_a_text_nearer() -> None:
    teaching = Teaching({"pairs": _lesson([[1, 0]] * 3_000, _lesson([[0, 1]] * 3_000))})
    batch = teaching.draw({"pairs": 1.0}, np.random.default_rng(0))
    own, other = 1 / 1.25**0.5, 0.5 / 1.25**0.5
    half = len(batch.texts) // 2
    assert batch.paired
    np.testing.assert_allclose(batch.targets[0].numpy(), [own, other], atol=1e-3)
    np.testing.assert_allclose(batch.targets[half].numpy(), [other, own], atol=1e-3)


def test_the_loss_is_least_where_each_text_has_its_target() -> None:
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(3_000, 8))
    targets /= np.linalg.norm(targets, axis=1, keepdims=True)
    teaching = Teaching({"texts": _lesson(targets.tolist())})
    batch = teaching.draw({"texts": 1.0}, rng)
    model = PieceVectors(3_000, 8, hidden=4)
    before, far = teaching_loss(model, batch)
    with torch.no_grad():
        model.vectors.copy_(torch.from_numpy(targets))
    after, near = teaching_loss(model, batch)
    assert far > 0.8
    assert near < 0.01
    assert after.item() < before.item()


def test_what_the_second_teacher_has_not_read_is_predicted() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=(5_000, 16))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    turn = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    common = 3 * np.eye(16)[0]  # that all of the second teacher's vectors have
    second = first @ turn + common
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    texts = Texts(np.arange(5_000, dtype=np.int32), np.arange(5_001))
    rows = np.arange(0, 5_000, 2)
    reading = Reading(texts, first.astype(np.float16), rows, second[rows].astype(np.float16))
    joint = JointSpace.of([reading]).joint(reading)
    centred = second - second.mean(axis=0)
    centred *= SECOND_WEIGHT / np.linalg.norm(centred, axis=1, keepdims=True)
    np.testing.assert_allclose(joint[:, :16], first, atol=2e-3)
    np.testing.assert_allclose(joint[rows, 16:], centred[rows], atol=1e-2)
    likeness = (joint[1::2, 16:] * centred[1::2]).sum(axis=1) / SECOND_WEIGHT**2
    assert likeness.mean() > 0.95


class _Counting:
    """A teacher that says how long a text is."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        return np.array([[len(text)] for text in texts], dtype=np.float16)


def test_each_text_has_its_own_vector_however_often_it_stands_there() -> None:
    texts = ["three", "a", "three", ""] * 3
    assert teacher_vectors(_Counting, texts).ravel().tolist() == [len(text) for text in texts]
