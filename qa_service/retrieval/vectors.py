"""The dense leg's vectors: exact inner products by FAISS (Douze et al., 2024), no approximation.

Vectors have length 1, so that an inner product is a cosine. Making them is `embedding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import faiss

_FILE = "vectors.faiss"


class VectorIndex:
    """One vector for each passage, row for row, in a flat FAISS index.

    FAISS is imported when the first one is made: it takes a while.
    """

    def __init__(self, flat: faiss.IndexFlatIP) -> None:
        self._flat = flat
        self._matrix = _view(flat)

    @classmethod
    def build(cls, matrix: NDArray[np.float32]) -> VectorIndex:
        """`matrix` is (passages, dimension), float32, rows of length 1."""
        import faiss

        flat = faiss.IndexFlatIP(matrix.shape[1])
        flat.add(np.ascontiguousarray(matrix, dtype=np.float32))
        return cls(flat)

    def __len__(self) -> int:
        return int(self._flat.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._flat.d)

    @property
    def matrix(self) -> NDArray[np.float32]:
        """All vectors, (passages, dimension); a read-only view, nothing is copied."""
        return self._matrix

    def similarities(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosine of one vector (dimension,) with every passage, (passages,) float32.

        Numpy's product with FAISS's own memory: where all rows are wanted, FAISS would sort them.
        """
        result: NDArray[np.float32] = self._matrix @ vector
        return result

    def search(
        self,
        vector: NDArray[np.float32],
        k: int,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The rows of the `k` nearest passages and their cosines, best first.

        `allowed`, (passages,), lets only the rows through where it is true. Fewer than `k` come
        back where there are fewer.
        """
        import faiss

        chosen = None
        if allowed is not None:
            chosen = faiss.SearchParameters()
            chosen.sel = faiss.IDSelectorBatch(np.flatnonzero(allowed).astype(np.int64))
        scores, rows = self._flat.search(vector[None, :], min(k, len(self)) or 1, params=chosen)
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def to_files(self) -> dict[str, bytes]:
        """Contents by file name, to be written and checksummed by `publishing`."""
        import faiss

        return {_FILE: faiss.serialize_index(self._flat).tobytes()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> VectorIndex:
        """The inverse of `to_files`. FAISS trusts what it reads: the bytes must have passed their
        checksum. Raises ValueError for another kind of FAISS index."""
        import faiss

        flat = faiss.deserialize_index(np.frombuffer(files[_FILE], dtype=np.uint8))
        if not isinstance(flat, faiss.IndexFlatIP):
            raise ValueError(f"{_FILE} holds a {type(flat).__name__}, not an IndexFlatIP")
        return cls(flat)


def _view(flat: faiss.IndexFlatIP) -> NDArray[np.float32]:
    """FAISS's own memory as a read-only array, (passages, dimension)."""
    if not flat.ntotal:
        return np.zeros((0, flat.d), dtype=np.float32)
    return np.asarray(_Memory(flat))


class _Memory:
    """What an array of FAISS's memory stands on: it keeps the index alive as long as the array.

    See "The array interface protocol" in NumPy's reference.
    """

    def __init__(self, flat: faiss.IndexFlatIP) -> None:
        self._flat = flat
        self.__array_interface__ = {
            "version": 3,
            "shape": (flat.ntotal, flat.d),
            "typestr": np.dtype(np.float32).str,
            "data": (int(flat.get_xb()), True),  # True: read-only
        }
