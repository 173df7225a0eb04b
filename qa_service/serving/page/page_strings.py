"""The words of the page, in Japanese and English, and which of the two a reader gets."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGUAGES = ("ja", "en")
LANGUAGE_COOKIE = "qa_language"

_FILE = Path(__file__).parent.parent / "web" / "strings.toml"


@cache
def page_strings(language: str) -> Mapping[str, str]:
    """By name; `language` is one of LANGUAGES."""
    words = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: each[language] for name, each in words.items()}


def choose_language(cookie: str | None, accepted: str | None) -> str:
    """The one that the reader chose, else the first that the browser asks for and the page has."""
    if cookie in LANGUAGES:
        return cookie
    for wanted in _in_order(accepted or ""):
        if wanted in LANGUAGES:
            return wanted
    return "en"


def _in_order(accepted: str) -> list[str]:
    """`en;q=0.5, ja-JP` -> ja, en (RFC 9110, 12.5.4); what cannot be read counts last."""
    ranked: list[tuple[float, str]] = []
    for each in accepted[:1_000].split(","):
        name, _, quality = each.partition(";")
        try:
            weight = float(quality.strip().lower().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        ranked.append((-weight, name.strip().lower().partition("-")[0]))
    return [name for weight, name in sorted(ranked, key=lambda item: item[0]) if weight]
