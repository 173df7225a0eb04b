"""A citation as one pastes it into a text or a reference manager: Japanese, English, BibTeX, RIS.

Says only what the document's metadata and the citation hold; what is unknown is left out. Formats:
BibTeX as in Patashnik, "BibTeXing" (1988); RIS as in Research Information Systems' specification (2001).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from qa_service.types import Citation, Document, Metadata

_BIBTEX_SPECIAL = re.compile(r"[\\{}%&#$_~^]")  # 10% -> 10\%
_BIBTEX_WORDS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "{": r"\textbraceleft{}",  # BibTeX counts a brace even behind a backslash
    "}": r"\textbraceright{}",
}
_KEY_CHARACTERS = re.compile(r"[^a-z0-9]+")
_WHITE = re.compile(r"\s+")
_UNIT = re.compile(r"第([^部編章節款目条項号]{1,12})([部編章節款目条項号])")  # 第Ⅲ部, 第1節
_UNITS = {
    "部": "Part",
    "編": "Volume",
    "章": "Chapter",
    "節": "Section",
    "款": "Subsection",
    "目": "Division",
    "条": "Article",
    "項": "Paragraph",
    "号": "Item",
}


@dataclass(frozen=True, slots=True)
class CitationFormats:
    """One citation in four forms, and its own label; `bibtex` and `ris` end with a line end."""

    label: str
    japanese: str
    english: str
    bibtex: str
    ris: str


def format_citation(document: Document, citation: Citation, *, url: str) -> CitationFormats:
    """`url` is the whole address of the cited place, as the reader would open it."""
    metadata = document.source.metadata
    place = citation.label.removeprefix(metadata.title).strip(" ,")
    url = _one_line(url)
    return CitationFormats(
        label=citation.label,
        japanese=_japanese(metadata, place, url),
        english=_english(metadata, place, url),
        bibtex=_bibtex(document, citation, place, url),
        ris=_ris(metadata, place, url),
    )


def _japanese(metadata: Metadata, place: str, url: str) -> str:
    """防衛省『令和6年版防衛白書』（2024年7月12日）第Ⅲ部第2章第1節1-3「…」、http://…"""
    published = metadata.published
    when = f"（{published.year}年{published.month}月{published.day}日）" if published else ""
    return _one_line(f"{metadata.publisher}『{metadata.title}』{when}{place}、{url}")


def _english(metadata: Metadata, place: str, url: str) -> str:
    """防衛省, 令和6年版防衛白書 (12 July 2024), Part III, Chapter 2, Section 1, 1-3 “…”, http://…"""
    place = _UNIT.sub(_english_unit, place).replace("「", " “").replace("」", "”")
    place = re.sub(r"\s*脚注(\w+)", r", footnote \1", place)  # 脚注1
    place = re.sub(r"\s*\(注\)(\w*)", r", note \1", place)  # (注)2
    title = (
        f"{metadata.title} ({_english_date(metadata.published)})"
        if metadata.published
        else (metadata.title)
    )
    parts = [metadata.publisher, title, place.strip(" ,"), url]
    return _one_line(", ".join(part for part in parts if part))


def _english_unit(match: re.Match[str]) -> str:
    number = unicodedata.normalize("NFKC", match[1])
    return f"{_UNITS[match[2]]} {number}, "


def _english_date(day: date) -> str:
    months = (
        "January February March April May June July August September October November December"
    ).split()
    return f"{day.day} {months[day.month - 1]} {day.year}"


def _bibtex(document: Document, citation: Citation, place: str, url: str) -> str:
    metadata = document.source.metadata
    key = _KEY_CHARACTERS.sub("-", f"{document.id}-{citation.id[:8]}".lower()).strip("-")
    fields = {
        "title": f"{{{_bibtex_text(metadata.title)}}}",
        "author": f"{{{_bibtex_text(metadata.publisher)}}}" if metadata.publisher else "",
        "publisher": _bibtex_text(metadata.publisher),
        "year": str(metadata.published.year) if metadata.published else "",
        "note": _bibtex_text(place),
        "url": url,
        "language": metadata.language if metadata.language != "und" else "",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@book{{{key},", *lines, "}\n"])


def _bibtex_text(text: str) -> str:
    def escape(match: re.Match[str]) -> str:
        return _BIBTEX_WORDS.get(match[0], f"\\{match[0]}")

    return _BIBTEX_SPECIAL.sub(escape, _one_line(text))


def _ris(metadata: Metadata, place: str, url: str) -> str:
    published = metadata.published
    fields = [
        ("TY", "RPRT"),
        ("TI", metadata.title),
        ("AU", metadata.publisher),
        ("PB", metadata.publisher),
        ("PY", str(published.year) if published else ""),
        ("DA", f"{published:%Y/%m/%d}" if published else ""),
        ("SE", place),
        ("LA", metadata.language if metadata.language != "und" else ""),
        ("UR", url),
    ]
    lines = [f"{tag}  - {_one_line(value)}" for tag, value in fields if value]
    return "\n".join([*lines, "ER  - \n"])


def _one_line(text: str) -> str:
    return _WHITE.sub(" ", text).strip()
