"""The mean of two embedding models: `average_models.py FIRST SECOND --output FOLDER`.

Training that goes on makes a model better at what it is trained for and can cost elsewhere; the mean
of both weights may keep most of either (Wortsman et al., "Model soups", 2022). The pieces are
SECOND's. One that FIRST has too takes the mean of both vectors and the geometric mean of both
weights; another keeps what SECOND has learned.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from embedding_data import sha256
from embedding_files import write_json, write_model
from embedding_start import start_vectors
from tokenizers import Tokenizer

from qa_service.retrieval.static_model import load_static_model

_LEAST_WEIGHT = 1e-6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path, help="folder of the earlier model")
    parser.add_argument("second", type=Path, help="folder of the later model")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.5, help="of the second (default 0.5)")
    arguments = parser.parse_args()
    average(arguments.first, arguments.second, arguments.output, share=arguments.share)


def average(first: Path, second: Path, output: Path, *, share: float) -> None:
    tokenizer = Tokenizer.from_file(str(second / "tokenizer.json"))
    earlier = Tokenizer.from_file(str(first / "tokenizer.json"))
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    known = np.array([earlier.token_to_id(piece) is not None for piece, _ in pieces])
    shares = np.where(known, share, 1.0).astype(np.float32)
    old_vectors, old_weights = start_vectors(first, tokenizer)
    model = load_static_model(second)
    new_weights = np.maximum(model.piece_weights, _LEAST_WEIGHT)
    mixed = shares[:, None] * model.vectors(np.arange(len(pieces)))
    mixed += (1 - shares[:, None]) * old_vectors
    weights = np.exp(shares * np.log(new_weights) + (1 - shares) * np.log(old_weights))
    write_model(output, (second / "tokenizer.json").read_bytes(), mixed, weights)
    record = json.loads((second / "training.json").read_text(encoding="utf-8"))
    record["averaged"] = {
        "first": sha256(first / "model.safetensors"),
        "second": sha256(second / "model.safetensors"),
        "share_of_second": share,
    }
    record["files"] = {
        name: sha256(output / name) for name in ("tokenizer.json", "model.safetensors")
    }
    write_json(output / "training.json", record)


if __name__ == "__main__":
    main()
