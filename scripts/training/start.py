"""Vectors for a new tokenizer's pieces from an earlier model's.

A piece that the earlier model has keeps its vector and weight. One that it spells with several
starts from the mean of their vectors and the sum of their weights. The adapter goes on for the pieces that both have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from qa_service.retrieval.adapter import Adapter
from qa_service.retrieval.context_layer import ContextLayer
from qa_service.retrieval.static_model import load_static_model

LEAST_WEIGHT = 1e-3


@dataclass(frozen=True, eq=False)
class Start:
    """`vectors`, (pieces, dimension), and `weights`, (pieces,), in the order of the new tokenizer's ids, with what
    goes with them."""

    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]
    adapter: Adapter
    context: ContextLayer


def start_from(folder: Path, tokenizer: Tokenizer) -> Start:
    model = load_static_model(folder)
    earlier = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    vectors = np.zeros((len(pieces), model.dimension), dtype=np.float32)
    weights = np.full(len(pieces), LEAST_WEIGHT, dtype=np.float32)
    places = np.full(len(pieces), -1, dtype=np.int32)
    for piece, row in pieces:
        same = earlier.token_to_id(piece)
        ids = model.pieces([piece])[0] if same is None else np.array([same])
        if len(ids):
            vectors[row] = model.vectors(ids).mean(axis=0)
            weights[row] = max(float(model.piece_weights[ids].sum()), LEAST_WEIGHT)
        if same is not None:
            places[row] = model.adapter.places[same]
    return Start(vectors, weights, replace(model.adapter, places=places), model.context)
