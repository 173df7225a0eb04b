"""The service's own words in an answer, from phrases.toml, in the question's language."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from qa_service.retrieval.language import primary_language
from qa_service.types import Answer

_FALLBACK = "en"


def phrase(
    name: str, language: str, *, document_language: str = "", label: str = "", percent: int = 0
) -> str:
    """The phrase of that name; in English where the language has none."""
    table = _table()
    language, document_language = primary_language(language), primary_language(document_language)
    spoken = language if language in table and language != "languages" else _FALLBACK
    names = table["languages"].get(spoken, {})
    english = table["languages"][_FALLBACK]
    shown = names.get(document_language) or english.get(document_language, document_language)
    text: str = table[spoken][name]
    return text.format(language=shown, label=label, percent=percent)


def doubt(answer: Answer) -> str:
    """What is said of an answer that is doubtful."""
    return phrase("doubtful", answer.language, percent=round(answer.confidence * 100))


@cache
def _table() -> dict[str, Any]:
    text = (files("qa_service.answering") / "phrases.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
