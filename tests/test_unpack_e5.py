"""multilingual-e5-small from its package (scripts/unpack_e5.py), on a model of the smallest sizes."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from unpack_e5 import Packed, build_model, build_tokenizer, read_packed

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁a", "▁b", "▁", "a", "b"]
HIDDEN, INNER, POSITIONS = 32, 64, 16


def _tensor(
    name: str, values: NDArray[np.float32], *, quantised: bool
) -> tuple[str, int, int, bytes]:
    if not quantised:
        return name, 0, values.size, values.astype("<f4").tobytes()
    blocks = values.reshape(-1, 32)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / 7
    steps = (np.rint(blocks / scales) + 8).astype(np.uint8)
    rows = np.empty(len(blocks), np.dtype([("scale", "<f2"), ("steps", "u1", 16)]))
    rows["scale"], rows["steps"] = scales[:, 0], steps[:, :16] | steps[:, 16:] << 4
    return name, 1, values.size, rows.tobytes()


@pytest.fixture(scope="module")
def packed() -> Packed:
    """A file as the package has it, of random tensors, read again."""
    rng = np.random.default_rng(0)
    shapes = {
        "emb.word": (len(PIECES), HIDDEN),
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (2, HIDDEN),
    }
    matrices = {"q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN)}
    matrices |= {"ao": (HIDDEN, HIDDEN), "fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER)}
    shapes |= {f"l0.{part}.w": shape for part, shape in matrices.items()}
    shapes |= {f"l0.{part}.b": (shape[0], 1) for part, shape in matrices.items()}
    shapes |= {
        f"{norm}.{kind}": (HIDDEN, 1) for norm in ("emb.ln", "l0.aln", "l0.oln") for kind in "wb"
    }
    tensors = [
        _tensor(
            name, rng.normal(size=shape).astype(np.float32),
            quantised=name == "emb.word" or (name.startswith("l0") and shape[1] > 1),
        )
        for name, shape in shapes.items()
    ]  # fmt: skip
    head = b"E5S1" + struct.pack("<8i", 1, HIDDEN, 1, 4, INNER, len(PIECES), POSITIONS, 2)
    head += struct.pack("<fi", 1e-5, 32)
    blob = "".join(PIECES).encode()
    ends = np.cumsum([0, *(len(piece.encode()) for piece in PIECES)]).astype("<u4")
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob))
    head += ends.tobytes() + np.linspace(-1, -2, len(PIECES)).astype("<f4").tobytes() + blob
    head += struct.pack("<iI", 0, 0) + struct.pack("<i", len(tensors))
    start = len(head) + sum(2 + len(name) + 21 for name, *_ in tensors)
    entries, body = b"", b""
    for name, kind, count, data in tensors:
        entries += struct.pack("<H", len(name)) + name.encode()
        entries += struct.pack("<BIQQ", kind, count, start + len(body), len(data))
        body += data
    return read_packed(head + entries + body)


def test_a_file_is_read_as_it_was_written(packed: Packed) -> None:
    assert packed.sizes == (HIDDEN, 1, 4, INNER, len(PIECES), POSITIONS)
    assert list(packed.pieces) == PIECES
    assert packed.tensors["emb.word"].shape == (len(PIECES) * HIDDEN,)


def test_every_tensor_has_its_place_in_the_model(packed: Packed) -> None:
    model = build_model(packed)
    state = model.state_dict()
    word = state["embeddings.word_embeddings.weight"]
    np.testing.assert_array_equal(word.numpy().ravel(), packed.tensors["emb.word"])
    inner = state["encoder.layer.0.output.dense.weight"]
    np.testing.assert_array_equal(inner.numpy().ravel(), packed.tensors["l0.fo.w"])
    hidden = model(input_ids=torch.tensor([[0, 4, 2]])).last_hidden_state
    assert hidden.shape == (1, 3, HIDDEN)


def test_white_space_of_any_kind_is_one_space(packed: Packed) -> None:
    tokenizer = build_tokenizer(packed)
    expected = [0, 4, 5, 2]
    for text in ("a b", " a  b ", "a\nb", "a\t\nb"):
        assert tokenizer(text)["input_ids"] == expected, text
