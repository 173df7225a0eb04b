"""The built-in embedding model: word pieces, one vector each, their mean and what their neighbours add.

Loads the weights that `scripts/train_embedding.py` wrote and turns texts into pieces and vectors,
with numpy alone: no torch, no network, no GPU. What a piece's neighbours add is `context_layer.py`; comparing
passages piece by piece (MaxSim) `interaction.py`; choosing between this and another embedder `embedding.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from tokenizers import Tokenizer

from qa_service.errors import ModelError
from qa_service.retrieval.adapter import Adapter
from qa_service.retrieval.clauses import clause_lengths, mark_ids
from qa_service.retrieval.context_layer import ContextLayer
from qa_service.retrieval.runs import bounds_of
from qa_service.retrieval.unit_vectors import unit_rows
from qa_service.retrieval.western_years import western_years
from qa_service.retrieval.whole_matrix import MOST_ROWS, WholeMatrix

_PACKAGED = Path(__file__).resolve().parent.parent / "models" / "builtin"
FORMAT = "qa-service static embedding"
FORMAT_VERSION = 5
MATRICES = ("neighbours", "topic", "output", "mixing")  # of the context layer
ADAPTER_MATRIX = "basis"
_UNKNOWN_ID = 0
_TEXTS_AT_ONCE = 1_000  # bounds how many different pieces the context layer prepares


@dataclass(frozen=True, eq=False)
class StaticModel:
    """Vectors are kept as whole numbers of -7 to 7 with one scale a piece: 4 bits each in the file, a byte
    in memory (10 and 20 MB, not 82).

    `fingerprint` is the SHA-256 (hex) of tokenizer.json and model.safetensors, one after the
    other: two models with the same fingerprint give the same vectors. `piece_weights`, of shape
    (vocabulary,), is what a piece of a question weighs in MaxSim, 0 or more, learned in training;
    letters and digits, into which the model spells what it does not know, weigh nothing: AI would
    match every word with an a and an i, G7 every 7. `adapter` is what a piece's vector becomes in a text,
    `context` what neighbours and the text add to the text's vector.
    """

    dimension: int
    fingerprint: str
    piece_weights: NDArray[np.float32]
    adapter: Adapter
    context: ContextLayer
    _tokenizer: Tokenizer
    _steps: NDArray[np.int8]
    _scales: NDArray[np.float32]
    _marks: frozenset[int]

    def pieces(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """The ids of each text's word pieces, in order, with western years and without what the model does not know."""
        if len(texts) == 1:  # a question, which one search asks for more than once
            return [_question_pieces(self._tokenizer, texts[0])]
        read = [western_years(text) for text in texts]
        encodings = self._tokenizer.encode_batch_fast(read, add_special_tokens=False)
        return [_known(encoding.ids) for encoding in encodings]

    def vectors(self, ids: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Piece vectors, (len(ids), dimension), not normalised."""
        result: NDArray[np.float32] = self._steps[ids].astype(np.float32)
        result *= self._scales[ids][:, None]
        return result

    def units(self, ids: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """The same at length 1, so that a product is a cosine (MaxSim)."""
        return unit_rows(self._steps[ids].astype(np.float32))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Text vectors, (len(texts), dimension), of length 1; zero for a text without pieces."""
        result = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            some = self.pieces(texts[start : start + _TEXTS_AT_ONCE])
            filled = [n for n, ids in enumerate(some) if len(ids)]
            rows = [some[n] for n in filled]
            vectors = self._encoded(rows, [[len(ids)] for ids in rows])
            result[[start + n for n in filled]] = vectors
        return result

    def encode_sentences(self, sentences: Sequence[NDArray[np.int32]]) -> list[NDArray[np.float32]]:
        """Of each sentence, given as its pieces, its own vector and, where it has more than one clause, theirs:
        (1 or more, dimension), of length 1; zero for a sentence without pieces."""
        result = [np.zeros((1, self.dimension), dtype=np.float32)] * len(sentences)
        for start in range(0, len(sentences), _TEXTS_AT_ONCE):
            some = sentences[start : start + _TEXTS_AT_ONCE]
            filled = [n for n, ids in enumerate(some) if len(ids)]
            rows = [some[n] for n in filled]
            clauses = [clause_lengths(ids.tolist(), self._marks) for ids in rows]
            vectors = self._encoded(rows, clauses)
            bounds = bounds_of([1 + len(each) if len(each) > 1 else 1 for each in clauses])
            for n, first, stop in zip(filled, bounds, bounds[1:], strict=False):
                result[start + n] = vectors[first:stop]
        return result

    def _encoded(
        self, texts: Sequence[NDArray[np.int32]], parts: Sequence[Sequence[int]]
    ) -> NDArray[np.float32]:
        """See `ContextLayer.encode`; of length 1."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        known, places = np.unique(np.concatenate(texts), return_inverse=True)
        adapted = self.adapter.adapted(known, self._steps[known], self._scales[known])
        seen = self.context.seen(*adapted)
        ends = np.cumsum([len(ids) for ids in texts])[:-1]
        return unit_rows(self.context.encode(seen, np.split(places, ends), parts))


@lru_cache(maxsize=8)
def _question_pieces(tokenizer: Tokenizer, text: str) -> NDArray[np.int32]:
    ids = _known(tokenizer.encode(western_years(text), add_special_tokens=False).ids)
    ids.setflags(write=False)
    return ids


def _known(ids: Sequence[int]) -> NDArray[np.int32]:
    row = np.array(ids, dtype=np.int32)
    known: NDArray[np.int32] = row[row != _UNKNOWN_ID]
    return known


def load_static_model(folder: Path | None = None) -> StaticModel:
    """The packaged model, or one of the same format in another folder.

    Raises ModelError, which names the file, when one is missing, damaged or of another format.
    """
    folder = _PACKAGED if folder is None else folder
    config = _read_config(folder / "config.json")
    tokenizer_bytes = _read(folder / "tokenizer.json")
    weights_bytes = _read(folder / "model.safetensors")
    tokenizer = _read_tokenizer(folder / "tokenizer.json", tokenizer_bytes)
    weights_path = folder / "model.safetensors"
    tensors = _read_tensors(weights_path, weights_bytes)
    steps = _unpacked(tensors["vectors"])
    weights = tensors["piece_weights"].astype(np.float32)
    expected = (config["vocabulary"], config["dimension"])
    if steps.shape != expected or tokenizer.get_vocab_size() != expected[0]:
        raise ModelError(
            f"{weights_path} holds {steps.shape} vectors, tokenizer.json "
            f"{tokenizer.get_vocab_size()} pieces, config.json says {expected}: the files are not "
            "of one model. Install the package again or choose another model."
        )
    weights[[id for each in ascii_lowercase + digits if (id := tokenizer.token_to_id(each))]] = 0
    digest = hashlib.sha256(tokenizer_bytes)
    digest.update(weights_bytes)
    return StaticModel(
        dimension=expected[1],
        fingerprint=digest.hexdigest(),
        piece_weights=weights,
        adapter=Adapter(
            places=_places(tensors["adapted"], expected[0]),
            codes=_unpacked(tensors["codes"]),
            scales=tensors["codes_scales"].astype(np.float32),
            basis=_matrix(tensors, ADAPTER_MATRIX),
        ),
        context=ContextLayer(
            bias=tensors["bias"],
            **{name: _matrix(tensors, name) for name in MATRICES},
        ),
        _tokenizer=tokenizer,
        _steps=steps,
        _scales=tensors["scales"].astype(np.float32),
        _marks=mark_ids(tokenizer),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise ModelError(
            f"{path} cannot be read ({reason}). Install the package again or choose another model."
        ) from error


def _read_config(path: Path) -> dict[str, int]:
    data = _read(path)
    try:
        config = json.loads(data)
        found = (config["format"], config["format_version"])
        sizes = {name: int(config[name]) for name in ("vocabulary", "dimension")}
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(path, error) from error
    if found != (FORMAT, FORMAT_VERSION):
        raise ModelError(
            f"{path} is of format {found}; this version reads {(FORMAT, FORMAT_VERSION)}. "
            "Choose a model of this format, or the version of qa_service that wrote it."
        )
    return sizes


def _read_tokenizer(path: Path, data: bytes) -> Tokenizer:
    try:
        return Tokenizer.from_buffer(data)
    except Exception as error:  # the library raises Exception itself
        raise _damaged(path, error) from error


def _read_tensors(path: Path, data: bytes) -> dict[str, NDArray[Any]]:
    """By name, of the types and shapes that belong together."""
    try:
        tensors = load_tensors(data)
        pieces, half = tensors["vectors"].shape
        (hidden,) = tensors["bias"].shape
        coded, half_rank = tensors["codes"].shape
        if max(hidden, 2 * half, 2 * half_rank) > MOST_ROWS:
            raise ValueError(f"a matrix of more than {MOST_ROWS} rows")
        expected: dict[str, tuple[str, tuple[int, ...]]] = {
            "vectors": ("uint8", (pieces, half)),
            "scales": ("float16", (pieces,)),
            "piece_weights": ("float16", (pieces,)),
            "bias": ("float32", (hidden,)),
            "adapted": ("uint8", (-(-pieces // 8),)),
            "codes": ("uint8", (coded, half_rank)),
            "codes_scales": ("float16", (coded,)),
        }
        wide, rank = 2 * half, 2 * half_rank
        shapes = ((wide, 3 * hidden), (wide, hidden), (hidden, wide), (wide, wide), (rank, wide))
        for name, shape in zip((*MATRICES, ADAPTER_MATRIX), shapes, strict=True):
            expected[name] = ("int8", shape)
            expected[f"{name}_scales"] = ("float32", shape[1:])
        for name, kind in expected.items():
            found = (str(tensors[name].dtype), tensors[name].shape)
            if found != kind:
                raise ValueError(f"{name} is {found}, not {kind}")
        if np.unpackbits(tensors["adapted"])[:pieces].sum() != coded:
            raise ValueError(f"adapted does not name {coded} pieces")
    except (SafetensorError, KeyError, ValueError) as error:
        raise _damaged(path, error) from error
    return tensors


def _unpacked(packed: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Two numbers of 4 bits a byte, the first half of the columns in the low ones, 8 for 0."""
    half = packed.shape[1]
    steps = np.empty((len(packed), 2 * half), dtype=np.int8)
    np.bitwise_and(packed, 15, out=steps[:, :half], casting="unsafe")
    np.right_shift(packed, 4, out=steps[:, half:], casting="unsafe")
    steps -= 8
    return steps


def _matrix(tensors: Mapping[str, NDArray[Any]], name: str) -> WholeMatrix:
    return WholeMatrix(tensors[name].astype(np.float32), tensors[f"{name}_scales"])


def _places(adapted: NDArray[np.uint8], vocabulary: int) -> NDArray[np.int32]:
    """A bit a piece says whether it is adapted; the codes are in the order of the pieces."""
    bits = np.unpackbits(adapted)[:vocabulary].astype(np.int32)
    return np.where(bits, np.cumsum(bits) - 1, -1).astype(np.int32)


def _damaged(path: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{path} is damaged ({error}). Install the package again or choose another model."
    )
