"""An index in memory: passages, vectors, terms and pieces of one generation, row for row.

Making one is `build`, telling whether it is out of date `staleness`, reading and writing
the files `generations` and `publishing`, searching `search`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import IndexFormatError, ModelMismatchError
from qa_service.retrieval.acronyms import AcronymTable, find_acronyms
from qa_service.retrieval.aliases import AliasTable
from qa_service.retrieval.build import (
    BuildReport,
    Progress,
    Stage,
    build_index,
    embedding_text,
    tidy_index,
)
from qa_service.retrieval.elements import Elements
from qa_service.retrieval.embedding import BuiltinEmbedder, Embedder, load_embedder, piece_model
from qa_service.retrieval.generations import Stored, load_generation
from qa_service.retrieval.interaction import PieceIndex
from qa_service.retrieval.lexical import LexicalIndex
from qa_service.retrieval.manifest import EmbedderRecord, Manifest
from qa_service.retrieval.records import records_from_files
from qa_service.retrieval.romanised import spellings_of, with_japanese_names
from qa_service.retrieval.sentence_vectors import SentenceVectors
from qa_service.retrieval.staleness import is_stale
from qa_service.retrieval.static_model import StaticModel
from qa_service.retrieval.terms import Lookup, extract_terms, fold, is_atom
from qa_service.retrieval.titles import Titles
from qa_service.retrieval.translations import TranslationTable, load_translations
from qa_service.retrieval.vectors import VectorIndex
from qa_service.retrieval.western_years import western_years
from qa_service.types import Document, Passage

__all__ = [
    "Index",
    "load_index",
    # made elsewhere, used with it:
    "build_index",
    "BuildReport",
    "Stage",
    "Progress",
    "embedding_text",
    "tidy_index",
    "is_stale",
    "Manifest",
]


_LOOKED_UP = {"en": "ja", "ja": "en", "zh": "en"}  # questions in a language, by words of another
_WORD_WEIGHT = 1.0  # about the mean of what pieces have learned to weigh
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")  # NATO, DICAS
_JAPANESE = re.compile(r"[\u3005-\u30ff\u3400-\u9fff]+")  # 普天間, キャンプ座間


@dataclass(frozen=True)
class Index:
    """Row i of every array is `passages[i]`; `rows` gives a passage's row by its id.

    `documents` are in the order of the corpus. `languages` holds each row's language (BCP 47).
    `degraded` says why this is not the newest generation, or not that of the corpus as it is now, in
    words that may be shown to anyone; empty when it is.
    """

    path: Path
    generation: str
    manifest: Manifest
    documents: Mapping[str, Document]
    passages: tuple[Passage, ...]
    rows: Mapping[str, int]
    languages: tuple[str, ...]
    aliases: AliasTable
    vectors: VectorIndex
    lexical: LexicalIndex
    pieces: PieceIndex
    sentences: SentenceVectors
    acronyms: AcronymTable
    elements: Elements
    titles: Titles
    embedder: Embedder
    degraded: tuple[str, ...] = ()

    def interaction(self, question: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """How much of a question's pieces and acronyms some passages match, (len(rows),), 0 to 1: by the
        whole passage and its best sentence."""
        weights = self._acronym_weights(question)
        held = self.acronyms.held(weights, rows)
        return self._with_acronyms(question, self.pieces.scores(question, rows), weights, held)

    def interaction_of_texts(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same for any texts as wholes, (len(texts),)."""
        weights = self._acronym_weights(question)
        held = [sum(weights.get(each, 0.0) for each in find_acronyms(text)) for text in texts]
        matched = PieceIndex.of_texts(texts, self.pieces.model).shares(question)
        return self._with_acronyms(question, matched, weights, np.array(held, dtype=np.float32))

    def _with_acronyms(
        self,
        question: str,
        matched: NDArray[np.float32],
        weights: Mapping[str, float],
        held: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        if not weights:
            return matched
        pieces = self.pieces.weight(question)
        both = (pieces * matched + held) / (pieces + sum(weights.values()))
        return np.asarray(both, dtype=np.float32)

    def _acronym_weights(self, question: str) -> dict[str, float]:
        """What the pieces of its acronyms lack of a word's weight: less for one that many passages hold, all of it
        for one that stands nowhere, nor anything that it is called."""
        asked = [*self._asked_acronyms(question), *self._absent_acronyms(question)]
        weights = {
            each: (_WORD_WEIGHT - self.pieces.weight(each)) * self.acronyms.rarity(each)
            for each in asked
        }
        return {each: weight for each, weight in weights.items() if weight > 0}

    def _absent_acronyms(self, question: str) -> list[str]:
        return [
            each
            for each in find_acronyms(question)
            if each not in self.acronyms
            and not self.lexical.holds(fold(each))
            and not any(
                self.lexical.holds(term)
                for called in self._translations.to_japanese(each)
                for term, _ in called
            )
        ]

    def _asked_acronyms(self, question: str) -> list[str]:
        """Those of a question that some passage holds; written small, too, unless it is a word (it, us)."""
        capital = [each for each in find_acronyms(question) if each in self.acronyms]
        small = [
            each
            for each in find_acronyms(question.upper(), shouted=True)
            if each in self.acronyms
            and each not in capital
            and not self._translations.knows(each.lower())
        ]
        return capital + small

    def sentence_similarities(
        self, question: str, vector: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """The cosine of a question, whose vector the embedder gave, with the nearest sentence or clause of some
        passages, (len(rows),)."""
        if not isinstance(self.embedder, BuiltinEmbedder):
            vector = self.pieces.model.encode([question])[0]
        return self.sentences.similarities(vector, rows)

    def looked_up(self, language: str) -> str | None:
        """The language that the words of questions in a language are looked up in, if any document
        is in it: Japanese for English ones, English for Japanese and Chinese ones."""
        other = _LOOKED_UP.get(language)
        return other if other in self.elements.languages else None

    def look_up(self, question: str, language: str) -> Lookup:
        """What the words of a question are called in a language, Japanese or English, with what in it reads the
        same in that language: its own words, dates, numbers of figures, names declared to be the same. Raises
        ModelError."""
        table = self._translations
        question = western_years(question)
        terms = extract_terms(question, find_atoms=self.aliases.find)
        same = [term for term in terms.morphemes if is_atom(term)]
        if language == "ja":
            found = table.to_japanese(question)
            kept = " ".join([*_JAPANESE.findall(question), *self._kept(question)])
            same += extract_terms(kept).morphemes
        else:
            names = [
                tuple((spelling, 1 / len(spellings)) for spelling in spellings)
                for name, reading in dict.fromkeys(terms.names)
                if name not in table.english and (spellings := spellings_of(reading))
            ]
            found = (*table.to_english(question), *names)
            same += extract_terms(" ".join(_LATIN.findall(question))).characters
        known = {term for each in found for term, _ in each}
        own = [((term, 1.0),) for term in dict.fromkeys(same) if term not in known]
        return Lookup(language, (*found, *own))

    def _kept(self, question: str) -> list[str]:
        """What of an English question documents write as it stands: acronyms and words that no table knows."""
        unknown = [
            word
            for word in _LATIN.findall(question)
            if not self._translations.knows(word) and self.lexical.holds(fold(word))
        ]
        kept = dict.fromkeys([*self._asked_acronyms(question), *unknown])
        return [each for each in kept if len(extract_terms(each).morphemes) == 1]

    def spell_names(self, question: str, language: str) -> str:
        """An English question with the names in it that Japanese documents hold as they stand there
        (Futenma: 普天間). Raises ModelError."""
        if self.looked_up(language) != "ja":
            return question
        is_english = self._translations.knows
        return with_japanese_names(question, self.lexical.names, is_english=is_english)

    @cached_property
    def _translations(self) -> TranslationTable:
        """Read when the first question needs it."""
        return load_translations()


def load_index(index: Path, *, embedder: Embedder | None = None, fallback: bool = True) -> Index:
    """The current generation, every byte verified; with `fallback`, the last good one in place of
    a damaged one (`degraded` says so).

    Without an `embedder`, the one that the index was built with is loaded. Raises
    IndexMissingError, IndexDamagedError (names the file), IndexFormatError, ModelMismatchError
    for another embedder than the index's, and ModelError.
    """
    stored = load_generation(index, fallback=fallback)
    record = stored.manifest.embedder
    embedder = embedder or load_embedder(record.name)
    _refuse_other_model(record, embedder)
    model = piece_model(embedder)
    if stored.manifest.piece_model != model.fingerprint:
        raise ModelMismatchError(
            stored.manifest.piece_model,
            model.fingerprint,
            "The index was built with another version of the built-in model. "
            f"Run `qa-service index{_option(embedder.name)}` to build it anew.",
        )
    try:
        return _assemble(index, stored, embedder, model)
    except (ValueError, KeyError) as error:
        raise IndexFormatError(
            index,
            f"The index in {index} is whole, but this version of qa-service cannot read it "
            f"({type(error).__name__}). Run `qa-service index{_option(embedder.name)}` to build it anew.",
        ) from error


def _assemble(index: Path, stored: Stored, embedder: Embedder, model: StaticModel) -> Index:
    files = stored.files
    documents, passages = records_from_files(files)
    by_id = {document.id: document for document in documents}
    return Index(
        path=index,
        generation=stored.generation,
        manifest=stored.manifest,
        documents=by_id,
        passages=passages,
        rows={passage.id: row for row, passage in enumerate(passages)},
        languages=tuple(
            by_id[passage.document_id].source.metadata.language for passage in passages
        ),
        aliases=AliasTable.from_documents(documents),
        vectors=VectorIndex.from_files(files),
        lexical=LexicalIndex.from_files(files),
        pieces=PieceIndex.from_files(files, model),
        sentences=SentenceVectors.from_files(files),
        acronyms=AcronymTable.from_files(files),
        elements=Elements.of(documents, passages),
        titles=Titles.of(documents),
        embedder=embedder,
        degraded=stored.degraded,
    )


def _refuse_other_model(record: EmbedderRecord, embedder: Embedder) -> None:
    if embedder.fingerprint == record.fingerprint and embedder.dimension == record.dimension:
        return
    if embedder.name == record.name:
        difference = (
            f"The index was built with another version of the model {record.name} (or other "
            "prompts or limits for it). "
        )
        other = ""
    else:
        difference = (
            f"The index was built with the model {record.name} ({record.dimension} dimensions), "
            f"not {embedder.name} ({embedder.dimension}). "
        )
        other = f", or choose `--embedder {record.name}`"
    raise ModelMismatchError(
        record.fingerprint,
        embedder.fingerprint,
        f"{difference}Run `qa-service index --embedder {embedder.name}` to build it anew{other}.",
    )


def _option(embedder: str) -> str:
    return "" if embedder == "builtin" else f" --embedder {embedder}"
