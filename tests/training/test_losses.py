"""The built-in model in its trainable form, and what it is trained for (scripts/training/losses.py)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training.losses import INPUT_SCALE, PieceVectors, pooled, pooled_loss
from training.relevance import Relevance

TEXTS = [np.array(ids, dtype=np.int32) for ids in ([1, 2, 3], [3, 2, 1], [4], [5, 5, 1, 2])]


@pytest.fixture
def model() -> PieceVectors:
    torch.manual_seed(0)
    made = PieceVectors(6, 8, hidden=5)
    with torch.no_grad():
        made.vectors.normal_()
        made.output.normal_()
        made.bias.normal_()
    return made


def test_a_text_is_its_pieces_and_what_they_see(model: PieceVectors) -> None:
    vectors = model.vectors.detach().numpy()
    before, own, after = np.split(model.neighbours.detach().numpy() * INPUT_SCALE, 3, axis=1)
    nothing = np.zeros(8, dtype=np.float32)
    for found, ids in zip(pooled(model, TEXTS).detach().numpy(), TEXTS, strict=True):
        rows = [nothing, *vectors[ids], nothing]
        hidden = [
            np.maximum(a @ before + b @ own + c @ after + model.bias.detach().numpy(), 0)
            for a, b, c in zip(rows, rows[1:], rows[2:], strict=False)
        ]
        expected = (
            vectors[ids].mean(axis=0) + np.mean(hidden, axis=0) @ model.output.detach().numpy()
        )
        np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=0.02)


@pytest.mark.parametrize("place", [0, 2, 4], ids=["first", "middle", "last"])
def test_a_text_without_pieces_harms_no_other(model: PieceVectors, place: int) -> None:
    nothing = np.zeros(0, dtype=np.int32)
    units = pooled(model, [*TEXTS[:place], nothing, *TEXTS[place:]])
    assert torch.isfinite(units).all()
    others = torch.cat([units[:place], units[place + 1 :]])
    np.testing.assert_allclose(others.detach(), pooled(model, TEXTS).detach(), atol=1e-2)


def test_the_layer_adds_nothing_at_first() -> None:
    model = PieceVectors(6, 8, hidden=5)
    forth, back = pooled(model, TEXTS[:2]).detach().numpy()
    np.testing.assert_allclose(forth, back, atol=1e-6)


def test_training_goes_on_from_an_earlier_layer(model: PieceVectors) -> None:
    later = PieceVectors(6, 8, hidden=5)
    later.start_context(model.context_layer())
    with torch.no_grad():
        later.vectors.copy_(model.vectors)
    np.testing.assert_allclose(
        pooled(later, TEXTS).detach().numpy(), pooled(model, TEXTS).detach().numpy(), atol=1e-3
    )


def test_a_teacher_says_which_other_passages_come_near(model: PieceVectors) -> None:
    first, second = TEXTS[0], TEXTS[2]
    pairs = ([first, second], [second, first])  # each text is nearest to the other's answer
    units = np.eye(2, 4, dtype=np.float16)
    said = Relevance(units, units[::-1])
    plain = pooled_loss(model, pairs).item()
    both = np.arange(2)
    assert said.between(both, both).tolist() == [[0, 1], [1, 0]]
    assert pooled_loss(model, pairs, said.between(both, both)).item() < 0.6 * plain
    assert pooled_loss(model, pairs, said.between(both, both[::-1])).item() == pytest.approx(plain)
