"""Whether a generated statement is borne out by the passages that it cites. Pure; trusts no model.

Checked in this order; the first that fails decides:

1. Its marks name passages that were given, at least one.
2. Section, figure, note and page numbers exist in the documents. One that does not never reaches
   the user, whatever the setting.
3. Words in quotation marks stand in the cited passages, but for NFKC, spaces and punctuation.
4. Numbers, dates, names and acronyms stand there too (`quantities`, `names`).
5. The rest is matched in meaning, piece by piece (MaxSim), is no altered copy of a sentence there,
   and denies nothing that is said there (`meaning`).

What fails 3 to 5 is `not_found`: dropped or marked, as the setting says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qa_service.answering.drafts import Draft
from qa_service.answering.evidence import Evidence
from qa_service.answering.meaning import content_stands
from qa_service.answering.names import missing_name
from qa_service.answering.places import find_places
from qa_service.answering.quantities import find_figures
from qa_service.answering.quotes import squeeze, take_apart
from qa_service.retrieval.language import detect_language
from qa_service.retrieval.static_model import StaticModel
from qa_service.types import Document, Hit, Support

_STATEMENT_CHARACTERS_MAX = 1_000  # no sentence is that long, and comparing it would take seconds


@dataclass(frozen=True, slots=True)
class DraftStatement:
    """A verified statement: its text without marks, and the cited hits' places, from 0, in the
    order in which the model named them, each once."""

    text: str
    passages: tuple[int, ...]
    support: Support


class Verifier:
    """Checks drafts against hits, of which the first `given` were shown to the model.

    `keep_unsupported`: statements that are `not_found` are returned marked so, not dropped.
    """

    def __init__(
        self,
        hits: Sequence[Hit],
        *,
        documents: Mapping[str, Document],
        model: StaticModel,
        given: int | None = None,
        keep_unsupported: bool = False,
    ) -> None:
        self._hits = tuple(hits[:given])
        self._documents = documents
        self._model = model
        self._keep_unsupported = keep_unsupported
        self._known_places: dict[str, frozenset[str]] = {}

    def check(self, draft: Draft) -> DraftStatement | None:
        """The statement, or None when it must not be shown."""
        cited = tuple(mark - 1 for mark in draft.marks if 1 <= mark <= len(self._hits))
        if not cited or not any(character.isalnum() for character in draft.text):
            return None
        if len(draft.text) > _STATEMENT_CHARACTERS_MAX:
            return None
        evidence = Evidence([self._hits[place] for place in cited], self._documents, self._model)
        places = find_places(draft.text)
        if not places <= evidence.places:
            known = frozenset[str]().union(
                *(self._places_of(self._hits[place].passage.document_id) for place in cited)
            )
            if not places <= known:
                return None
            support = Support.NOT_FOUND
        else:
            support = _judge(draft.text, evidence)
        if support is Support.NOT_FOUND and not self._keep_unsupported:
            return None
        return DraftStatement(draft.text, cited, support)

    def _places_of(self, document_id: str) -> frozenset[str]:
        """Every section, figure and note number that a document has or names."""
        if document_id not in self._known_places:
            self._known_places[document_id] = document_places(self._documents[document_id])
        return self._known_places[document_id]


def document_places(document: Document) -> frozenset[str]:
    metadata = document.source.metadata
    headings = [heading.number for heading in (metadata.part, metadata.chapter) if heading]
    printed = [
        *headings,
        *(section.number for section in document.sections),
        *(figure.label for figure in document.figures),
        *(reference.label for reference in document.references),
        *(f"注{note.label}" for note in document.notes),
    ]
    return find_places(document.source.text) | find_places("\n".join(printed))


def _judge(text: str, evidence: Evidence) -> Support:
    """A statement whose section and figure numbers are the cited passages' own."""
    if any(text in quote for quote in evidence.quotes):
        return Support.EXACT
    parts = take_apart(text, evidence.language)
    supports = {_support_of_quote(quote, evidence) for quote in parts.quotes}
    if Support.NOT_FOUND in supports:
        return Support.NOT_FOUND
    support = Support.EXACT if supports == {Support.EXACT} else Support.NORMALISED
    if squeeze(text) in evidence.squeezed:
        return support
    language = detect_language(parts.outside if any(map(str.isalpha, parts.outside)) else text)
    stands = (
        not find_figures(text).missing_from(evidence.figures)
        and not missing_name(text, evidence.names, language=language)
        and content_stands(text, parts, language, evidence)
    )
    return support if stands else Support.NOT_FOUND


def _support_of_quote(quote: str, evidence: Evidence) -> Support:
    if any(quote in source for source in evidence.quotes):
        return Support.EXACT
    squeezed = squeeze(quote)
    if squeezed and squeezed in evidence.squeezed:
        return Support.NORMALISED
    return Support.NOT_FOUND
