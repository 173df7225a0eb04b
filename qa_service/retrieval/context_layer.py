"""What a word piece's neighbours and its text add to the text's vector: a layer over the static vectors.

A mean of pieces does not know their order, nor in which sense a piece is meant. This layer looks at each piece
between its two neighbours, as a convolution of width three does (Kim, 2014), and in the light of what the text is
about, the mean m of its pieces at length 1, which is added to every window as in a gated or conditioned convolution:

    m' + m' E + mean of relu(v[i-1] A + v[i] B + v[i+1] C + m T + bias) D        m' the mean as it is

v A, v B and v C are made once for each different piece. All matrices are `WholeMatrix`: a text has the same vector,
bit for bit, alone and among others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_service.retrieval.runs import bounds_of
from qa_service.retrieval.unit_vectors import unit_rows
from qa_service.retrieval.whole_matrix import WholeMatrix

_PLACES_AT_ONCE = 4_096  # bounds what a very long text takes
_TOGETHER = 512  # places of short texts that are read at once: they stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Seen:
    """Of some pieces their vectors, (pieces, dimension), and v A, v B and v C, (pieces + 1, hidden) each: the last
    row is what stands before and after a text."""

    vectors: NDArray[np.float32]
    before: NDArray[np.float32]
    own: NDArray[np.float32]
    after: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ContextLayer:
    """`neighbours`, (dimension, 3 * hidden), holds A, B and C side by side; `topic`, (dimension, hidden), is T;
    `bias` is (hidden,); `output`, (hidden, dimension), is D, and `mixing`, (dimension, dimension), E."""

    neighbours: WholeMatrix
    topic: WholeMatrix
    bias: NDArray[np.float32]
    output: WholeMatrix
    mixing: WholeMatrix

    def seen(self, steps: NDArray[np.int8], scales: NDArray[np.float32]) -> Seen:
        """Of pieces whose vectors are `steps` times a scale each."""
        whole = steps.astype(np.float32)
        hidden = len(self.bias)
        made = np.zeros((3, len(steps) + 1, hidden), dtype=np.float32)
        for part, columns in zip(made, np.split(np.arange(3 * hidden), 3), strict=True):
            some = slice(columns[0], columns[-1] + 1)
            part[:-1] = self.neighbours.columns(some).times(whole, scales)
        whole *= scales[:, None]
        return Seen(whole, *made)

    def encode(
        self, seen: Seen, texts: Sequence[NDArray[np.intp]], parts: Sequence[Sequence[int]]
    ) -> NDArray[np.float32]:
        """Of each text its vector and, where it has more than one part, theirs, text after text, (rows, dimension),
        not normalised. A text is given as rows of `seen` and by the lengths of its parts; none is empty."""
        encoded = [np.zeros((0, seen.vectors.shape[1]), dtype=np.float32)]
        first = 0
        while first < len(texts):
            stop, places = first + 1, len(texts[first])
            while stop < len(texts) and places + len(texts[stop]) <= _TOGETHER:
                places += len(texts[stop])
                stop += 1
            encoded.append(self._encode_some(seen, texts[first:stop], parts[first:stop]))
            first = stop
        return np.concatenate(encoded)

    def _encode_some(
        self, seen: Seen, texts: Sequence[NDArray[np.intp]], parts: Sequence[Sequence[int]]
    ) -> NDArray[np.float32]:
        rows = np.concatenate(texts)
        bounds = bounds_of([len(text) for text in texts])
        counts = [len(some) for some in parts]
        part_lengths = np.array([length for some in parts for length in some])
        part_starts = bounds_of(part_lengths.tolist())[:-1]
        first_parts = bounds_of(counts)[:-1]
        lengths = np.concatenate([np.diff(bounds), part_lengths])

        vectors = np.add.reduceat(seen.vectors[rows], part_starts, axis=0)
        means = _means(vectors, first_parts, lengths)
        topics = self.topic.times_nearest(unit_rows(means[: len(texts)])) + self.bias
        hidden = self._hidden_sums(seen, rows, bounds, topics, part_starts)
        whole = means + self.mixing.times_nearest(means)
        whole += self.output.times_nearest(_means(hidden, first_parts, lengths))
        order: list[int] = []
        for text, (first, count) in enumerate(zip(first_parts.tolist(), counts, strict=True)):
            order.append(text)
            if count > 1:
                order += range(len(texts) + first, len(texts) + first + count)
        return whole[order]

    def _hidden_sums(
        self,
        seen: Seen,
        rows: NDArray[np.intp],
        bounds: NDArray[np.int64],
        added: NDArray[np.float32],
        part_starts: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """(parts, hidden): what is seen in each part, summed; `added` belongs to a text's every place."""
        outside = len(seen.own) - 1
        earlier, later = np.empty_like(rows), np.empty_like(rows)
        earlier[1:], later[:-1] = rows[:-1], rows[1:]
        earlier[bounds[:-1]] = later[bounds[1:] - 1] = outside
        text = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        sums = np.zeros((len(part_starts), len(self.bias)), dtype=np.float32)
        for start in range(0, len(rows), _PLACES_AT_ONCE):
            places = slice(start, start + _PLACES_AT_ONCE)
            hidden = seen.own[rows[places]]
            hidden += seen.before[earlier[places]]
            hidden += seen.after[later[places]]
            hidden += added[text[places]]
            np.maximum(hidden, 0, out=hidden)
            last = start + len(hidden) - 1
            begun, ended = np.searchsorted(part_starts, (start, last), side="right")
            starts = np.maximum(part_starts[begun - 1 : ended], start) - start
            sums[begun - 1 : ended] += np.add.reduceat(hidden, starts, axis=0)
        return sums


def _means(
    parts: NDArray[np.float32], first_parts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Of the texts, whose sums are those of their parts, and then of the parts."""
    sums = np.concatenate([np.add.reduceat(parts, first_parts, axis=0), parts])
    return np.asarray(sums / lengths[:, None], dtype=np.float32)
