"""What a word piece's neighbours add to the vector of a text: a layer over the static vectors.

A mean of pieces does not know their order. This layer looks at each piece between its two neighbours, as a
convolution of width three does (Kim, 2014), and adds the mean of what it sees to the mean of the pieces:

    mean of v[i] + mean of relu(v[i-1] A + v[i] B + v[i+1] C + bias) D

v A, v B and v C are made once for each different piece. Numbers of a piece and of A, B and C are kept as whole
ones, up to 8 and 127, whose products float32 adds up without rounding as long as there are no more than 2¹⁴
of them: a text has the same vector, bit for bit, alone and among others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# v A, v B and v C of some pieces, (pieces, hidden) each
Seen = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
_PLACES_AT_ONCE = 4_096  # bounds what a very long text takes


@dataclass(frozen=True, eq=False)
class ContextLayer:
    """`neighbours`, (dimension, 3 * hidden), holds A, B and C side by side as whole numbers of -127 to 127 in
    float32, times `scales`, (3 * hidden,); `bias` is (hidden,) and `output`, which is D, (hidden, dimension)."""

    neighbours: NDArray[np.float32]
    scales: NDArray[np.float32]
    bias: NDArray[np.float32]
    output: NDArray[np.float32]

    def seen(self, steps: NDArray[np.int8], scales: NDArray[np.float32]) -> Seen:
        """Of pieces whose vectors are `steps` times a scale each."""
        products = steps.astype(np.float32) @ self.neighbours
        products *= scales[:, None]
        products *= self.scales
        before, own, after = np.split(products, 3, axis=1)
        return before, own, after

    def sums(
        self,
        seen: Seen,
        places: NDArray[np.intp],
        lengths: Sequence[int],
    ) -> NDArray[np.float32]:
        """(parts, hidden): what is seen in the parts of a text, summed. The text is given as rows of `seen`, its
        parts by their lengths, one after another, each at least one."""
        before, own, after = seen
        totals = np.zeros((len(lengths), len(self.bias)), dtype=np.float32)
        starts = np.cumsum([0, *lengths[:-1]])
        for start in range(0, len(places), _PLACES_AT_ONCE):
            stop = min(start + _PLACES_AT_ONCE, len(places))
            first = int(start == 0)  # which has nothing before it
            followed = places[start + 1 : stop + 1]  # all but the last place of the text
            hidden = own[places[start:stop]]
            hidden += self.bias
            hidden[first:] += before[places[start + first - 1 : stop - 1]]
            hidden[: len(followed)] += after[followed]
            np.maximum(hidden, 0, out=hidden)
            begun, ended = np.searchsorted(starts, (start, stop - 1), side="right")
            bounds = np.maximum(starts[begun - 1 : ended], start) - start
            totals[begun - 1 : ended] += np.add.reduceat(hidden, bounds, axis=0)
        return totals

    def added(
        self, sums: NDArray[np.float32], lengths: NDArray[np.integer[Any]]
    ) -> NDArray[np.float32]:
        """(texts, dimension): what the layer adds to texts or parts of so many places, by their sums."""
        return np.asarray((sums @ self.output) / lengths[:, None], dtype=np.float32)
