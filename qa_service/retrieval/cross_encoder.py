"""Any cross-encoder of sentence-transformers as a reranker, classifiers and yes-or-no language models.

torch is imported here when such a model is loaded, as in `sentence_transformer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import ModelError
from qa_service.retrieval.known_models import KnownReranker, find_known_model
from qa_service.retrieval.model_loading import (
    Backend,
    first_line,
    load_whole,
    own_names,
    refuse_own_code,
)
from qa_service.retrieval.model_place import ModelPlace, locate_model

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


def load_cross_encoder(
    name_or_folder: str,
    *,
    known: Sequence[KnownReranker] = (),
    trust_remote_code: bool = False,
    device: str | None = None,
    batch_size: int = 8,
    backend: Backend = "torch",
) -> CrossEncoderReranker:
    """Raises ModelNotFoundError and ModelError as `embedding.load_embedder` says, and ModelError
    for a model that gives more than one number for a pair."""
    place = locate_model(name_or_folder)
    entry = find_known_model([name_or_folder, *own_names(place.read_json)], known)
    if not trust_remote_code:
        known_to = entry is not None and entry.trust_remote_code
        refuse_own_code(name_or_folder, place.read_json, known_to=known_to)

    def load(place: ModelPlace) -> CrossEncoder:
        from sentence_transformers import CrossEncoder

        model: CrossEncoder = CrossEncoder(
            place.path_or_name,
            device=device,
            trust_remote_code=trust_remote_code,
            local_files_only=place.cached,
            backend=backend,
        )
        return model

    model = load_whole(name_or_folder, place, load, device=device, backend=backend)
    if model.num_labels != 1:
        raise ModelError(
            f"The model {name_or_folder} gives {model.num_labels} numbers for a question and a "
            "passage, not one. It is no reranker; choose another."
        )
    if entry is not None and entry.max_length is not None:
        own = model.max_seq_length
        model.max_seq_length = min(own or entry.max_length, entry.max_length)
    return CrossEncoderReranker(
        name=name_or_folder,
        licence=entry.licence if entry else "",
        templates=Templates(entry.query_template, entry.passage_template) if entry else Templates(),
        batch_size=batch_size,
        model=model,
    )


@dataclass(frozen=True, slots=True)
class Templates:
    """What a model wants around the two texts: `{text}` stands for each."""

    query: str = "{text}"
    passage: str = "{text}"


@dataclass(frozen=True, slots=True)
class CrossEncoderReranker:
    """See `rerank.Reranker`."""

    name: str
    licence: str
    templates: Templates
    batch_size: int
    model: CrossEncoder

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        asked = self.templates.query.replace("{text}", question)
        pairs = [(asked, self.templates.passage.replace("{text}", text)) for text in texts]
        try:
            scores: Any = self.model.predict(
                pairs,
                batch_size=self.batch_size,
                show_progress_bar=False,
                activation_fn=torch.nn.Sigmoid(),
                convert_to_numpy=True,
            )
        except RuntimeError as error:  # out of memory, a wrong shape inside
            raise ModelError(
                f"The model {self.name} failed: {first_line(error)}. Choose another, or another "
                "device."
            ) from error
        checked = np.asarray(scores, dtype=np.float32)
        if checked.shape != (len(pairs),) or not np.isfinite(checked).all():
            raise ModelError(
                f"The model {self.name} gave {checked.shape} numbers for {len(pairs)} passages, or "
                "numbers that are not finite. Its files may be damaged: download it again or "
                "choose another."
            )
        return checked
