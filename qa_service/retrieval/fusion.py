"""One score from what the legs say, between 0 and 1, meaning the same for every question.

Each leg speaks in shares: lexical is the share of the question's term weight that a passage holds,
interaction (MaxSim) the share of its piece weight that is matched in meaning, sentence the cosine with the
nearest sentence or clause of the passage, dense that with the whole of it, translation the share of a
question's words that a passage in another language holds in its own. They are averaged with weights that
depend on whether question and document are in the same language: across languages shared words are few
(acronyms, years, numbers), and meaning leads.

A leg with nothing to say gives zeros everywhere and so cannot change the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Weights:
    """Shares of the legs in the score, by the legs' names; they sum to 1."""

    lexical: float = 0.0
    interaction: float = 0.0
    sentence: float = 0.0
    dense: float = 0.0
    translation: float = 0.0


# Chosen on articles that the embedding model never saw: questions of JaQuAD's training part among its 9,713
# contexts (0.898 first), and 1,000 English sentences of Kyoto articles, whole and cut to five to ten words, among
# 15,017 Japanese paragraphs (0.962 and 0.578). The optimum is flat: of the weights within half a point of the best
# these are among the most even ones, since the table of translations and the model know their own articles' words
# better than others'.
SAME_LANGUAGE = Weights(lexical=0.45, interaction=0.35, sentence=0.2)
TRANSLATED = Weights(lexical=0.25, interaction=0.3, sentence=0.3, translation=0.15)
# The Kyoto sentences without looking their words up: 0.942 and 0.488 of the first 500.
OTHER_LANGUAGE = Weights(lexical=0.3, interaction=0.4, sentence=0.3)
# With a transformer embedder its own similarity counts, too, and across languages leads. Chosen with
# multilingual-e5-small by scripts/fit_fusion.py (300 questions over 800 passages held back, each way), whose best is
# flat again: 0.957 first within Japanese and 0.83 from English, whole and cut. A model whose cosines lie further
# apart counts for more.
SAME_LANGUAGE_TRANSFORMER = Weights(lexical=0.25, interaction=0.2, sentence=0.25, dense=0.3)
TRANSLATED_TRANSFORMER = Weights(
    lexical=0.15, interaction=0.2, sentence=0.1, dense=0.45, translation=0.1
)
OTHER_LANGUAGE_TRANSFORMER = Weights(lexical=0.1, interaction=0.2, dense=0.7)  # not measured


def choose_weights(*, same_language: bool, translated: bool = False, transformer: bool) -> Weights:
    """`translated`: the question's words were looked up in the document's language.
    `transformer`: the embedder is not the built-in one, so its similarity says more than the
    built-in pieces already do."""
    if same_language:
        return SAME_LANGUAGE_TRANSFORMER if transformer else SAME_LANGUAGE
    if translated:
        return TRANSLATED_TRANSFORMER if transformer else TRANSLATED
    return OTHER_LANGUAGE_TRANSFORMER if transformer else OTHER_LANGUAGE


def fuse(weights: Weights, legs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """The weighted mean of what the legs say, row for row, (candidates,) float32 between 0 and 1.

    `legs` go by the names in `Weights`, lexical among them; one that is not there says nothing, and a cosine below
    0 counts as 0.
    """
    total = np.zeros_like(legs["lexical"])
    for each in fields(weights):
        if (weight := getattr(weights, each.name)) and each.name in legs:
            total += weight * np.clip(legs[each.name], 0, 1)
    return np.clip(total, 0, 1)
