"""How common the dictionary's words are, and their spelling in kana.

JMdict lists 有難う but not ありがとう, and not how often either is written. The readings come from Sudachi, the
frequencies from wordfreq (Speer, 2022; its lists are CC BY-SA 4.0): `pip install wordfreq` to train.
What is made of the words is `everyday_sentences.py`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pair = tuple[str, str]

_RAREST = 1e-8  # of words that the lists do not have
_KANJI = re.compile(r"[\u3400-\u9fff々〆ヶ]")  # 有
_KATAKANA_TO_HIRAGANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ"))}
_ASIDE = re.compile(r"\s*\([^)]*\)\s*")  # to write (a letter, etc.)
_EMPTY = frozenset("to a an the be of in on for at by with from or and one's oneself".split())
# indicates direct object of action; suffix for familiar person
_ABOUT_GRAMMAR = re.compile(r"\b(?:indicates|suffix|prefix|particle|counter for|sentence-end)\b")
_FIRST_GLOSSES = 8  # the rest of an entry are seldom what the word means


@dataclass(frozen=True)
class Words:
    """Pairs of a Japanese form and a gloss, each with its share of use (all sum to 1)."""

    pairs: Sequence[Pair]
    shares: NDArray[np.float64]

    def sample(self, count: int, rng: np.random.Generator) -> list[Pair]:
        chosen = rng.choice(len(self.pairs), count, p=self.shares)
        return [self.pairs[int(i)] for i in chosen]


def common_words(entries: Sequence[Pair]) -> Words:
    """Headwords that the lists know, and their readings in hiragana, with single glosses.

    Each Japanese form weighs by the square root of how common it is. Its glosses share that: one
    counts less the further down the entry it stands, when its English words are rare, and, for a
    reading, when the headword is (今, now, must not be swamped by 居間, living room, for いま).
    """
    japanese, english = japanese_frequencies(), english_frequencies()
    weights: dict[Pair, float] = defaultdict(float)
    places: Counter[str] = Counter()
    readings = _readings({headword for headword, _ in entries})
    for headword, gloss in single_glosses(entries):
        place = places[headword]
        places[headword] += 1
        weight = japanese.get(headword, _RAREST) ** 0.5 * _commonness(gloss, english) / (1 + place)
        for form in dict.fromkeys((headword, readings.get(headword, headword))):
            if form in japanese and place < _FIRST_GLOSSES and not _is_grammar(form, gloss):
                weights[form, gloss] += weight
    totals: Counter[str] = Counter()
    for (form, _), weight in weights.items():
        totals[form] += weight  # type: ignore[assignment]  # typeshed counts in whole numbers
    shares = np.array(
        [weight / totals[form] * japanese[form] ** 0.5 for (form, _), weight in weights.items()]
    )
    return Words(list(weights), shares / shares.sum())


def english_frequencies() -> dict[str, float]:
    """The share of running text that each word has."""
    return _frequencies("en")


def japanese_frequencies() -> dict[str, float]:
    """The same; inflected words are cut before their endings (抱きしめ, た)."""
    return _frequencies("ja")


def _frequencies(language: str) -> dict[str, float]:
    from wordfreq import get_frequency_dict

    found: dict[str, float] = get_frequency_dict(language, wordlist="large")
    return found


def single_glosses(entries: Sequence[Pair]) -> Iterator[Pair]:
    """One pair for each gloss, without what stands in parentheses: (書く, to write), …"""
    for headword, glosses in entries:
        for gloss in glosses.split("; "):
            if plain := _ASIDE.sub(" ", gloss).strip():
                yield headword, plain


def _is_grammar(form: str, gloss: str) -> bool:
    """True for particles and endings (を, です), not for short verbs (いる, なる)."""
    if _ABOUT_GRAMMAR.search(gloss):
        return True
    short = re.fullmatch(r"[ぁ-ん]{1,2}", form) is not None  # に, から
    return short and not (
        len(form) == 2 and gloss.startswith("to ") and form[-1] in "うくぐすつぬぶむる"
    )


def _commonness(gloss: str, english: dict[str, float]) -> float:
    """By the frequency of the rarest word that carries meaning."""
    words = [word for word in re.findall(r"[a-z']+", gloss.lower()) if word not in _EMPTY]
    rarest = min((english.get(word, _RAREST) for word in words), default=_RAREST)
    return float(rarest**0.2)


def _readings(headwords: set[str]) -> dict[str, str]:
    """有難う -> ありがとう, for headwords with a Chinese character."""
    from sudachipy import Dictionary, SplitMode

    tokenizer = Dictionary().create(mode=SplitMode.C)
    return {
        headword: "".join(
            morpheme.reading_form().translate(_KATAKANA_TO_HIRAGANA)
            if _KANJI.search(morpheme.surface())
            else morpheme.surface()
            for morpheme in tokenizer.tokenize(headword)
        )
        for headword in headwords
        if len(headword) <= 8 and _KANJI.search(headword)
    }
