"""What the commonest pieces' vectors become within a text: an adapter of low rank (LoRA, Hu et al., 2021).

MaxSim compares a piece with one piece, a text's vector adds up many, and one vector cannot serve both best. So a
common piece's vector in a text is its own plus c P, where c are some numbers of the piece and P is one matrix for
all: a quarter of the room that second vectors would take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_service.retrieval.whole_matrix import WholeMatrix, nearest_steps


@dataclass(frozen=True, eq=False)
class Adapter:
    """`places`, (vocabulary,), has of each piece its row in `codes`, -1 where nothing is added to it. `codes`,
    (adapted, rank), are whole numbers times a scale each, (adapted,); `basis`, (rank, dimension), is P."""

    places: NDArray[np.int32]
    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    basis: WholeMatrix

    def added(self, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """What some rows of `codes` add, (rows, dimension)."""
        return self.basis.times(self.codes[rows].astype(np.float32), self.scales[rows])

    def adapted(
        self, pieces: NDArray[np.int32], steps: NDArray[np.int8], scales: NDArray[np.float32]
    ) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        """The vectors of some pieces, `steps` times a scale each, as they count in a text, in the same form."""
        rows = self.places[pieces]
        some = np.flatnonzero(rows >= 0)
        vectors = steps[some].astype(np.float32)
        vectors *= scales[some][:, None]
        vectors += self.added(rows[some])
        steps, scales = steps.copy(), scales.copy()
        steps[some], scales[some] = nearest_steps(vectors)
        return steps, scales
