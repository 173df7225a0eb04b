"""Questions for nothing but what an acronym is: DICASとは, "What does DICAS stand for?".

Such a question shares one word with its answer, too little for a match to be sure of; but where the
documents say what the acronym stands for, that is the answer.
"""

from __future__ import annotations

import re
from functools import cache
from unicodedata import normalize

from qa_service.retrieval.acronyms import find_acronyms
from qa_service.retrieval.index import Index
from qa_service.retrieval.terms import extract_terms

_FEWEST_LETTERS = 3
# 什么是…, …是什么, …是什么意思, …的全称
_CHINESE_FRAME = re.compile(r"什么是|是什么|什麼是|是什麼|意思|全称|全稱|的")
_ASKING = (
    "何 略 略称 略語 正式 名称 意味 定義 説明 "
    "stand mean meaning abbreviation acronym short full name define definition"
)


def asked_acronyms(index: Index, question: str) -> tuple[str, ...]:
    """The acronyms that are all a question asks for and that the documents hold; empty when it asks
    for more, or for one that they do not hold."""
    found = tuple(each for each in find_acronyms(question) if len(each) >= _FEWEST_LETTERS)
    if not all(each in index.acronyms for each in found):
        return ()
    rest = normalize("NFKC", question)
    for each in found:
        rest = rest.replace(each, " ")
    rest = _CHINESE_FRAME.sub(" ", rest)
    return () if set(extract_terms(rest).morphemes) - _asking() else found


def explains(text: str, acronym: str) -> bool:
    """Whether a text says what it stands for: 定期協議 (DICAS), DICAS (Forum on …), DICAS: ….
    A text that merely uses it does not."""
    name = re.escape(acronym)
    return (
        re.search(rf"[(（「]\s*{name}(?![A-Za-z0-9])|(?<![A-Za-z0-9]){name}\s*[(（:：]", text)
        is not None
    )


@cache
def _asking() -> frozenset[str]:
    return frozenset(extract_terms(_ASKING).morphemes)
