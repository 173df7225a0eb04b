"""The losses of the last training stage: they rank passages by what the search ranks them by.

A passage matches as a whole and by its best sentence, half and half (`interaction_scores` of the
search). For JaQuAD the BM25 score is added before the softmax, so that the vectors learn what words
alone do not say (Gao et al., 2021, train pooled vectors so). The large products run in bfloat16, the
sums in float32; only the pieces that win get a gradient. Where MaxSim is to stay (--context-only), the nearest
sentence's vector is ranked by instead (`nearest_loss`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.data import Ids
from training.losses import POOLED_SCALE, THRESHOLD, PieceVectors, both_ways, pooled

RANKING_SCALE = 24.0
LEAST_GRADIENT = 1e-3  # of the largest; smaller ones are left out


@dataclass(frozen=True)
class Ranking:
    """`passages[i]` are the sentences of the passage that answers `queries[i]`.

    `lexical` and `relevance` (queries, passages), where known, are what BM25 says of them, 0 to 1, and a
    teacher's cosines.
    """

    queries: Sequence[Ids]
    passages: Sequence[Sequence[Ids]]
    lexical: Tensor | None = None
    relevance: Tensor | None = None

    def pairs(self) -> tuple[list[Ids], list[Ids]]:
        return list(self.queries), [np.concatenate(list(each)) for each in self.passages]


def ranking_loss(model: PieceVectors, batch: Ranking) -> Tensor:
    scores = RANKING_SCALE * ranking_scores(model, batch.queries, batch.passages)
    loss = both_ways(scores)
    if batch.lexical is not None:
        loss = (loss + both_ways(scores + RANKING_SCALE * batch.lexical)) / 2
    return loss


def ranking_scores(
    model: PieceVectors, queries: Sequence[Ids], passages: Sequence[Sequence[Ids]]
) -> Tensor:
    """(queries, passages), 0 to 1: the mean of MaxSim over the passage and its best sentence."""
    query_pieces, query_places = np.unique(np.concatenate(queries), return_inverse=True)
    sentences = [sentence for passage in passages for sentence in passage]
    pieces, places = np.unique(np.concatenate(sentences), return_inverse=True)
    query_index = torch.from_numpy(query_pieces.astype(np.int64))
    query_units = functional.normalize(model.vectors[query_index], dim=1)
    units = functional.normalize(model.vectors[torch.from_numpy(pieces.astype(np.int64))], dim=1)
    ends = np.cumsum([len(sentence) for sentence in sentences])[:-1]
    members = [torch.from_numpy(np.unique(rows)) for rows in np.split(places, ends)]
    best: Tensor = _BestCosines.apply(units, query_units, members)  # type: ignore[no-untyped-call]
    gains = functional.relu(best - THRESHOLD) / (1 - THRESHOLD)

    has = np.zeros((len(queries), len(query_pieces)), dtype=np.float32)
    owners = np.repeat(np.arange(len(queries)), [len(query) for query in queries])
    has[owners, query_places] = 1.0
    weights = torch.from_numpy(has) * torch.exp(model.log_weights[query_index])
    weights = weights / weights.sum(dim=1, keepdim=True)
    counts = [len(passage) for passage in passages]
    whole = torch.stack([part.amax(dim=0) for part in torch.split(gains, counts)])
    by_sentence = torch.split(weights @ gains.T, counts, dim=1)
    best_sentence = torch.stack([part.amax(dim=1) for part in by_sentence], dim=1)
    return (weights @ whole.T + best_sentence) / 2


def nearest_loss(model: PieceVectors, batch: Ranking) -> Tensor:
    """For the vectors of texts alone: the nearest sentence of the passage that answers comes nearer to the question
    than those of others, by itself and together with what words and pieces say, as the search adds them."""
    sentences = [sentence for passage in batch.passages for sentence in passage]
    vectors = pooled(model, [*batch.queries, *sentences])
    cosines = vectors[: len(batch.queries)] @ vectors[len(batch.queries) :].T
    counts = [len(passage) for passage in batch.passages]
    parts = torch.split(cosines, counts, dim=1)
    nearest = torch.stack([part.amax(dim=1) for part in parts], dim=1)
    with torch.no_grad():
        others = ranking_scores(model, batch.queries, batch.passages)
    words = batch.lexical
    together = others + nearest if words is None else others + words + nearest / 2
    return (both_ways(POOLED_SCALE * nearest) + both_ways(RANKING_SCALE * together)) / 2


class _BestCosines(torch.autograd.Function):
    """The highest cosine of each query piece in each sentence, (sentences, query pieces)."""

    @staticmethod
    def forward(ctx: Any, units: Tensor, query_units: Tensor, members: list[Tensor]) -> Tensor:
        cosines = units.bfloat16() @ query_units.bfloat16().T
        best = cosines.new_empty(len(members), cosines.shape[1])
        for n, rows in enumerate(members):
            if len(rows):
                torch.amax(cosines.index_select(0, rows), dim=0, out=best[n])
            else:
                best[n] = 0
        ctx.save_for_backward(units, query_units, cosines)
        ctx.members = members
        return best.float()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        units, query_units, cosines = ctx.saved_tensors
        (gradient,) = gradients
        kept = gradient.abs() > LEAST_GRADIENT * gradient.abs().max()
        rows, columns, values = [], [], []
        for n in torch.nonzero(kept.any(dim=1)).flatten().tolist():
            some = torch.nonzero(kept[n]).flatten()
            held = ctx.members[n]
            if len(held):
                places = cosines[held[:, None], some].float().argmax(dim=0)
                rows.append(held[places])
                columns.append(some)
                values.append(gradient[n, some])
        shape = (units.shape[0], query_units.shape[0])
        where = torch.stack([torch.cat(rows), torch.cat(columns)])
        sparse = torch.sparse_coo_tensor(
            where, torch.cat(values), shape, check_invariants=False
        ).coalesce()
        flipped = torch.sparse_coo_tensor(
            sparse.indices().flip(0), sparse.values(), shape[::-1], check_invariants=False
        )
        return (
            torch.sparse.mm(sparse.to_sparse_csr(), query_units),
            torch.sparse.mm(flipped.coalesce().to_sparse_csr(), units),
            None,
        )
