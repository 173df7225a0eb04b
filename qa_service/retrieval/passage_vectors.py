"""Vectors for the passages of a build; each kept under the checksum of the text that it stands for.

So a vector is found again, in the generation before or in what a stopped build left, for as long
as its text and the model are the same.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_service.retrieval.embedding import Embedder
from qa_service.retrieval.generations import Stored
from qa_service.retrieval.publishing import Writer
from qa_service.retrieval.vectors import VectorIndex

_KEYS_FILE = "vectors.keys"
_KEY_BYTES = 32  # SHA-256 of the text that was embedded
_BATCH = 64

_Vectors = Mapping[bytes, NDArray[np.float32]]  # by key, each (dimension,)


@dataclass(frozen=True, slots=True)
class EmbeddedPassages:
    """`matrix` is (passages, dimension), `keys` says of which text each row is; the rest counts
    passages as `build.BuildReport` does."""

    matrix: NDArray[np.float32]
    keys: tuple[bytes, ...]
    embedded: int
    reused: int
    resumed: int

    def to_files(self) -> dict[str, bytes]:
        """Contents by file name, to be written and checksummed by `publishing`."""
        return {**VectorIndex.build(self.matrix).to_files(), _KEYS_FILE: b"".join(self.keys)}


@dataclass(frozen=True, slots=True)
class PassageEmbedding:
    """One build's way from texts to vectors; `notify` is told how many of how many are embedded.

    `previous` is the generation before, if there is one. What is embedded is saved for a later
    build every `checkpoint_seconds`, and when the user interrupts.
    """

    embedder: Embedder
    writer: Writer
    previous: Stored | None
    checkpoint_seconds: float
    notify: Callable[[int, int], None]

    def run(self, texts: Sequence[str]) -> EmbeddedPassages:
        """A vector for each text; each different text is embedded once."""
        keys = tuple(_key(text) for text in texts)
        reused = self._reusable()
        resumed = self._resumable()
        kept = {**resumed, **reused}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in kept}
        vectors = {**kept, **self._embed(missing)}
        return EmbeddedPassages(
            matrix=np.stack([vectors[key] for key in keys]),
            keys=keys,
            embedded=sum(key in missing for key in keys),
            reused=sum(key in reused for key in keys),
            resumed=sum(key in resumed and key not in reused for key in keys),
        )

    def _embed(self, texts: Mapping[bytes, str]) -> dict[bytes, NDArray[np.float32]]:
        keys = list(texts)
        vectors: dict[bytes, NDArray[np.float32]] = {}
        saved, saved_at = 0, time.monotonic()
        self.notify(0, len(keys))
        try:
            for first in range(0, len(keys), _BATCH):
                batch = keys[first : first + _BATCH]
                rows = self.embedder.encode_passages([texts[key] for key in batch])
                vectors.update(zip(batch, rows, strict=True))
                self.notify(len(vectors), len(keys))
                if time.monotonic() - saved_at >= self.checkpoint_seconds:
                    self._save(keys[saved : len(vectors)], vectors)
                    saved, saved_at = len(vectors), time.monotonic()
        except KeyboardInterrupt:
            self._save(keys[saved : len(vectors)], vectors)
            raise
        return vectors

    def _save(self, keys: Sequence[bytes], vectors: _Vectors) -> None:
        if keys:
            matrix = np.stack([vectors[key] for key in keys])
            self.writer.save_unfinished(unfinished_key(self.embedder), _pack(keys, matrix))

    def _resumable(self) -> _Vectors:
        found: dict[bytes, NDArray[np.float32]] = {}
        for data in self.writer.read_unfinished(unfinished_key(self.embedder)):
            found.update(_unpack(data))
        return found

    def _reusable(self) -> _Vectors:
        """Vectors of the generation before, if the same model made them."""
        if self.previous is None:
            return {}
        made_by = self.previous.manifest.embedder.fingerprint
        if made_by != self.embedder.fingerprint:
            return {}
        files = self.previous.files
        keys = files[_KEYS_FILE]
        starts = range(0, len(keys), _KEY_BYTES)
        matrix = VectorIndex.from_files(files).matrix.copy()
        return dict(
            zip((keys[start : start + _KEY_BYTES] for start in starts), matrix, strict=True)
        )


def unfinished_key(embedder: Embedder) -> str:
    """Where a stopped build keeps the vectors of a model."""
    return embedder.fingerprint[:16]


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _pack(keys: Sequence[bytes], matrix: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, keys=np.frombuffer(b"".join(keys), dtype=np.uint8), vectors=matrix)
    return buffer.getvalue()


def _unpack(data: bytes) -> _Vectors:
    with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
        keys = loaded["keys"].tobytes()
        rows = loaded["vectors"]
    return {keys[n * _KEY_BYTES : (n + 1) * _KEY_BYTES]: row for n, row in enumerate(rows)}
