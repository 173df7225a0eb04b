"""The mean of two embedding models: `average_models.py FIRST SECOND --output FOLDER`.

Training that goes on makes a model better at what it is trained for and can cost elsewhere; the mean
of both weights may keep most of either (Wortsman et al., "Model soups", 2022). The pieces are
SECOND's. One that FIRST has too takes the mean of both vectors and the geometric mean of both
weights; another keeps what SECOND has learned. The adapter and the context layer are SECOND's: train them further
on the mean with `train_embedding.py --start MEAN --context-only`. Where SECOND went on from FIRST, their layers have
a mean, too: --layer.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from training.data import sha256
from training.model_files import write_json, write_model
from training.start import LEAST_WEIGHT, start_from

from qa_service.retrieval.context_layer import ContextLayer
from qa_service.retrieval.static_model import MATRICES, load_static_model
from qa_service.retrieval.whole_matrix import WholeMatrix


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path, help="folder of the earlier model")
    parser.add_argument("second", type=Path, help="folder of the later model")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.5, help="of the second (default 0.5)")
    parser.add_argument("--layer", action="store_true", help="the mean of both context layers")
    arguments = parser.parse_args()
    average(
        arguments.first,
        arguments.second,
        arguments.output,
        share=arguments.share,
        layer=arguments.layer,
    )


def average(first: Path, second: Path, output: Path, *, share: float, layer: bool = False) -> None:
    tokenizer = Tokenizer.from_file(str(second / "tokenizer.json"))
    earlier = Tokenizer.from_file(str(first / "tokenizer.json"))
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    known = np.array([earlier.token_to_id(piece) is not None for piece, _ in pieces])
    shares = np.where(known, share, 1.0).astype(np.float32)
    old = start_from(first, tokenizer)
    model = load_static_model(second)
    new_weights = np.maximum(model.piece_weights, LEAST_WEIGHT)
    mixed = shares[:, None] * model.vectors(np.arange(len(pieces)))
    mixed += (1 - shares[:, None]) * old.vectors
    weights = np.exp(shares * np.log(new_weights) + (1 - shares) * np.log(old.weights))
    pieces_file = (second / "tokenizer.json").read_bytes()
    context = mean_layer(old.context, model.context, share) if layer else model.context
    write_model(output, pieces_file, mixed, weights, model.adapter, context)
    record = json.loads((second / "training.json").read_text(encoding="utf-8"))
    record["averaged"] = {
        "first": sha256(first / "model.safetensors"),
        "second": sha256(second / "model.safetensors"),
        "share_of_second": share,
        "layer": layer,
    }
    record["files"] = {
        name: sha256(output / name) for name in ("tokenizer.json", "model.safetensors")
    }
    write_json(output / "training.json", record)


def mean_layer(first: ContextLayer, second: ContextLayer, share: float) -> ContextLayer:
    """Number by number; both must be as wide."""

    def mean(name: str) -> WholeMatrix:
        one, other = (getattr(layer, name).numbers for layer in (first, second))
        return WholeMatrix.nearest((1 - share) * one + share * other)

    return ContextLayer(
        bias=(1 - share) * first.bias + share * second.bias,
        **{name: mean(name) for name in MATRICES},
    )


if __name__ == "__main__":
    main()
