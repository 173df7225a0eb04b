"""What decides the built-in embedding model, apart from the data and the versions of libraries.

A mixture gives the share of the batches that come from each source of `batches.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STAGES = ("pooled", "interaction", "taught", "ranking")
TAUGHT = STAGES[2:]

MIXTURES: dict[str, dict[str, float]] = {
    "pooled": {
        "kyoto_sentences": 0.24,
        "everyday": 0.20,
        "glosses": 0.17,
        "gloss_strings": 0.08,
        "lexicon": 0.03,
        "jaquad": 0.06,
        "cross_paragraphs": 0.13,
        "same_paragraphs": 0.09,
    },
    "interaction": {
        "jaquad": 0.45,
        "english_questions": 0.25,
        "cross_paragraphs": 0.15,
        "same_paragraphs": 0.15,
    },
    "ranking": {
        "jaquad": 0.40,
        "english_questions": 0.25,
        "cross_paragraphs": 0.20,
        "same_paragraphs": 0.15,
    },
    # what the teacher said (teacher.py); also a second batch of each ranking step
    "taught": {
        "kyoto": 0.18,
        "everyday": 0.32,
        "glosses": 0.17,
        "strings": 0.08,
        "words": 0.05,
        "lexicon": 0.02,
        "jaquad": 0.10,
        "wordnet": 0.12,
    },
    # a second batch of each interaction step: translation goes on with the pooled loss
    "translation": {
        "glosses": 0.18,
        "common": 0.20,
        "everyday": 0.27,
        "gloss_strings": 0.07,
        "kyoto_sentences": 0.28,
    },
}


@dataclass(frozen=True)
class Recipe:
    """Steps and peak learning rates are one for each of STAGES; sizes of batches are in pairs."""

    seed: int
    steps: tuple[int, ...]
    rates: tuple[float, ...] = (0.01, 0.005, 0.003, 0.003)
    weight_rate: float = 0.01  # of the MaxSim weights, where MaxSim is learned
    context_rate: float = 0.002  # of the context layer
    mixing_rate: float = 0.0005  # of its `mixing`
    code_rate: float = 0.01  # of the adapter's codes
    vocabulary: int = 80_000
    learned_pieces: int = 48_000  # of these; the others are common words
    dimension: int = 256
    hidden: int = 512  # numbers of the context layer
    adapted: int = 7_000  # pieces, the commonest, that the adapter adds to
    rank: int = 128  # of the adapter
    longest_piece: int = 8  # characters
    pooled_batch: int = 2048
    pooled_drop: float = 0.1  # share of the pieces of a text that are left out
    interaction_batch: int = 160
    interaction_drop: float = 0.05
    ranking_batch: int = 320
    ranking_neighbours: int = 16  # paragraphs of an article that are drawn together, half the time
    translation_batch: int = 2048
    context_only: bool = False  # what MaxSim sees stays
    pooled_share: float = 1.0  # of the pooled losses beside the MaxSim loss


def draw_source(mixture: dict[str, float], rng: np.random.Generator) -> str:
    """A source by its share in the mixture."""
    names = list(mixture)
    shares = np.array([mixture[name] for name in names])
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]
