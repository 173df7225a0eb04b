"""Passages as word pieces, by sentence: what is matched piece by piece and what has a vector of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_service.reading.sentences import split_sentences
from qa_service.retrieval.static_model import StaticModel


@dataclass(frozen=True, slots=True)
class PassagePieces:
    """The model's ids, in order, of the headings above a passage and of each of its sentences."""

    heading: NDArray[np.int32]
    sentences: tuple[NDArray[np.int32], ...]


def cut_in_pieces(
    texts: Sequence[str], model: StaticModel, *, headings: Sequence[str] | None = None
) -> list[PassagePieces]:
    """`headings` stand above the texts, one string a text."""
    above = [""] * len(texts) if headings is None else headings
    sentences = [[each.of(text) for each in split_sentences(text)] for text in texts]
    flat = [
        part for heading, some in zip(above, sentences, strict=True) for part in (heading, *some)
    ]
    pieces = iter(model.pieces(flat))
    return [PassagePieces(next(pieces), tuple(next(pieces) for _ in some)) for some in sentences]
