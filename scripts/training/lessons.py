"""The texts that the teachers read (teacher.py): what each lesson is made of.

Without the articles held back.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qa_service.reading.sentences import split_sentences
from training.data import (
    EVERYDAY_SENTENCES,
    held_back_kyoto,
    read_jmdict,
    read_kyoto,
    read_lexicon,
    training_contexts,
)
from training.everyday_sentences import everyday_sentences
from training.wordnet import WORDNET, read_wordnet, wordnet_texts
from training.words import (
    common_words,
    english_frequencies,
    japanese_frequencies,
    single_glosses,
)

KYOTO_PAIRS, EVERYDAY_PAIRS, STRINGS = 120_000, 300_000, 60_000
WORDS = 60_000  # of each language

Pair = tuple[str, str]


def lesson_texts(folder: Path, *, seed: int) -> dict[str, tuple[Sequence[str], ...]]:
    """One list of texts a lesson, or one in Japanese and one in English."""
    rng = np.random.default_rng([seed, 5])
    rows = read_kyoto(folder)
    back = held_back_kyoto(rows)
    kyoto = [(row.ja, row.en) for row in rows if row.article not in back]
    jmdict = read_jmdict(folder)
    glosses = list(single_glosses(jmdict))
    everyday = everyday_sentences(
        common_words(jmdict), read_wordnet(), EVERYDAY_SENTENCES, np.random.default_rng(seed)
    )
    contexts = training_contexts(folder)
    japanese = [each.of(one.text) for one in contexts for each in split_sentences(one.text)]
    japanese += [question for context in contexts for question in context.questions]
    return {
        "kyoto": _two_lists(_sample(kyoto, KYOTO_PAIRS, rng)),
        "everyday": _two_lists(_sample(everyday, EVERYDAY_PAIRS, rng)),
        "glosses": _two_lists(glosses),
        "strings": _two_lists([_string(glosses, rng) for _ in range(STRINGS)]),
        "lexicon": _two_lists(read_lexicon(folder)),
        "words": ([*_commonest(english_frequencies()), *_commonest(japanese_frequencies())],),
        "jaquad": (japanese,),
        "wordnet": (list(wordnet_texts(WORDNET, rng)),),
    }


def _commonest(frequencies: dict[str, float]) -> list[str]:
    return sorted(frequencies, key=lambda word: (-frequencies[word], word))[:WORDS]


def _two_lists(pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    return [ja for ja, _ in pairs], [en for _, en in pairs]


def _sample(pairs: Sequence[Pair], count: int, rng: np.random.Generator) -> list[Pair]:
    return [pairs[int(i)] for i in rng.choice(len(pairs), min(count, len(pairs)), replace=False)]


def _string(glosses: Sequence[Pair], rng: np.random.Generator) -> Pair:
    """Two to six dictionary entries in a row."""
    chosen = [glosses[int(i)] for i in rng.integers(0, len(glosses), int(rng.integers(2, 7)))]
    return "、".join(ja for ja, _ in chosen), ", ".join(en for _, en in chosen)
