"""What the passages that a statement cites say, in the forms that checking it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from qa_service.answering.names import Names, alias_groups
from qa_service.answering.places import find_places
from qa_service.answering.quantities import Figures, find_figures
from qa_service.answering.quotes import squeeze
from qa_service.answering.words import clauses, content_words, letters_of, share_in_letters
from qa_service.reading.sentences import split_sentences
from qa_service.retrieval.interaction import PieceIndex
from qa_service.retrieval.language import detect_language
from qa_service.retrieval.static_model import StaticModel
from qa_service.retrieval.terms import fold
from qa_service.types import Document, Hit


class Evidence:
    """What the cited passages say, in the forms that the checks need, each made at first use."""

    def __init__(
        self, hits: Sequence[Hit], documents: Mapping[str, Document], model: StaticModel
    ) -> None:
        self._hits = hits
        self._documents = documents
        self._model = model

    @cached_property
    def quotes(self) -> tuple[str, ...]:
        return tuple(hit.citation.quote for hit in self._hits)

    @cached_property
    def text(self) -> str:
        """All that a reader of the citations finds there: words, titles, captions, notes."""
        return "\n".join(text for hit in self._hits for text in _texts(hit))

    @cached_property
    def squeezed(self) -> str:
        return squeeze(self.text)

    @cached_property
    def places(self) -> frozenset[str]:
        labels = "\n".join(
            text
            for hit in self._hits
            for text in (
                hit.citation.label,
                hit.citation.section.number,
                hit.citation.figure.label if hit.citation.figure else "",
                *(f"注{note.label}" for note in hit.citation.notes),
            )
        )
        return find_places(f"{self.text}\n{labels}")

    @cached_property
    def figures(self) -> Figures:
        return find_figures(self.text)

    @cached_property
    def names(self) -> Names:
        documents = dict.fromkeys(hit.passage.document_id for hit in self._hits)
        aliases = (alias.names for id in documents for alias in self._documents[id].aliases)
        return Names(fold(self.text), alias_groups(aliases))

    @cached_property
    def language(self) -> str:
        return detect_language("\n".join(self.quotes))

    @cached_property
    def folded(self) -> str:
        return letters_of(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(form for word in content_words(self.text) for form in word.forms)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Letters alone, see `letters_of`."""
        return tuple(
            letters_of(sentence.of(text))
            for hit in self._hits
            for text in _texts(hit)
            for sentence in split_sentences(text)
        )

    @cached_property
    def clauses(self) -> tuple[str, ...]:
        return tuple(clauses(self.text))

    def share(self, text: str) -> float:
        """MaxSim: how much of the text's piece weight the passages match, 0 to 1."""
        return float(self._pieces.shares(text)[0])

    @cached_property
    def _pieces(self) -> PieceIndex:
        return PieceIndex.of_texts([self.text], self._model)

    def pairs(self, text: str) -> float:
        """The share of the text's character pairs that stand in the passages, 0 to 1."""
        return share_in_letters(text, self.folded)


def _texts(hit: Hit) -> Iterator[str]:
    citation = hit.citation
    yield citation.quote
    yield hit.passage.text
    yield citation.section.title
    if citation.figure:
        yield citation.figure.caption
    if citation.box:
        yield citation.box.title
    for note in citation.notes:
        yield note.text
