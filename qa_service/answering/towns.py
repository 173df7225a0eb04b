"""Towns that a Japanese question names: what 青葉町's ordinances say is no answer about 緑山町."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from sudachipy import Morpheme

from qa_service.retrieval.terms import extract_terms, fold, morphemes

_UNITS = ("都", "道", "府", "県", "市", "区", "町", "村")


def asks_of_another_town(question: str, title: str, texts: Iterable[str]) -> bool:
    """Whether a document is a town's by its title, and of all the towns that the question names neither that nor any
    of the texts speaks."""
    asked = set(_towns(question))
    if not asked or not _towns_of(title):
        return False
    told = [fold(title), *map(fold, texts)]
    return not any(town in text for town in asked for text in told)


def without_town(question: str, title: str) -> str:
    """A question without the town whose a document is by its title (みどり町の人口, in みどり町統計年報): passages need
    not say so. As it is where nothing else is left."""
    town = next((each for each in _towns_of(title) if fold(title).startswith(each)), "")
    if not town or town not in question:
        return question
    rest = re.sub(rf"{re.escape(town)}(?:の|では|における|は、?)?", "", question)
    return rest if extract_terms(rest).morphemes else question


@lru_cache(maxsize=1_024)
def _towns_of(title: str) -> tuple[str, ...]:
    return tuple(_towns(title))


def _towns(text: str) -> Iterator[str]:
    """緑山町, 横浜市, 千代田区; not 同市, 国際都市, 市町村."""
    words: list[Morpheme | None] = [*morphemes(fold(text)), None]
    for word, behind in pairwise(words):
        if word is None or word.part_of_speech()[1] != "固有名詞":
            continue
        if word.surface().endswith(_UNITS):
            yield word.surface()
        elif behind is not None and behind.surface() in _UNITS:
            yield word.surface() + behind.surface()
