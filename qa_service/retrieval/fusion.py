"""One score from what the legs say, between 0 and 1, meaning the same for every question.

Each leg speaks in shares: lexical is the share of the question's term weight that a passage holds,
interaction (MaxSim) the share of its piece weight that is matched in meaning, dense the cosine of the
whole, translation the share of a question's words that a passage in another language holds in its
own. They are averaged with weights that depend on whether question and document are in the same
language: across languages shared words are few (acronyms, years, numbers), and meaning leads.

A leg with nothing to say gives zeros everywhere and so cannot change the order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Weights:
    """Shares of the legs in the final score; they sum to 1."""

    lexical: float
    interaction: float
    dense: float = 0.0
    translation: float = 0.0


# Both rows were chosen on articles that the embedding model never saw: questions of JaQuAD's training
# part among its 9,713 contexts (0.88 first, against 0.859 before passages were matched by their best
# sentence too), and English sentences of Kyoto articles among 15,017 Japanese paragraphs (0.91,
# against 0.867). The optimum is flat: a tenth more or less costs under one point.
SAME_LANGUAGE = Weights(lexical=0.5, interaction=0.5)
OTHER_LANGUAGE = Weights(lexical=0.3, interaction=0.5, dense=0.2)
# The most even weights among those within half a point of the best (0.93 for whole sentences, 0.54 for
# five to ten words of them), since the table knows its own articles' words better than others'.
TRANSLATED = Weights(lexical=0.25, interaction=0.4, dense=0.1, translation=0.25)
# With a transformer embedder its own similarity leads. Chosen with multilingual-e5-small by
# scripts/fit_fusion.py (300 questions over 800 passages held back, each way): 0.94 first within Japanese and
# 0.89 from English, whole and cut, the best being flat again. A model whose cosines lie further apart counts for more.
SAME_LANGUAGE_TRANSFORMER = Weights(lexical=0.3, interaction=0.2, dense=0.5)
TRANSLATED_TRANSFORMER = Weights(lexical=0.2, interaction=0.3, dense=0.4, translation=0.1)
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


def fuse(
    weights: Weights,
    *,
    lexical: NDArray[np.float32],
    interaction: NDArray[np.float32],
    dense: NDArray[np.float32],
    translation: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """The weighted mean, row for row, (candidates,) float32 between 0 and 1.

    `dense` are cosines; below 0 counts as 0.
    """
    total = weights.lexical * lexical + weights.interaction * interaction
    if weights.dense:
        total = total + weights.dense * np.clip(dense, 0, 1)
    if weights.translation and translation is not None:
        total = total + weights.translation * translation
    return np.clip(np.asarray(total, dtype=np.float32), 0, 1)
