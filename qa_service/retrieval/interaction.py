"""Late interaction: a passage is matched piece by piece against the question (MaxSim).

The built-in model's vectors are those of its word pieces, so every piece of the question can look
for its nearest piece in a passage, as ColBERT does (Khattab and Zaharia, 2020), but without a
transformer: a passage is stored as piece ids, and one matrix product of the question's pieces with
the corpus's different pieces answers for all passages.

A question is seldom answered by words from all over a long passage, so its best sentence counts as
much as the whole, as passages do for documents in Dai and Callan (2019). The headings above a
passage belong to each of its sentences.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_service.retrieval.passage_pieces import PassagePieces, cut_in_pieces
from qa_service.retrieval.runs import bounds_of, places_of
from qa_service.retrieval.static_model import StaticModel

_NOISE = 0.2  # cosines up to here are chance: any two pieces of Japanese text reach them
_SENTENCE_SHARE = 0.5  # of the best sentence in `scores`; the rest is the whole passage's
_LIGHT = 0.05  # of the heaviest piece
_QUESTION_PIECES = 128  # the heaviest; a question of a hundred words has as many
_BLOCK = 65_536  # pieces of passages at once: what a table of 20,000 rows takes stays bounded
_SAMPLE = 8  # passages that tell how rare a question piece is here
_DOUBT = 5  # as many more passages are taken to match nothing
_LEAST = 1e-9
_FILE = "pieces.npz"
_NOTHING = 0  # the model's unknown piece: a zero vector


@dataclass(frozen=True, slots=True)
class PieceIndex:
    """The pieces of every passage, in groups: its headings first, then each of its sentences.

    `vocabulary` (different pieces,) are the model's ids of the pieces that occur; `pieces` holds
    positions in it, group after group; group i has `pieces[starts[i] : starts[i + 1]]`, in no order
    and each piece once, `_NOTHING` where there would be none. Passage i has the groups
    `passages[i]` to `passages[i + 1] - 1`. `units` (different pieces, dimension) are their unit
    vectors.
    """

    model: StaticModel
    vocabulary: NDArray[np.int32]
    pieces: NDArray[np.int32]
    starts: NDArray[np.int64]
    passages: NDArray[np.int64]
    units: NDArray[np.float32]

    @classmethod
    def build(cls, passages: Sequence[PassagePieces], model: StaticModel) -> PieceIndex:
        """`model` is the one that cut them."""
        nothing = np.array([_NOTHING], dtype=np.int32)
        rows = [
            np.unique(ids) if len(ids) else nothing
            for passage in passages
            for ids in (passage.heading, *passage.sentences)
        ]
        together = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int32)
        vocabulary, pieces = np.unique(together, return_inverse=True)
        return cls(
            model,
            vocabulary.astype(np.int32),
            pieces.astype(np.int32),
            bounds_of([len(row) for row in rows]),
            bounds_of([1 + len(passage.sentences) for passage in passages]),
            model.units(vocabulary),
        )

    @classmethod
    def of_texts(cls, texts: Sequence[str], model: StaticModel) -> PieceIndex:
        """A few texts without headings."""
        return cls.build(cut_in_pieces(texts, model), model)

    def __len__(self) -> int:
        return len(self.passages) - 1

    def scores(self, query: str, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """How much of the question's weight each passage matches, float32 between 0 and 1.

        One score for each of `rows` (all passages when None): the mean of the whole passage and its
        best sentence. Every question piece counts with its highest cosine there, less chance,
        weighted by the model's learned piece weight.
        """
        chosen = self._rows(rows)
        question, weights = self._question(query)
        if not len(chosen) or not len(question):
            return np.zeros(len(chosen), dtype=np.float32)
        sample = _sample(len(self))
        matched, firsts = self._matched(question, np.concatenate([sample, chosen]))
        whole = np.maximum.reduceat(matched, firsts)
        weights = weights * (1 - whole[: len(sample)].sum(axis=0) / (len(sample) + _DOUBT))
        weights = weights / max(float(weights.sum()), _LEAST)
        counts = np.diff(firsts, append=len(matched))
        headed = np.maximum(matched, np.repeat(matched[firsts], counts, axis=0)) @ weights
        best = np.maximum.reduceat(headed, firsts)
        scores = (1 - _SENTENCE_SHARE) * (whole @ weights) + _SENTENCE_SHARE * best
        return np.asarray(scores[len(sample) :], dtype=np.float32)

    def shares(self, query: str, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """The share of the text's piece weight that each whole passage matches, 0 to 1.

        Unlike `scores`, it is the same whatever else the index holds, and a statement may stand on
        several sentences.
        """
        chosen = self._rows(rows)
        question, weights = self._question(query)
        if not len(chosen) or not len(question):
            return np.zeros(len(chosen), dtype=np.float32)
        matched, firsts = self._matched(question, chosen)
        shares = np.maximum.reduceat(matched, firsts) @ (weights / weights.sum())
        return np.asarray(shares, dtype=np.float32)

    def weight(self, query: str) -> float:
        """What the question's different pieces weigh together."""
        return float(self._question(query)[1].sum())

    def _rows(self, rows: NDArray[np.int64] | None) -> NDArray[np.int64]:
        return np.arange(len(self), dtype=np.int64) if rows is None else rows

    def _question(self, query: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Its different pieces that weigh enough to matter, and what they weigh.

        A third of a question's pieces (の, the) hold 2 % of its weight and cost as much as others.
        """
        pieces = np.unique(self.model.pieces([query])[0])
        weights = self.model.piece_weights[pieces]
        kept = np.flatnonzero(weights > _LIGHT * weights.max(initial=0.0))
        if len(kept) > _QUESTION_PIECES:
            kept = kept[np.argsort(-weights[kept], kind="stable")[:_QUESTION_PIECES]]
        return pieces[kept], weights[kept]

    def _matched(
        self, question: NDArray[np.int32], passages: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """How well each group of some passages has each question piece, (groups, question pieces),
        0 to 1, and where among them the groups of each passage begin."""
        counts = self.passages[passages + 1] - self.passages[passages]
        groups = places_of(self.passages[passages], counts)
        lengths = self.starts[groups + 1] - self.starts[groups]
        places = places_of(self.starts[groups], lengths)
        cosines, held = self._cosines(question, self.pieces[places])
        firsts = np.cumsum(lengths) - lengths
        best = np.empty((len(groups), len(question)), dtype=np.float32)
        for block in _blocks(lengths):
            start, stop = firsts[block.start], firsts[block.stop - 1] + lengths[block.stop - 1]
            best[block] = np.maximum.reduceat(
                cosines[held[start:stop]], firsts[block] - start, axis=0
            )
        return _above_chance(best), np.cumsum(counts) - counts

    def _cosines(
        self, question: NDArray[np.int32], pieces: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Cosines (different pieces among `pieces`, question pieces), and each piece's row there.

        A few hundred candidates hold a fraction of a large corpus's pieces: only those are looked at.
        """
        present = np.zeros(len(self.vocabulary), dtype=np.bool_)
        present[pieces] = True
        rows = np.cumsum(present) - 1
        held = self.units.take(np.flatnonzero(present), axis=0)  # faster than with a mask
        return held @ self.model.units(question).T, rows[pieces]

    def missing(self, query: str, row: int, *, worst: int = 3) -> float:
        """How much of the question's weightiest pieces a passage lacks, between 0 and 1.

        The mean over the `worst` pieces of (weight, as a share of the highest, times what is not
        matched): near 1 when the very subject of the question is not in the passage.
        """
        question, weights = self._question(query)
        if not len(question):
            return 1.0
        start, stop = self.starts[self.passages[row : row + 2]]
        held = self.units[self.pieces[start:stop]]
        best = (held @ self.model.units(question).T).max(axis=0, initial=0.0)
        unmatched = 1 - _above_chance(best)
        lacking = np.sort(weights / weights.max() * unmatched)[::-1]
        return float(lacking[:worst].mean())

    def to_files(self) -> dict[str, bytes]:
        """Contents by file name, to be written and checksummed by `publishing`."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            vocabulary=self.vocabulary,
            pieces=self.pieces,
            starts=self.starts,
            passages=self.passages,
        )
        return {_FILE: buffer.getvalue()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], model: StaticModel) -> PieceIndex:
        """The inverse of `to_files`; `model` must be the one that cut the pieces."""
        with np.load(io.BytesIO(files[_FILE]), allow_pickle=False) as loaded:
            vocabulary = loaded["vocabulary"]
            return cls(
                model,
                vocabulary,
                loaded["pieces"],
                loaded["starts"],
                loaded["passages"],
                model.units(vocabulary),
            )


def _above_chance(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.clip((cosines - _NOISE) / (1 - _NOISE), 0, 1), dtype=np.float32)


def _sample(count: int) -> NDArray[np.int64]:
    """At most _SAMPLE row numbers, evenly spread; always the same of an index."""
    return np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.int64)


def _blocks(lengths: NDArray[np.int64]) -> Iterator[slice]:
    """Neighbours that hold about _BLOCK together; one that holds more stands alone or at an end."""
    numbers = (np.cumsum(lengths) - 1) // _BLOCK
    bounds = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(lengths)]
    for start, stop in itertools.pairwise(bounds):
        yield slice(start, stop)
