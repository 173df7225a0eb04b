"""Where a sentence falls into clauses: what a question asks for stands in one of them more often than in all."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tokenizers import Tokenizer

_MARKS = "、,;"  # what a clause ends with, after NFKC
_FEWEST = 10  # pieces of a clause: shorter ones say too little by themselves


def mark_ids(tokenizer: Tokenizer) -> frozenset[int]:
    """The pieces that end a clause."""
    ids = (tokenizer.token_to_id(mark) for mark in _MARKS)
    return frozenset(each for each in ids if each is not None)


def clause_lengths(ids: Sequence[int], marks: Collection[int]) -> list[int]:
    """How many pieces each clause has, in order: all of the sentence, its marks too.

    A run shorter than ten pieces goes with the next one, the last one with
    the one before.
    """
    lengths: list[int] = []
    start = 0
    for place, piece in enumerate(ids, start=1):
        if piece in marks and place - start >= _FEWEST:
            lengths.append(place - start)
            start = place
    rest = len(ids) - start
    if lengths and rest < _FEWEST:
        lengths[-1] += rest
    elif rest:
        lengths.append(rest)
    return lengths
