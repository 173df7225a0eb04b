"""Any sentence-transformers model as an embedder: from a folder, the hub's cache, or the hub.

torch and sentence-transformers are imported here and nowhere else, when the first such model is
loaded. A model's code is never run unless the user said so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import ModelError
from qa_service.retrieval.known_models import KnownModel, find_known_model
from qa_service.retrieval.model_loading import (
    Backend,
    first_line,
    load_whole,
    own_names,
    refuse_own_code,
)
from qa_service.retrieval.model_place import ModelPlace, locate_model
from qa_service.retrieval.unit_vectors import checked_vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# What sentence-transformers' `encode_document` looks for, in its order.
_PASSAGE_PROMPTS = ("document", "passage", "corpus")


def load_sentence_transformer(
    name_or_folder: str,
    *,
    known: Sequence[KnownModel] = (),
    trust_remote_code: bool = False,
    device: str | None = None,
    batch_size: int = 32,
    backend: Backend = "torch",
) -> SentenceTransformerEmbedder:
    """Raises ModelNotFoundError and ModelError as `embedding.load_embedder` says."""
    place = locate_model(name_or_folder)
    entry = find_known_model([name_or_folder, *own_names(place.read_json)], known)
    if not trust_remote_code:
        known_to = entry is not None and entry.trust_remote_code
        refuse_own_code(name_or_folder, place.read_json, known_to=known_to)

    def load(place: ModelPlace) -> SentenceTransformer:
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(
            place.path_or_name,
            device=device,
            trust_remote_code=trust_remote_code,
            local_files_only=place.cached,
            backend=backend,
        )

    model = load_whole(name_or_folder, place, load, device=device, backend=backend)
    prompts = _own_prompts(model.prompts) or _table_prompts(entry)
    if entry is not None and entry.max_length is not None:
        own = model.get_max_seq_length()
        model.max_seq_length = min(own or entry.max_length, entry.max_length)
    dimension = model.get_embedding_dimension()
    return SentenceTransformerEmbedder(
        name=name_or_folder,
        fingerprint=_fingerprint(model, prompts),
        dimension=dimension or _measured_dimension(model),
        licence=entry.licence if entry else "",
        prompts=prompts,
        batch_size=batch_size,
        model=model,
    )


@dataclass(frozen=True, slots=True)
class Prompts:
    """What goes in front of a text, as it is (`検索クエリ: `); empty for nothing."""

    query: str = ""
    passage: str = ""


@dataclass(frozen=True, slots=True)
class SentenceTransformerEmbedder:
    """See `embedding.Embedder`."""

    name: str
    fingerprint: str
    dimension: int
    licence: str
    prompts: Prompts
    batch_size: int
    model: SentenceTransformer

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(self.model.encode_query, texts, self.prompts.query)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(self.model.encode_document, texts, self.prompts.passage)

    def _encode(
        self, encode: Callable[..., Any], texts: Sequence[str], prompt: str
    ) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        try:
            vectors = encode(
                list(texts),
                prompt=prompt,
                batch_size=self.batch_size,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        except RuntimeError as error:  # out of memory, a wrong shape inside
            raise ModelError(
                f"The model {self.name} failed: {first_line(error)}. Choose another, or another "
                "device."
            ) from error
        return checked_vectors(vectors, name=self.name, count=len(texts), dimension=self.dimension)


def _own_prompts(prompts: Mapping[str, str | None]) -> Prompts | None:
    """The model's own configuration, when it says anything about questions or passages."""
    query = prompts.get("query") or ""
    passage = next(filter(None, map(prompts.get, _PASSAGE_PROMPTS)), "")
    return Prompts(query, passage) if query or passage else None


def _table_prompts(entry: KnownModel | None) -> Prompts:
    return Prompts(entry.query_prompt, entry.passage_prompt) if entry else Prompts()


def _measured_dimension(model: SentenceTransformer) -> int:
    return int(model.encode(["1"], show_progress_bar=False).shape[1])


def _fingerprint(model: SentenceTransformer, prompts: Prompts) -> str:
    """Weights, modules with their settings, tokenizer, prompts, length: in that order."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy())
    for module in model:
        keys = getattr(module, "config_keys", [])
        settings = [f"{key}={getattr(module, key, None)}" for key in sorted(keys)]
        digest.update(f"{type(module).__name__} {settings}\n".encode())
    digest.update(_tokenizer_content(model.tokenizer).encode())
    rest = (prompts.query, prompts.passage, model.get_max_seq_length(), model.truncate_dim)
    digest.update(repr(rest).encode())
    return digest.hexdigest()


def _tokenizer_content(tokenizer: Any) -> str:
    """A fast tokenizer's whole JSON, less what encoding sets in passing; else its vocabulary."""
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if hasattr(backend, "to_str"):
        content = json.loads(backend.to_str())
        return json.dumps({**content, "truncation": None, "padding": None}, sort_keys=True)
    return json.dumps(sorted(tokenizer.get_vocab().items()))
