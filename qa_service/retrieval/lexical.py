"""The lexical leg: BM25 over two fields of terms, characters and morphemes.

A field's score is divided by the best that any passage could reach for the question (its *ideal*:
every term at full saturation), so that it says how much of the question's weight a passage holds,
between 0 and 1, and means the same for every question. BM25 as in Robertson and Zaragoza, "The
Probabilistic Relevance Framework" (2009), in Lucene's form, computed by bm25s.
"""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bm25s
import numpy as np
from numpy.typing import NDArray

from qa_service.retrieval.romanised import spelling_of
from qa_service.retrieval.terms import AtomFinder, Lookup, Terms, Translation, extract_terms

_K1, _B = 1.2, 0.75
# What more passages of a large corpus hold is not looked for, unless a question has nothing else: の and
# its like make up nine tenths of the work and tell nothing (JaQuAD, 11,144 and 20,000 passages).
_COMMON_SHARE, _COMMON_LEAST = 0.1, 1_000
_FIELDS = ("characters", "morphemes")
_NAMES = "lexical-names.json"
_ARRAYS = ("data", "indices", "indptr")  # bm25s's compressed columns


@dataclass(frozen=True, slots=True)
class _Field:
    """A BM25 matrix in compressed columns (a column a term) over `count` passages."""

    vocabulary: dict[str, int]
    matrix: bm25s.BM25
    count: int

    def scores(self, terms: Sequence[str]) -> NDArray[np.float32]:
        """Shares of the ideal score, (count,) float32 between 0 and 1. A term counts once."""
        different = list(dict.fromkeys(terms))
        common = max(_COMMON_LEAST, self.count * _COMMON_SHARE)
        asked = [term for term in different if self._count(term) <= common] or different
        known = [self.vocabulary[term] for term in asked if term in self.vocabulary]
        ideal = sum(self._best_score(term) for term in asked)
        if not known or ideal <= 0:
            return np.zeros(self.count, dtype=np.float32)
        scores: NDArray[np.float32] = self.matrix.get_scores(known)
        return np.asarray(scores / ideal, dtype=np.float32)

    def translated_scores(self, translations: Sequence[Translation]) -> NDArray[np.float32]:
        """The same for expressions that may each stand for several terms."""
        total = np.zeros(self.count, dtype=np.float32)
        ideal = 0.0
        for translation in translations:
            best = np.zeros(self.count, dtype=np.float32)
            for term, trust in _trusted(translation):
                rows, saturations = self._saturations(term)
                best[rows] = np.maximum(best[rows], trust * saturations)
            weight = self._translated_weight(translation)
            total += weight * best
            ideal += weight
        return total / ideal if ideal else total

    def translated_coverage(
        self, translations: Sequence[Translation], text: Sequence[str]
    ) -> float:
        held = set(text)
        total = ideal = 0.0
        for translation in translations:
            weight = self._translated_weight(translation)
            total += weight * max(
                (
                    trust
                    for term, trust in _trusted(translation)
                    if held.issuperset(term.split(" "))
                ),
                default=0.0,
            )
            ideal += weight
        return total / ideal if ideal else 0.0

    def _translated_weight(self, translation: Translation) -> float:
        """As rare as its translations are on the whole; one of several words as its rarest."""
        found = 0.0
        for term, probability in translation:
            found += probability * min(self._count(word) for word in term.split(" "))
        return self._weight(found)

    def coverage(self, question: Sequence[str], text: Sequence[str]) -> float:
        held = set(text)
        weights = {term: self._best_score(term) for term in set(question)}
        total = sum(weights.values())
        return sum(weight for term, weight in weights.items() if term in held) / (total or 1.0)

    def _best_score(self, term: str) -> float:
        """A term's weight at full saturation; one that no passage has weighs like the rarest."""
        start, stop = self._bounds(term)
        return self._weight(stop - start)

    def _count(self, term: str) -> int:
        """The number of passages that have it."""
        start, stop = self._bounds(term)
        return stop - start

    def _saturations(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The rows that have the term, all its words if it has several, and their scores as shares
        of the best possible one (of the word that a passage has least of)."""
        first, *further = term.split(" ")
        rows, saturations = self._word_saturations(first)
        for word in further:
            others, shares = self._word_saturations(word)
            rows, left, right = np.intersect1d(rows, others, True, return_indices=True)
            saturations = np.minimum(saturations[left], shares[right])
        return rows, saturations

    def _word_saturations(self, word: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        start, stop = self._bounds(word)
        if start == stop:
            return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
        scores = self.matrix.scores
        rows, data = scores["indices"][start:stop], scores["data"][start:stop]
        return rows, data / self._weight(stop - start)

    def _bounds(self, term: str) -> tuple[int, int]:
        """Where the term's column begins and ends."""
        column = self.vocabulary.get(term)
        if column is None:
            return 0, 0
        pointers = self.matrix.scores["indptr"]
        return int(pointers[column]), int(pointers[column + 1])

    def _weight(self, found: float) -> float:
        """By rarity: of what so many passages have."""
        return float(np.log(1 + (self.count - found + 0.5) / (found + 0.5)))


@dataclass(frozen=True, slots=True)
class LexicalIndex:
    """Both fields over the same passages, row for row; `names` are the Japanese names in them, by
    their spelling in Latin letters (see `romanised`)."""

    fields: tuple[_Field, _Field]
    names: Mapping[str, str]

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        *,
        find_atoms: AtomFinder | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> LexicalIndex:
        """Index `texts` in order; `progress` is called with the number of texts done."""
        extracted: list[Terms] = []
        for done, text in enumerate(texts, start=1):
            extracted.append(extract_terms(text, find_atoms=find_atoms))
            if progress:
                progress(done)
        return cls(
            (
                _build_field([terms.characters for terms in extracted]),
                _build_field([(*terms.morphemes, *terms.pairs) for terms in extracted]),
            ),
            _names(extracted),
        )

    def scores(self, terms: Terms) -> NDArray[np.float32]:
        """(passages,) float32 between 0 and 1: the mean of the two fields' shares of the ideal."""
        characters, morphemes = self.fields
        both = characters.scores(terms.characters) + morphemes.scores(
            (*terms.morphemes, *terms.pairs)
        )
        return np.asarray(both / 2, dtype=np.float32)

    def translated_scores(self, lookup: Lookup) -> NDArray[np.float32]:
        """(passages,) float32 between 0 and 1: how much of a question in another language a passage
        holds in translation, as a share of the ideal.

        An expression counts by its best translation, an unlikely one less, and weighs by how rare
        its translations are here.
        """
        return self.fields[_words_field(lookup)].translated_scores(lookup.translations)

    def translated_coverage(self, lookup: Lookup, text: Terms) -> float:
        """What `coverage` is for a question in the text's language, for one that was looked up."""
        place = _words_field(lookup)
        held = (text.characters, text.morphemes)[place]
        return self.fields[place].translated_coverage(lookup.translations, held)

    def coverage(self, question: Terms, text: Terms) -> float:
        """The share, 0 to 1, of the question's term weight that a text holds, indexed or not.

        Terms weigh by their rarity in this index; how often they occur, and beside which others, does not
        count.
        """
        characters, morphemes = self.fields
        shares = [
            characters.coverage(question.characters, text.characters),
            morphemes.coverage(question.morphemes, text.morphemes),
        ]
        return sum(shares) / len(shares)

    def holds(self, term: str) -> bool:
        """Whether any passage has the term."""
        return any(term in field.vocabulary for field in self.fields)

    def to_files(self) -> dict[str, bytes]:
        """Contents by file name, to be written and checksummed by `publishing`."""
        files: dict[str, bytes] = {}
        for name, field in zip(_FIELDS, self.fields, strict=True):
            files[f"lexical-{name}.json"] = json.dumps(
                {"count": field.count, "vocabulary": list(field.vocabulary)}, ensure_ascii=False
            ).encode()
            buffer = io.BytesIO()
            if field.vocabulary:
                np.savez(buffer, **{key: field.matrix.scores[key] for key in _ARRAYS})
            files[f"lexical-{name}.npz"] = buffer.getvalue()
        files[_NAMES] = json.dumps(dict(self.names), ensure_ascii=False).encode()
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> LexicalIndex:
        """The inverse of `to_files`; the bytes must have passed their checksums."""
        characters, morphemes = (
            _restore_field(files[f"lexical-{name}.json"], files[f"lexical-{name}.npz"])
            for name in _FIELDS
        )
        return cls((characters, morphemes), json.loads(files[_NAMES]))


def _words_field(lookup: Lookup) -> int:
    """Where whole words of a language are: English ones among the characters, in the singular."""
    return 0 if lookup.language == "en" else 1


def _names(texts: Sequence[Terms]) -> dict[str, str]:
    """Of names that are spelled the same the commonest."""
    found: dict[str, Counter[str]] = {}
    for (name, reading), count in Counter(each for text in texts for each in text.names).items():
        found.setdefault(spelling_of(reading), Counter())[name] += count
    return {spelling: names.most_common(1)[0][0] for spelling, names in sorted(found.items())}


def _trusted(translation: Translation) -> Iterator[tuple[str, float]]:
    """Terms with what one of them counts: the likeliest 1, others the root of their proportion."""
    likeliest = max(probability for _, probability in translation)
    for term, probability in translation:
        yield term, math.sqrt(probability / likeliest)


def _build_field(texts: Sequence[tuple[str, ...]]) -> _Field:
    vocabulary: dict[str, int] = {}
    ids = [[vocabulary.setdefault(term, len(vocabulary)) for term in terms] for terms in texts]
    matrix = bm25s.BM25(k1=_K1, b=_B, method="lucene")
    if not vocabulary:  # bm25s divides by the mean length
        return _empty_field(len(texts))
    matrix.index((ids, vocabulary), create_empty_token=False, show_progress=False)
    return _Field(vocabulary, matrix, len(texts))


def _empty_field(count: int) -> _Field:
    return _Field({}, bm25s.BM25(k1=_K1, b=_B, method="lucene"), count)


def _restore_field(description: bytes, arrays: bytes) -> _Field:
    read: dict[str, Any] = json.loads(description)
    vocabulary = {term: column for column, term in enumerate(read["vocabulary"])}
    field = _empty_field(read["count"])
    if not vocabulary:
        return field
    with np.load(io.BytesIO(arrays), allow_pickle=False) as loaded:
        field.matrix.scores = {key: loaded[key] for key in _ARRAYS}
    field.matrix.scores["num_docs"] = read["count"]
    field.matrix.vocab_dict = vocabulary
    field.matrix.nonoccurrence_array = None  # Lucene's form has none
    return _Field(vocabulary, field.matrix, read["count"])
