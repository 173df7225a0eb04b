"""The losses of the built-in embedding model, and the model's trainable form.

Pooled: the mean of the piece vectors and what the context layer adds, against those of the other texts in the
batch, in both directions (multiple negatives ranking loss, Henderson et al., 2017). Late interaction: MaxSim
(ColBERT, Khattab and Zaharia, 2020) over the same static vectors, with one learned weight a piece.

MaxSim needs no product per pair of texts here, since a piece has one vector wherever it stands:
the similarities between the distinct pieces of all queries and of all passages are computed once,
and a passage then takes the maximum over its own rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from qa_service.retrieval.adapter import Adapter
from qa_service.retrieval.context_layer import ContextLayer
from qa_service.retrieval.whole_matrix import WholeMatrix
from training.data import Ids, Pairs
from training.model_files import quantised

POOLED_SCALE = 20.0
INTERACTION_SCALE = 30.0
RELEVANCE_SCALE = 100.0  # that of the teacher's own training
INPUT_SCALE = 4.0  # of the vectors for the context layer: its numbers then stay near 1
TOPIC_SCALE = 16.0  # the same for a text's mean at length 1
BASIS_LENGTH = 0.3  # of the rows of the adapter's basis at first
THRESHOLD = 0.2  # a cosine up to this says nothing; the search subtracts the same


class PieceVectors(nn.Module):
    """One vector and one MaxSim weight (kept as its logarithm) for each word piece, the context layer
    (`qa_service.retrieval.context_layer`) and the adapter (`qa_service.retrieval.adapter`), which add nothing at first.
    `log_lengths` lengthens a vector and does not turn it, which MaxSim does not notice, as it does not notice the
    adapter."""

    places: Tensor

    def __init__(
        self, vocabulary: int, dimension: int, hidden: int, *, adapted: int = 0, rank: int = 2
    ) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(vocabulary, dimension) * 0.1)
        self.log_lengths = nn.Parameter(torch.zeros(vocabulary, 1))
        self.log_weights = nn.Parameter(torch.zeros(vocabulary))
        self.register_buffer("places", torch.full((vocabulary,), -1))
        self.codes = nn.Parameter(torch.zeros(min(adapted, vocabulary), rank))
        self.basis = nn.Parameter(torch.randn(rank, dimension) * BASIS_LENGTH / dimension**0.5)
        self.neighbours = nn.Parameter(torch.randn(dimension, 3 * hidden) * 0.5 / dimension**0.5)
        self.topic = nn.Parameter(torch.zeros(dimension, hidden))
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.output = nn.Parameter(torch.zeros(hidden, dimension))
        self.mixing = nn.Parameter(torch.zeros(dimension, dimension))

    @property
    def layer(self) -> dict[str, nn.Parameter]:
        """What the context layer learns."""
        names = ("neighbours", "topic", "bias", "output", "mixing")
        return {name: getattr(self, name) for name in names}

    def lengthened(self) -> NDArray[np.float32]:
        """The vectors as they are used, (vocabulary, dimension)."""
        return np.asarray((self.vectors * self.log_lengths.exp()).detach().numpy())

    def context_layer(self) -> ContextLayer:
        """With the whole numbers that come nearest to what it has learned."""
        learned = {name: each.detach().numpy() for name, each in self.layer.items()}
        return ContextLayer(
            neighbours=WholeMatrix.nearest(np.float32(INPUT_SCALE) * learned["neighbours"]),
            topic=WholeMatrix.nearest(np.float32(TOPIC_SCALE) * learned["topic"]),
            bias=learned["bias"],
            output=WholeMatrix.nearest(learned["output"]),
            mixing=WholeMatrix.nearest(learned["mixing"]),
        )

    def adapter(self) -> Adapter:
        """With the whole numbers that come nearest to what it has learned."""
        codes, scales = quantised(self.codes.detach().numpy())
        places = self.places.numpy().astype(np.int32)
        return Adapter(places, codes, scales, WholeMatrix.nearest(self.basis.detach().numpy()))

    def adapt(self, shares: NDArray[np.float64]) -> None:
        """Beside those that are adapted already, those with the largest `shares`, (vocabulary,), as many as there is
        room for; the unknown piece never."""
        places = self.places.numpy()
        open_to = np.where((places < 0) & (np.arange(len(places)) > 0), shares, -np.inf)
        free = np.setdiff1d(np.arange(len(self.codes)), places)[: int(np.isfinite(open_to).sum())]
        places[np.argsort(-open_to, kind="stable")[: len(free)]] = free

    def start_adapter(self, adapter: Adapter) -> None:
        """From an earlier model's, where that adapts any piece; ValueError for one of another rank, or with more
        codes than there is room for."""
        adapted = np.flatnonzero(adapter.places >= 0)
        if not len(adapted):
            return
        if len(adapter.basis.steps) != len(self.basis) or len(adapted) > len(self.codes):
            raise ValueError(
                f"the earlier model adapts {len(adapted)} pieces by rank {len(adapter.basis.steps)}; "
                f"there is room for {len(self.codes)} by rank {len(self.basis)}"
            )
        rows = adapter.places[adapted]
        with torch.no_grad():
            self.places[torch.from_numpy(adapted)] = torch.arange(len(adapted))
            codes = adapter.codes[rows] * adapter.scales[rows][:, None]
            self.codes[: len(adapted)] = torch.from_numpy(codes)
            self.basis.copy_(torch.from_numpy(adapter.basis.numbers))

    def start_context(self, layer: ContextLayer) -> None:
        """From an earlier model's, which may be narrower: what it lacks has yet to learn what to add."""
        hidden = len(layer.bias)
        dimension = len(self.mixing)
        before = (torch.from_numpy(layer.neighbours.numbers) / INPUT_SCALE).view(
            dimension, 3, hidden
        )
        with torch.no_grad():
            self.neighbours.view(dimension, 3, -1)[:, :, :hidden] = before
            self.topic[:, :hidden] = torch.from_numpy(layer.topic.numbers) / TOPIC_SCALE
            self.bias[:hidden] = torch.from_numpy(layer.bias)
            self.output[:hidden] = torch.from_numpy(layer.output.numbers)
            self.mixing.copy_(torch.from_numpy(layer.mixing.numbers))

    def start_weights(self, frequency: Tensor, texts: int) -> None:
        """Inverse document frequency times the norm that the pooled loss has learned, mean 1."""
        with torch.no_grad():
            rarity = torch.log((texts + 1) / (frequency + 1)).clamp(min=0.05)
            weights = rarity * self.vectors.norm(dim=1).clamp(min=1e-3)
            self.log_weights.copy_(torch.log(weights / weights.mean()))


def pooled(model: PieceVectors, texts: Sequence[Ids]) -> Tensor:
    """Unit vectors, (texts, dimension); a text without pieces is as good as the unknown one."""
    nothing = np.zeros(1, dtype=np.int32)
    texts = [text if len(text) else nothing for text in texts]
    lengths = np.array([len(text) for text in texts])
    starts = np.cumsum(lengths) - lengths
    pieces, places = np.unique(np.concatenate(texts).astype(np.int64), return_inverse=True)
    known = torch.from_numpy(pieces)
    vectors = functional.embedding(known, model.vectors)
    vectors = vectors * functional.embedding(known, model.log_lengths).exp()
    codes = model.places[known]
    some = (codes >= 0).nonzero()[:, 0]
    vectors = vectors.index_add(
        0, some, functional.embedding(codes[some], model.codes) @ model.basis
    )
    rows, bags = torch.from_numpy(places), torch.from_numpy(starts)
    means = functional.embedding_bag(rows, vectors, bags, mode="mean")
    topics = TOPIC_SCALE * functional.normalize(means, dim=1) @ model.topic + model.bias
    counts = torch.from_numpy(lengths)
    hidden = _between_neighbours(model, vectors, rows, bags)
    hidden = functional.relu(hidden + topics.repeat_interleave(counts, dim=0))
    added = torch.segment_reduce(hidden, "mean", lengths=counts, axis=0)
    return functional.normalize(means + means @ model.mixing + added @ model.output, dim=1)


def _between_neighbours(
    model: PieceVectors, vectors: Tensor, rows: Tensor, starts: Tensor
) -> Tensor:
    """Each place's own product and its neighbours', (places, hidden); `rows` are those of `vectors`."""
    count, hidden = len(vectors), len(model.bias)
    products = (INPUT_SCALE * vectors).bfloat16() @ model.neighbours.bfloat16()
    table = products.float().view(count, 3, hidden).transpose(0, 1).reshape(3 * count, hidden)
    outside = 3 * count  # a row of nothing, before the first piece of a text and after the last
    table = torch.cat([table, table.new_zeros(1, hidden)])
    before, after = torch.roll(rows, 1), torch.roll(rows, -1) + 2 * count
    before[starts] = after[starts - 1] = outside
    three = torch.stack([before, rows + count, after], dim=1)
    return functional.embedding_bag(three, table, mode="sum")


def pooled_loss(model: PieceVectors, pairs: Pairs, relevance: Tensor | None = None) -> Tensor:
    """With a teacher's cosines, (queries, answers), half of what is to be found is what they say."""
    queries, answers = pairs
    means = pooled(model, [*queries, *answers])  # one look-up: one gradient as large as the model
    scores = POOLED_SCALE * means[: len(queries)] @ means[len(queries) :].T
    loss = both_ways(scores)
    if relevance is not None:
        judged = RELEVANCE_SCALE * relevance
        taught = functional.cross_entropy(scores, judged.softmax(dim=1))
        loss = (
            loss + (taught + functional.cross_entropy(scores.T, judged.T.softmax(dim=1))) / 2
        ) / 2
    return loss


def interaction_loss(model: PieceVectors, pairs: Pairs) -> Tensor:
    queries, answers = pairs
    return both_ways(INTERACTION_SCALE * interaction_scores(model, queries, answers))


def interaction_scores(
    model: PieceVectors, queries: Sequence[Ids], passages: Sequence[Ids]
) -> Tensor:
    """MaxSim, (queries, passages), 0 to 1 - THRESHOLD.

    For each different query piece its highest cosine with a piece of the passage, less the
    threshold and not below 0, weighted by the learned weight of the query piece; divided by the sum
    of the weights.
    """
    query_pieces, query_places = np.unique(np.concatenate(queries), return_inverse=True)
    passage_pieces, passage_places = np.unique(np.concatenate(passages), return_inverse=True)
    query_index = torch.from_numpy(query_pieces.astype(np.int64))
    passage_index = torch.from_numpy(passage_pieces.astype(np.int64))
    query_units = functional.normalize(model.vectors[query_index], dim=1)
    passage_units = functional.normalize(model.vectors[passage_index], dim=1)
    cosines = passage_units @ query_units.T
    ends = np.cumsum([len(passage) for passage in passages])[:-1]
    members = [torch.from_numpy(np.unique(rows)) for rows in np.split(passage_places, ends)]
    best: Tensor = _GroupMaximum.apply(cosines, members)  # type: ignore[no-untyped-call]
    gains = functional.relu(best - THRESHOLD)

    has = np.zeros((len(queries), len(query_pieces)), dtype=np.float32)
    owners = np.repeat(np.arange(len(queries)), [len(query) for query in queries])
    has[owners, query_places] = 1.0
    weights = torch.from_numpy(has) * torch.exp(model.log_weights[query_index])
    return (weights / weights.sum(dim=1, keepdim=True)) @ gains.T


class _GroupMaximum(torch.autograd.Function):
    """Column-wise maximum of each group of rows: (rows, columns) to (groups, columns).

    Only the winners get a gradient, so the backward pass touches groups x columns numbers rather
    than all that were compared.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, groups: list[Tensor]) -> Tensor:
        best = values.new_empty(len(groups), values.shape[1])
        winners = torch.empty(len(groups), values.shape[1], dtype=torch.long)
        for n, rows in enumerate(groups):
            maximum, place = values.index_select(0, rows).max(dim=0)
            best[n] = maximum
            winners[n] = rows[place]
        ctx.save_for_backward(winners)
        ctx.rows = values.shape[0]
        return best

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (winners,) = ctx.saved_tensors
        (gradient,) = gradients
        result = gradient.new_zeros(ctx.rows, gradient.shape[1])
        result.scatter_add_(0, winners, gradient)
        return result, None


def both_ways(scores: Tensor) -> Tensor:
    """Cross entropy of finding the answer for each query and the query for each answer."""
    labels = torch.arange(scores.shape[0])
    return (
        functional.cross_entropy(scores, labels) + functional.cross_entropy(scores.T, labels)
    ) / 2
