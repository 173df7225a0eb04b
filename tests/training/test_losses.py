"""The built-in model in its trainable form, and what it is trained for (scripts/training/losses.py)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training.losses import INPUT_SCALE, TOPIC_SCALE, PieceVectors, pooled, pooled_loss
from training.ranking import Ranking, nearest_loss
from training.relevance import Relevance

TEXTS = [np.array(ids, dtype=np.int32) for ids in ([1, 2, 3], [3, 2, 1], [4], [5, 5, 1, 2])]


@pytest.fixture
def model() -> PieceVectors:
    torch.manual_seed(0)
    made = PieceVectors(6, 8, hidden=5, adapted=3, rank=4)
    made.adapt(np.array([0.0, 0.2, 0.5, 0.0, 0.1, 0.2]))
    with torch.no_grad():
        made.codes.normal_()
        made.vectors.normal_()
        made.log_lengths.normal_()
        for each in (made.output, made.bias, made.topic, made.mixing):
            each.normal_().div_(4)
    return made


def test_a_text_is_its_pieces_and_what_they_see(model: PieceVectors) -> None:
    vectors = model.lengthened()
    vectors[[1, 2, 5]] += (model.codes @ model.basis).detach().numpy()  # the commonest
    layer = {name: each.detach().numpy() for name, each in model.layer.items()}
    before, own, after = np.split(layer["neighbours"] * INPUT_SCALE, 3, axis=1)
    nothing = np.zeros(8, dtype=np.float32)
    for found, ids in zip(pooled(model, TEXTS).detach().numpy(), TEXTS, strict=True):
        rows = [nothing, *vectors[ids], nothing]
        mean = vectors[ids].mean(axis=0)
        topic = TOPIC_SCALE * mean / np.linalg.norm(mean) @ layer["topic"] + layer["bias"]
        hidden = [
            np.maximum(a @ before + b @ own + c @ after + topic, 0)
            for a, b, c in zip(rows, rows[1:], rows[2:], strict=False)
        ]
        expected = mean + mean @ layer["mixing"] + np.mean(hidden, axis=0) @ layer["output"]
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


def test_the_commonest_pieces_are_adapted_beside_those_that_are() -> None:
    model = PieceVectors(6, 8, hidden=5, adapted=4, rank=4)
    model.places[3] = 1
    model.adapt(np.array([0.9, 0.1, 0.4, 0.0, 0.3, 0.2]))
    assert model.places.tolist() == [-1, -1, 0, 1, 2, 3]
    assert PieceVectors(6, 8, hidden=5, adapted=9, rank=4).codes.shape == (6, 4)


def test_an_adapter_of_another_rank_is_refused(model: PieceVectors) -> None:
    with pytest.raises(ValueError, match="rank 4"):
        PieceVectors(6, 8, hidden=5, adapted=3, rank=2).start_adapter(model.adapter())


@pytest.mark.parametrize("hidden", [5, 9], ids=["as wide", "wider"])
def test_training_goes_on_from_an_earlier_layer(model: PieceVectors, hidden: int) -> None:
    later = PieceVectors(6, 8, hidden=hidden, adapted=3, rank=4)
    later.start_context(model.context_layer())
    later.start_adapter(model.adapter())
    with torch.no_grad():
        later.vectors.copy_(torch.from_numpy(model.lengthened()))
    np.testing.assert_allclose(
        pooled(later, TEXTS).detach().numpy(), pooled(model, TEXTS).detach().numpy(), atol=0.05
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


def test_the_nearest_sentence_counts_and_maxsim_learns_nothing_of_it(model: PieceVectors) -> None:
    far, near, other, query = TEXTS
    right = Ranking([query, other], [[far, query], [other, near]])
    wrong = Ranking([query, other], [[other, near], [far, query]])
    assert nearest_loss(model, right).item() < nearest_loss(model, wrong).item()
    model.log_weights.requires_grad_(True)
    nearest_loss(model, right).backward()  # type: ignore[no-untyped-call]
    assert model.log_weights.grad is None
    assert model.topic.grad is not None


def test_what_words_say_already_need_not_be_learned(model: PieceVectors) -> None:
    queries, passages = [TEXTS[0], TEXTS[2]], [[TEXTS[2]], [TEXTS[0]]]
    plain = nearest_loss(model, Ranking(queries, passages, torch.zeros(2, 2))).item()
    told = nearest_loss(model, Ranking(queries, passages, 9 * torch.eye(2))).item()
    assert told < plain
