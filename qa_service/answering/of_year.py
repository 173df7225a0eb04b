"""What of the units that answer tells of the year that a question asks about.

The year stands in the unit, in the heading above it (令和4年度の状況), or in a sentence beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_service.answering.missing_years import subject_words, without_editions
from qa_service.answering.towns import without_town
from qa_service.answering.units import FURTHER_SHARE, Extract
from qa_service.answering.years import Years, asked_years
from qa_service.retrieval.index import Index
from qa_service.retrieval.western_years import western_years

_LEAST_SHARE = 0.6  # of the best score, where the year and all words of the subject stand together
_YEAR_FIRST = re.compile(
    r"(?:また|一方|なお|翌|In|By|For)?[、,\s]*(?:fiscal\s(?:year\s)?)?[12][0-9]{3}(?![0-9])"
)


def of_year(index: Index, question: str, scored: list[Extract]) -> list[Extract]:
    """What tells of the year that is asked about, then what tells of none, and nothing of others. Empty where something
    good tells of others, and nothing beside it of the year."""
    question = index.titles.find(question).without_title
    if not scored or not asked_years(question):
        return scored
    asked = Years.of(question)  # with those between: 2020年から2022年
    subject = subject_words(
        without_town(question, index.documents[scored[0].passage.document_id].source.metadata.title)
    )
    least = scored[0].score * FURTHER_SHARE
    speaking = _speaking(index, subject, asked, scored)
    of_it, of_others, of_none = [], [], []
    for unit in scored:
        told = _years_told(unit)
        if told.spans and not _speaks(told, asked):
            of_others.append(unit)
        elif unit.passage.id in speaking:
            of_it.append(unit)
        elif not told.spans:
            of_none.append(unit)
    if of_it and of_it[0].score >= least:
        return of_it + of_none
    good = [unit for unit in of_others if unit.score >= least]
    for unit in good:
        # 2019年の来館者数は5千人であった。2022年は8千人である: the second does not name the matter
        if named := [each for each in of_it if _goes_on(each, unit)]:
            return [*named, unit]
    if not good:
        return of_none + of_it
    # A table's row says less than a sentence: 年: 令和4年; 総人口: 12,571
    enough = scored[0].score * _LEAST_SHARE
    return [unit for unit in of_it if unit.score >= enough and subject <= subject_words(unit.text)]


def _goes_on(unit: Extract, before: Extract) -> bool:
    """2022年は8千人である: it begins with its year, in the same passage."""
    return (
        unit.passage is before.passage and _YEAR_FIRST.match(western_years(unit.text)) is not None
    )


def heading_of_year(unit: Extract) -> str:
    """The heading that says of which year a unit tells (令和4年度の状況), where that names none itself; else empty."""
    heading = "".join(unit.passage.context[-1:])
    if Years.of(unit.text).spans or not Years.of(without_editions(heading)).spans:
        return ""
    return heading


def _speaking(
    index: Index, subject: set[str], asked: Years, scored: Sequence[Extract]
) -> frozenset[str]:
    """The ids of the passages that speak of the years, with the headings above them and the document's title, and hold
    a word of the subject, if any passage does: a year's row in a table of other things is none."""
    texts = {
        unit.passage.id: "\n".join((*unit.passage.context, unit.passage.text)) for unit in scored
    }
    on_subject = {id for id, text in texts.items() if subject & subject_words(text)} or set(texts)
    titles = {
        unit.passage.id: index.documents[unit.passage.document_id].source.metadata.title
        for unit in scored
    }
    return frozenset(
        id
        for id in on_subject
        if _speaks(Years.of(without_editions(f"{titles[id]}\n{texts[id]}")), asked)
    )


def _speaks(years: Years, asked: Years) -> bool:
    """Of a year in common, or of all from one on (2015年以降)."""
    onwards = years.onwards
    return years.meets(asked) or (
        onwards is not None and any(last >= onwards for _, last in asked.spans)
    )


def _years_told(unit: Extract) -> Years:
    """Of the heading above it, where it names no year itself."""
    return Years.of(without_editions(heading_of_year(unit)) or unit.text)
