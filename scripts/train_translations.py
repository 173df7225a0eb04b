"""Learn which English expressions and Japanese words stand for each other: `train_translations.py DATA`.

DATA is the data folder; only train/ is read, without the articles held back. From sentence pairs, terms of
the lexicon and glosses of the dictionary, IBM's model 1 (Brown et al., "The Mathematics of Statistical
Machine Translation", 1993) learns in both directions how likely a Japanese term is to be the
translation of an English expression, and the other way; a pair's strength is the geometric mean of
both, so that a term that merely stands about (an article's subject) falls behind. Expressions of several words are
those that occur together far more often than by chance (normalised pointwise mutual information), and
of the others those that the dictionary gives for a Japanese word: human rights, Ministry of Defense.

Writes translations.npz.xz to the built-in model's folder. Takes about five minutes and 10 GB of memory, and needs
`pip install wordfreq`.
"""

from __future__ import annotations

import argparse
import itertools
import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from training.data import held_back_kyoto, read_jmdict, read_kyoto, read_lexicon
from training.words import english_frequencies, japanese_frequencies, single_glosses

from qa_service.retrieval.expressions import EXPRESSION_MAX_WORDS, all_expressions, words_of
from qa_service.retrieval.terms import content_units, extract_terms
from qa_service.retrieval.translations import (
    FILE_NAME,
    OTHERS_MAX,
    SHARE_MIN,
    TranslationTable,
)

PACKAGED = Path(__file__).resolve().parent.parent / "qa_service/models/builtin"
LONGEST = 32  # different expressions or terms of a pair; longer ones are left out
ROUNDS = 5
NULL = 1e-4  # the weight of being the translation of nothing
PHRASE_USES, PHRASE_TOGETHER = (
    8,
    0.35,
)  # least count and normalised information of a longer expression
WORD_USES, TERM_USES = 3, 3
TOLD = 60_000  # expressions of the dictionary
TOLD_STRENGTH = (
    0.03  # less than anything learned: a word is seldom called so (方針, magnetic needle)
)
UNITS_MAX = 4  # of a Japanese word that they translate
ASIDE_WORDS = re.compile(r"^\(([a-z]+(?: [a-z]+)?)\)")  # (outer) space; not (esp. in Tokyo)
LEAST_FREQUENCY = 1e-9  # of a word that the lists do not have
PIECE = 50_000  # pairs whose terms are crossed at once


@dataclass(frozen=True)
class Pairs:
    """Texts as sets of numbers; `expressions` and `terms` say what the numbers mean."""

    english: list[NDArray[np.int32]]
    japanese: list[NDArray[np.int32]]
    expressions: list[str]
    terms: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="data folder with train/")
    parser.add_argument("--output", type=Path, default=PACKAGED, help="folder to write to")
    arguments = parser.parse_args()
    pairs = number(*read_texts(arguments.data))
    say(
        f"{len(pairs.english):,} pairs, {len(pairs.expressions):,} expressions, {len(pairs.terms):,} terms"
    )
    learned = list(align(pairs))
    known = {expression for expression, _, _ in learned}
    told = dictionary_expressions(arguments.data, known)
    table = TranslationTable.of([*learned, *told])
    data = table.to_bytes()
    (arguments.output / FILE_NAME).write_bytes(data)
    say(f"{len(table):,} expressions, {len(data):,} bytes")


def say(text: str) -> None:
    print(f"{time.process_time():6.0f} s  {text}", flush=True)


# Texts ------------------------------------------------------------------------------------------


def read_texts(data: Path) -> tuple[list[list[str | None]], list[set[str]]]:
    """English words and Japanese terms of every pair."""
    rows = read_kyoto(data)
    back = held_back_kyoto(rows)
    texts = [(row.ja, row.en) for row in rows if row.article not in back]
    texts += read_lexicon(data)
    texts += single_glosses(read_jmdict(data))
    say(f"{len(texts):,} pairs read")
    english = [words_of(en) for _, en in texts]
    japanese = [{term for term in extract_terms(ja).morphemes if term[0] != "="} for ja, _ in texts]
    return english, japanese


def number(english: Sequence[Sequence[str | None]], japanese: Sequence[set[str]]) -> Pairs:
    """With what occurs often enough to be learned."""
    counts = Counter[str]()
    for words in english:
        counts.update(set(all_expressions(words)))
    kept = (each for each, count in counts.items() if _is_kept(each, count, counts, len(english)))
    expressions = {each: place for place, each in enumerate(sorted(kept))}
    uses = Counter(itertools.chain.from_iterable(japanese))
    terms = {
        each: place
        for place, each in enumerate(sorted(t for t, n in uses.items() if n >= TERM_USES))
    }
    pairs = Pairs([], [], list(expressions), list(terms))
    for words, held in zip(english, japanese, strict=True):
        left = {expressions[each] for each in all_expressions(words) if each in expressions}
        right = {terms[each] for each in held if each in terms}
        if 0 < len(left) <= LONGEST and 0 < len(right) <= LONGEST:
            pairs.english.append(np.array(sorted(left), dtype=np.int32))
            pairs.japanese.append(np.array(sorted(right), dtype=np.int32))
    return pairs


def _is_kept(expression: str, count: int, counts: Counter[str], total: int) -> bool:
    words = expression.split()
    if len(words) == 1:
        return count >= WORD_USES
    if count < PHRASE_USES:
        return False
    by_chance = sum(math.log(counts[word] / total) for word in words)
    together = math.log(count / total)
    return (together - by_chance) / (-(len(words) - 1) * together) >= PHRASE_TOGETHER


# Dictionary -------------------------------------------------------------------------------------


def dictionary_expressions(data: Path, known: Set[str]) -> Iterator[tuple[str, str, float]]:
    """Whole glosses of several words that are not `known`, with the words they are glosses of, a word of
    several units as all of these. Those whose words are the commonest, in either language."""
    japanese, english = japanese_frequencies(), english_frequencies()
    found: dict[str, dict[str, float]] = {}
    for headword, gloss in dictionary_glosses(read_jmdict(data)):
        expression = whole_expression(gloss)
        if expression is None or expression in known:
            continue
        units = short_units(headword)
        if 0 < len(units) <= UNITS_MAX:
            rarest = min(japanese.get(unit, LEAST_FREQUENCY) for unit in units)
            words = min(english.get(word, LEAST_FREQUENCY) for word in expression.split())
            terms = found.setdefault(expression, {})
            term = " ".join(units)
            terms[term] = max(terms.get(term, 0), math.sqrt(rarest * words))
    commonest = sorted(found, key=lambda each: (-max(found[each].values()), each))
    for expression in commonest[:TOLD]:
        total = sum(map(math.sqrt, found[expression].values()))
        likeliest = sorted(found[expression].items(), key=lambda each: -each[1])
        for term, common in likeliest[:OTHERS_MAX]:
            yield expression, term, TOLD_STRENGTH * math.sqrt(common) / total


def dictionary_glosses(entries: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Single glosses, and those with an aside in front once more with it: (outer) space."""
    yield from single_glosses(entries)
    for headword, glosses in entries:
        for gloss in glosses.split("; "):
            if ASIDE_WORDS.match(gloss):
                yield headword, ASIDE_WORDS.sub(r"\1", gloss)


def whole_expression(gloss: str) -> str | None:
    """The expression that a gloss is, if it is one of several words: the human rights."""
    words = words_of(gloss)
    while words and words[0] is None:
        del words[0]
    while words and words[-1] is None:
        del words[-1]
    known = [word for word in words if word is not None]
    if len(known) < len(words) or not 2 <= len(known) <= EXPRESSION_MAX_WORDS:
        return None
    return " ".join(known)


def short_units(word: str) -> list[str]:
    """防衛省: 防衛 and 省."""
    return [part for unit, parts in content_units(word) for part in parts or (unit,)]


# Alignment --------------------------------------------------------------------------------------


def align(pairs: Pairs) -> Iterator[tuple[str, str, float]]:
    """Expressions and terms with the strength of their bond: the likeliest of each, either way."""
    lefts = np.array([len(each) for each in pairs.english])
    rights = np.array([len(each) for each in pairs.japanese])
    unique, inverse = crossed(pairs)
    expression = (unique // len(pairs.terms)).astype(np.int32)
    term = (unique % len(pairs.terms)).astype(np.int32)
    say(f"{len(inverse):,} crossings, {len(unique):,} different ones")
    sizes = lefts * rights
    within = np.arange(len(inverse)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    wide = np.repeat(lefts, sizes)
    place_of_term = (np.repeat(np.cumsum(rights) - rights, sizes) + within // wide).astype(np.int32)
    place_of_expression = (np.repeat(np.cumsum(lefts) - lefts, sizes) + within % wide).astype(
        np.int32
    )
    del within, wide
    forth = model_1(inverse, place_of_term, expression)
    back = model_1(inverse, place_of_expression, term)
    both = np.sqrt(forth * back)
    kept = (forth > 1e-3) & (back > 1e-3)
    expression, term, both = expression[kept], term[kept], both[kept]
    best = _likeliest(expression, both) | _likeliest(term, both)
    for left, right, strength in zip(expression[best], term[best], both[best], strict=True):
        yield pairs.expressions[left], pairs.terms[right], float(strength)


def _likeliest(entries: NDArray[np.int32], strengths: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pairs are among the likeliest of their entry."""
    order = np.lexsort((-strengths, entries))
    bounds = np.flatnonzero(np.r_[True, np.diff(entries[order]) != 0, True])
    kept = np.zeros(len(entries), dtype=np.bool_)
    for start, stop in itertools.pairwise(bounds.tolist()):
        best = order[start : min(stop, start + OTHERS_MAX)]
        kept[best] = strengths[best] >= SHARE_MIN * strengths[best].sum()
    return kept


def crossed(pairs: Pairs) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Every expression with every term of its pair, as one number: the different ones, and which
    of them stands at each crossing; terms outside, expressions inside."""
    width = len(pairs.terms)
    pieces = []
    for start in range(0, len(pairs.english), PIECE):
        sides = zip(
            pairs.english[start : start + PIECE], pairs.japanese[start : start + PIECE], strict=True
        )
        crossings = [
            (en[None, :].astype(np.int64) * width + ja[:, None]).ravel() for en, ja in sides
        ]
        pieces.append(np.concatenate(crossings))
    unique, inverse = np.unique(np.concatenate(pieces), return_inverse=True)
    return unique, inverse.astype(np.int32)


def model_1(
    crossings: NDArray[np.int32], made: NDArray[np.int32], maker: NDArray[np.int32]
) -> NDArray[np.float32]:
    """For each different crossing, how likely its maker (by number) makes what is made.

    `made` gives the place in the texts that each crossing wants to explain.
    """
    likely = (1 / np.bincount(maker)[maker]).astype(np.float32)
    for _ in range(ROUNDS):
        share = likely[crossings]
        total = np.bincount(made, weights=share) + NULL
        share /= total[made].astype(np.float32)
        counts = np.bincount(crossings, weights=share, minlength=len(maker))
        likely = (counts / np.bincount(maker, weights=counts)[maker]).astype(np.float32)
        say("a round")
    return likely


if __name__ == "__main__":
    main()
