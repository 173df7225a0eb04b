"""Whether what was found can speak of the year that a question asks about.

A passage on the same matter in another year is no answer: the year must stand beside what is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_service.answering.years import Years, asked_years
from qa_service.reading.sentences import split_sentences
from qa_service.retrieval.index import Index
from qa_service.retrieval.labels import NAMED_PART
from qa_service.retrieval.language import primary_language
from qa_service.retrieval.terms import content_words, fold
from qa_service.retrieval.western_years import ERA_STARTS, western_years
from qa_service.types import Hit, Metadata, PassageKind, SearchResult

# The passage that answers and speaks of the year has this much of the best one's score: 79 of 80 questions of JaQuAD's
# held back that name a year, where passages on the same matter in other years keep below it.
_NEAR_SHARE = 0.85
_EDITION = re.compile(r"[0-9]{4}\s?年度?版")  # 2024年版
_COUNTS = re.compile("|".join(["[0-9]|年|月|日|year", *ERA_STARTS]))


def names_missing_year(index: Index, question: str, result: SearchResult) -> bool:
    """A year of which neither a passage found near the best speaks, nor a sentence with a word of what is asked, nor
    the title. The year of an edition (令和6年版, published in 2024) is not one of which it tells."""
    called = index.titles.find(question)
    asked = asked_years(called.without_title)
    if not asked:
        return False
    hits = [hit for hit in result.hits if hit.passage.kind is not PassageKind.REFERENCE]
    foreign = _foreign(index, hits, result.language)
    if foreign[:1] != hits[:1]:
        foreign = []  # the best is in the question's language
    near = [hit.passage for hit in (*near_best(hits), *foreign)]
    texts = ["\n".join((*passage.context, passage.text)) for passage in near]
    texts += _about_the_same(question, hits)
    spoken = [Years.of(without_editions(text)) for text in texts]
    own = {passage.document_id for passage in near}
    edition = asked_years(" ".join(_EDITION.findall(western_years(question))))
    for metadata in (index.documents[document].source.metadata for document in own):
        spoken.append(Years.of(without_editions(metadata.title)))
        editions = Years.of("\n".join(_own_years(metadata)))
        spoken += [Years.of(str(year)) for year in edition if year in editions]
    return not all(any(year in years for years in spoken) for year in asked)


def _foreign(index: Index, hits: Sequence[Hit], language: str) -> list[Hit]:
    """Those in other languages, which share no words with the question."""
    spoken = (index.languages[index.rows[hit.passage.id]] for hit in hits)
    return [
        hit for hit, each in zip(hits, spoken, strict=True) if primary_language(each) != language
    ]


def _about_the_same(question: str, hits: Sequence[Hit]) -> Iterator[str]:
    """Sentences with a word of the question: 令和4年のアンケート調査では, above the passage that tells its results."""
    asked = subject_words(question)
    for hit in hits:
        for sentence in split_sentences(hit.passage.text):
            if asked & subject_words(text := sentence.of(hit.passage.text)):
                yield text


def subject_words(text: str) -> set[str]:
    """Without numbers and what counts years (年, 年度), which are words of any text."""
    return {
        form
        for surface, form in content_words(fold(western_years(text)))
        if not _COUNTS.search(surface)
    }


def near_best(hits: Sequence[Hit]) -> Iterator[Hit]:
    """Those that the search, whatever a reranker says, holds for nearly as good as the best: the year stands beside
    what is asked, not with something else. All where the question names what it asks about."""
    if not hits or hits[0].score >= NAMED_PART:
        yield from hits
        return
    scores = [hit.scores.get("fused", hit.score) for hit in hits]
    for hit, score in zip(hits, scores, strict=True):
        if score >= _NEAR_SHARE * max(scores):
            yield hit


def without_editions(text: str) -> str:
    """With western years, but for 令和6年版, which is no year that a text tells of."""
    return _EDITION.sub("", western_years(text))


def _own_years(metadata: Metadata) -> Iterator[str]:
    yield from (metadata.title, metadata.edition)
    if metadata.published:
        yield str(metadata.published.year)
