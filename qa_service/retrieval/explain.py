"""Which words a passage shares with a question, as the passage spells them: for people to look at.
For a question in another language these are also the words that its own were looked up as.

The ranking knows more (pairs of characters, names that mean the same, meaning): see `lexical`.
"""

from __future__ import annotations

from qa_service.reading.numbering import find_labels
from qa_service.retrieval.dates import find_dates
from qa_service.retrieval.english import root_of
from qa_service.retrieval.index import Index
from qa_service.retrieval.language import detect_language
from qa_service.retrieval.search import fold_question
from qa_service.retrieval.terms import content_words, date_atoms, extract_terms
from qa_service.retrieval.western_years import era_years


def matched_terms(index: Index, question: str, text: str) -> tuple[str, ...]:
    """In the order of the passage, each once; empty when they share no word."""
    language = detect_language(question, default="en")
    folded = fold_question(index, question, language)
    wanted = set(extract_terms(folded).morphemes)
    if looked_up := index.looked_up(language):
        translations = index.look_up(folded, looked_up).translations
        wanted |= {word for each in translations for term, _ in each for word in term.split(" ")}
    found = [
        word
        for word, form in content_words(text)
        if form in wanted or root_of(word.lower()) in wanted
    ]
    labels = [label.text for label in find_labels(text) if f"={label.id}" in wanted]
    dates = [date.text for date in find_dates(text) if date_atoms(date)[-1] in wanted]
    years = [printed for printed, year in era_years(text) if f"={year}" in wanted]
    return tuple(dict.fromkeys((*labels, *dates, *years, *found)))
