"""Any sentence-transformers model as an embedder: from a folder, the hub's cache, or the hub.

torch and sentence-transformers are imported here and nowhere else, when the first such model is
loaded. A model's code is never run unless the user said so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import ModelError
from qa_service.retrieval.embedding import checked_vectors
from qa_service.retrieval.known_models import KnownModel, find_known_model
from qa_service.retrieval.model_place import (
    ModelPlace,
    ReadJson,
    locate_model,
    require_library,
    require_on_hub,
)

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_SETTING = "QA_SERVICE_TRUST_REMOTE_CODE=true"
_LIBRARY = "sentence_transformers."
# What sentence-transformers' `encode_document` looks for, in its order.
_PASSAGE_PROMPTS = ("document", "passage", "corpus")


def load_sentence_transformer(
    name_or_folder: str,
    *,
    known: Sequence[KnownModel] = (),
    trust_remote_code: bool = False,
    device: str | None = None,
    batch_size: int = 32,
) -> SentenceTransformerEmbedder:
    """Raises ModelNotFoundError and ModelError as `embedding.load_embedder` says."""
    place = locate_model(name_or_folder)
    entry = find_known_model([name_or_folder, *_own_names(place.read_json)], known)
    if not trust_remote_code:
        _refuse_own_code(name_or_folder, place.read_json, entry)
    model = _load_whole(name_or_folder, place, trust_remote_code, device)
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
                f"The model {self.name} failed: {_first_line(error)}. Choose another, or another "
                "device."
            ) from error
        return checked_vectors(vectors, name=self.name, count=len(texts), dimension=self.dimension)


def _own_names(read_json: ReadJson) -> Iterator[str]:
    """What a folder says it is a copy of."""
    config = read_json("config.json")
    if isinstance(config, Mapping):
        yield str(config.get("_name_or_path") or "")


def _refuse_own_code(name: str, read_json: ReadJson, entry: KnownModel | None) -> None:
    """A module outside the library, or classes that a configuration maps to files beside it."""
    listed = read_json("modules.json")
    entries = listed if isinstance(listed, list) else []
    modules = [module for module in entries if isinstance(module, Mapping)]
    types = [str(module.get("type")) for module in modules]
    foreign = [kind for kind in types if not kind.startswith(_LIBRARY)]
    for folder in sorted({"", *(str(module.get("path") or "") for module in modules)}):
        config = read_json(f"{folder}/config.json" if folder else "config.json")
        if isinstance(config, Mapping) and isinstance(config.get("auto_map"), Mapping):
            foreign.extend(str(value) for value in config["auto_map"].values())
    if foreign or (entry is not None and entry.trust_remote_code):
        what = f" ({foreign[0]})" if foreign else ""
        raise ModelError(
            f"The model {name} runs code of its own{what}. If you trust where it comes from, set "
            f"{_SETTING}; otherwise choose another model."
        )


def _load_whole(
    name: str, place: ModelPlace, trust_remote_code: bool, device: str | None
) -> SentenceTransformer:
    """A download that was stopped leaves half a model in the cache: go on with it then."""
    try:
        return _load(name, place, trust_remote_code, device)
    except ModelError:
        if not place.cached:
            raise
        require_on_hub(name)
        return _load(name, replace(place, cached=False), trust_remote_code, device)


def _load(
    name: str, place: ModelPlace, trust_remote_code: bool, device: str | None
) -> SentenceTransformer:
    require_library()
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            place.path_or_name,
            device=device,
            trust_remote_code=trust_remote_code,
            local_files_only=place.cached,
        )
    except MemoryError:
        raise
    except Exception as error:  # the libraries raise whatever their parts raise
        if "trust_remote_code" in str(error):
            raise ModelError(
                f"The model {name} runs code of its own. If you trust where it comes from, set "
                f"{_SETTING}; otherwise choose another model."
            ) from error
        where = f" on {device}" if device else ""
        raise ModelError(
            f"The model {name} cannot be loaded{where} ({_first_line(error)}). Its files may be "
            "incomplete: download it again, choose another, or use `builtin`."
        ) from error


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


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
