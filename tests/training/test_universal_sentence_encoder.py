"""The encoder that teaches (scripts/training/universal_sentence_encoder.py): a text reads the same in any company."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training.universal_sentence_encoder import DIMENSION, UniversalSentenceEncoder, batches

PIECES = 50
WIDTHS = (2, 3, 5)


class _Pieces:
    """Each character is a piece."""

    def encode(self, texts: list[str]) -> list[list[int]]:
        return [[3 + ord(each) % (PIECES - 3) for each in text] for text in texts]


@pytest.fixture(scope="module")
def encoder() -> UniversalSentenceEncoder:
    torch.manual_seed(0)

    def made(*shape: int) -> torch.Tensor:
        values: torch.Tensor = torch.randn(shape) * shape[0] ** -0.5
        return values

    branches = 256 * len(WIDTHS)
    features = DIMENSION + branches
    weights = {
        "projection": made(DIMENSION, branches),
        "projection_b": made(branches),
        "ln_all_g": torch.ones(branches),
        "ln_all_b": made(branches),
        "ln_g": torch.ones(features),
        "ln_b": made(features),
        "cnn_W": made(features, DIMENSION),
        "cnn_b": made(DIMENSION),
        "eps": torch.tensor(1e-6),
    }
    for width in WIDTHS:
        for layer in (1, 2):
            weights[f"w{layer}_{width}"] = made(256 * width, 256)
            weights[f"b{layer}_{width}"] = made(256)
    weights |= {name: made(DIMENSION, DIMENSION) for name in ("d0", "d1", "d2", "d3", "p1", "p3")}
    return UniversalSentenceEncoder(_Pieces(), made(PIECES, DIMENSION), weights)


def test_a_text_has_the_same_vector_alone_and_among_longer_ones(
    encoder: UniversalSentenceEncoder,
) -> None:
    texts = ["同盟", "日米同盟は強い", "", "a rather longer text than the others", "同盟"]
    together = encoder.encode(texts).astype(np.float32)
    alone = np.concatenate([encoder.encode([text]) for text in texts]).astype(np.float32)
    np.testing.assert_allclose(together, alone, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=2e-3)


def test_the_order_of_pieces_counts(encoder: UniversalSentenceEncoder) -> None:
    one, other = encoder.encode(["ab", "ba"]).astype(np.float32)
    assert one @ other < 0.99


def test_batches_hold_every_row_once_and_few_pieces() -> None:
    lengths = [7, 1, 3, 3, 9, 2]
    made = list(batches(lengths, pieces=9))
    assert sorted(row for rows in made for row in rows) == list(range(6))
    assert all(len(rows) * max(lengths[row] for row in rows) <= 9 for rows in made)
