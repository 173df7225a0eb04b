"""Persons whom a Japanese question names in full: 佐藤健 is not the 佐藤真理 of whom the documents speak."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sudachipy import Morpheme

from qa_service.retrieval.terms import fold, morphemes

_PERSON = ("固有名詞", "人名")
_BLANKS = re.compile(r"[ 　\t]+")  # 佐藤　健


def asks_of_namesake(question: str, texts: Iterable[str]) -> bool:
    """Whether of each person that the question names all who have that family name in the texts have another given
    name. Where one stands without (佐藤委員), it may be the same."""
    asked = [each for each in _persons(question) if each.given]
    told = [person for text in texts for person in _persons(text)] if asked else []
    return bool(asked) and all(_has_namesakes(each, told) for each in asked)


@dataclass(frozen=True, slots=True)
class _Person:
    """`given` and its `reading` are "" where no given name stands behind the family name."""

    family: str
    given: str
    reading: str


def _has_namesakes(asked: _Person, told: Sequence[_Person]) -> bool:
    found = [each for each in told if each.family == asked.family]
    same = any(
        not each.given or each.given == asked.given or each.reading == asked.reading
        for each in found
    )
    return bool(found) and not same


def _persons(text: str) -> Iterator[_Person]:
    words = [*morphemes(_BLANKS.sub("", fold(text)))]
    for place, family in enumerate(words):
        if _is(family, "姓"):
            behind = words[place + 1 : place + 2]
            given = behind[0] if behind and _is(behind[0], "名") else None
            yield _Person(
                family.surface(),
                given.surface() if given else "",
                given.reading_form() if given else "",
            )


def _is(morpheme: Morpheme, part: str) -> bool:
    return tuple(morpheme.part_of_speech()[1:4]) == (*_PERSON, part)
