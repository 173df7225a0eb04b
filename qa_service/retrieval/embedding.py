"""Texts to vectors, by the built-in model or any other: what the dense leg stands on.

The built-in model needs neither torch nor a network. Everything else goes through
`sentence_transformer`, with the prompts and limits of the `known_models` table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qa_service.retrieval.model_loading import Backend
from qa_service.retrieval.static_model import StaticModel, load_static_model

BUILTIN = "builtin"
_BUILTIN_LICENCE = "CC BY-SA 4.0"


class Embedder(Protocol):
    """Vectors are float32 rows of length 1; a text without anything known gives a zero row.

    `name` is what the user called the model. `fingerprint` is a SHA-256 (hex) over all that
    determines the vectors (weights, tokenizer, prompts, maximum length): equal fingerprints,
    equal vectors. `licence` is a short name, empty when unknown.
    """

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def licence(self) -> str: ...

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(len(texts), dimension); with the model's prompt for questions in front."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(len(texts), dimension); with the model's prompt for passages in front."""
        ...


def load_embedder(
    name_or_folder: str = BUILTIN,
    *,
    trust_remote_code: bool = False,
    device: str | None = None,
    batch_size: int = 32,
    backend: Backend = "torch",
    models_file: Path | None = None,
) -> Embedder:
    """`builtin`, the folder of a sentence-transformers model, or its name on the hub.

    A model that is in the hub's local cache is taken from there without a network. `device` is
    torch's (`cpu`, `cuda`), by default the best there is; `backend` what runs the model.
    `models_file` adds to the table of known models. Raises ModelNotFoundError when the model is
    neither here nor reachable, ModelError when it cannot be used (it wants to run code of its own,
    it is damaged).
    """
    if name_or_folder == BUILTIN:
        return BuiltinEmbedder(load_static_model())
    from qa_service.retrieval.known_models import load_known_models
    from qa_service.retrieval.sentence_transformer import load_sentence_transformer

    return load_sentence_transformer(
        name_or_folder,
        known=load_known_models(models_file),
        trust_remote_code=trust_remote_code,
        device=device,
        batch_size=batch_size,
        backend=backend,
    )


@dataclass(frozen=True)
class BuiltinEmbedder:
    """The packaged static model. It has no prompts: questions and passages are embedded alike."""

    model: StaticModel
    name: str = BUILTIN
    licence: str = _BUILTIN_LICENCE

    @property
    def fingerprint(self) -> str:
        return self.model.fingerprint

    @property
    def dimension(self) -> int:
        return self.model.dimension

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.model.encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.model.encode(texts)


def piece_model(embedder: Embedder) -> StaticModel:
    """The static model whose pieces late interaction compares, whatever embeds the passages."""
    return embedder.model if isinstance(embedder, BuiltinEmbedder) else load_static_model()
