"""The built-in model's files, as `qa_service.retrieval.static_model` reads them.

A vector is kept in 4 bits a number, -7 to 7 times a scale of its own. Its scale is the one, of some, that
loses least; the largest numbers are cut off for it. Over the piece vectors 1.2 % of the squared length is
lost, which no test notices (docs/retrieval.md), so that twice as many pieces fit. The matrices of the context layer
(`qa_service.retrieval.context_layer`) and the adapter's basis (`qa_service.retrieval.adapter`) are kept in 8 bits a
number, with a scale a column, the adapter's codes as the vectors, for the adapted pieces in the order of all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from qa_service.retrieval.adapter import Adapter
from qa_service.retrieval.context_layer import ContextLayer
from qa_service.retrieval.static_model import ADAPTER_MATRIX, FORMAT, FORMAT_VERSION, MATRICES

_LARGEST = 7
_CUTS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # of a vector's largest number


def write_model(
    folder: Path,
    tokenizer: bytes,
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    adapter: Adapter,
    context: ContextLayer,
) -> None:
    """`vectors` are (pieces, dimension) of an even dimension, `weights` (pieces,); row 0 is the unknown
    piece's and becomes zero. The rows of the adapter may be in any order."""
    vectors, weights = vectors.copy(), weights.copy()
    vectors[0] = weights[0] = 0.0
    steps, scales = quantised(vectors)
    folder.mkdir(parents=True, exist_ok=True)
    rows = adapter.places[adapter.places >= 0]
    tensors: dict[str, NDArray[Any]] = {
        "vectors": _packed(steps),
        "scales": scales.astype(np.float16),
        "piece_weights": weights.astype(np.float16),
        "bias": context.bias,
        "adapted": np.packbits(adapter.places >= 0),
        "codes": _packed(adapter.codes[rows]),
        "codes_scales": adapter.scales[rows].astype(np.float16),
    }
    matrices = {name: getattr(context, name) for name in MATRICES} | {ADAPTER_MATRIX: adapter.basis}
    for name, matrix in matrices.items():
        tensors |= {name: matrix.steps.astype(np.int8), f"{name}_scales": matrix.scales}
    (folder / "model.safetensors").write_bytes(save(tensors))
    (folder / "tokenizer.json").write_bytes(tokenizer)
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "dimension": vectors.shape[1],
        "vocabulary": vectors.shape[0],
        "languages": ["ja", "en"],
        "licence": "CC-BY-SA-4.0",
    }
    write_json(folder / "config.json", config)


def write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def quantised(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """In 4 bits a number, and the scale of each vector."""
    steps = np.zeros(vectors.shape, dtype=np.int8)
    scales = np.zeros(len(vectors), dtype=np.float32)
    least = np.full(len(vectors), np.inf, dtype=np.float32)
    largest = np.abs(vectors).max(axis=1)
    for cut in _CUTS:
        scale = np.where(largest > 0, largest * cut / _LARGEST, 1).astype(np.float32)
        tried = np.clip(np.rint(vectors / scale[:, None]), -_LARGEST, _LARGEST)
        lost = np.square(tried * scale[:, None] - vectors).sum(axis=1)
        better = lost < least
        steps[better], scales[better], least[better] = tried[better], scale[better], lost[better]
    return steps, scales


def _packed(steps: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Column i of the first half in the low bits of a byte, i of the second half in the high ones."""
    low, high = np.split((steps + 8).view(np.uint8), 2, axis=1)
    packed: NDArray[np.uint8] = low + 16 * high
    return packed
