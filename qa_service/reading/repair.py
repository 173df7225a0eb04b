"""What print and conversion did to running text, undone for search and display.

Each repair is recorded with its place in the source, which stays as it is: quotes are cut from the
source. Nothing is corrected: a misread character (米務長官) stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qa_service.reading import mapped_text
from qa_service.reading.inline_marks import find_marks
from qa_service.reading.readings import find_readings
from qa_service.types import Alias, MappedText, Repair, RepairKind, Span

_JAPANESE = "\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff"
_MARKER = re.compile(r"<sup>\s*(?P<tag>[^<\s]{1,6})\s*</sup>|\[\^(?P<mark>[^\]\s]{1,20})\]")
_LINE_BREAK = re.compile(r"[\r\n\f](?:[ \t　\r\n\f]*[\r\n\f])?|<br\s{0,3}/?>")
_BLANKS = " \t　"
# (DICAS) ダイキャス Forum on Defense Industrial … を: a reading and a name behind an acronym.
_BEHIND_ACRONYM = re.compile(
    r"[(（](?P<acronym>[A-Z][A-Za-z&+-]{1,11})[)）]\s{0,2}(?P<reading>[ァ-ヴー・]{2,20})?\s{0,2}"
    rf"(?P<name>[A-Z][A-Za-z]{{1,29}}(?:[ ,]{{1,3}}[A-Za-z&-]{{1,30}}){{1,14}})"
    rf"\s{{0,2}}(?=[{_JAPANESE}])"
)
# 訓練・Intelligence, Surveillance and Reconnaissance演習: a name pressed between Japanese words.
_PRESSED_IN = re.compile(
    rf"(?<=[{_JAPANESE}・、])(?P<name>[A-Z][A-Za-z]{{1,29}}"
    rf"(?:,? (?:[a-z]{{2,3}} )?[A-Z][A-Za-z]{{1,29}}){{1,9}})(?=[{_JAPANESE}])"
)
_ACRONYM = re.compile(r"[(（](?P<acronym>[A-Z]{2,10})[)）]")  # (ISR)


@dataclass(frozen=True, slots=True)
class Repaired:
    """The text for search and display, with what was done and the names that were lifted out.

    `markers` are footnote marks with their places in the source.
    """

    text: MappedText
    repairs: tuple[Repair, ...] = ()
    aliases: tuple[Alias, ...] = ()
    markers: tuple[tuple[str, Span], ...] = ()


def repair_text(text: MappedText, *, keep_lines: bool = False) -> Repaired:
    """Drop marks and line breaks, lift readings and displaced names out.

    `keep_lines` leaves line breaks and spaces alone.
    """
    text, repairs, markers = _drop_marks(text)
    if not keep_lines:
        text, joined = _join_lines(text)
        repairs += joined
    text, lifted, aliases = _lift_names(text)
    repairs += lifted
    text, lifted, found = _lift_readings(text)
    repairs += lifted
    text = mapped_text.strip(text)
    return Repaired(text, tuple(repairs), tuple(aliases + found), tuple(markers))


def _drop_marks(
    text: MappedText,
) -> tuple[MappedText, list[Repair], list[tuple[str, Span]]]:
    marks = [(place, "") for place in find_marks(text.text)]
    for match in _MARKER.finditer(text.text):
        marks.append((match.span(), match["tag"] or match["mark"]))
    places = _apart(sorted(place for place, _ in marks))
    labels = dict(marks)
    markers = [
        (labels[place], spans[0])
        for place in places
        if labels[place] and (spans := mapped_text.cut(text, *place).spans())
    ]
    repairs = _recorded(text, places, RepairKind.MARKUP_DROPPED)
    return mapped_text.remove(text, places), repairs, markers


def _apart(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping places left out, the first kept."""
    kept: list[tuple[int, int]] = []
    for start, end in places:
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def _join_lines(text: MappedText) -> tuple[MappedText, list[Repair]]:
    """Line breaks inside a paragraph: nothing between Japanese characters, else a space."""
    pieces: list[MappedText] = []
    repairs: list[Repair] = []
    position = 0
    for match in _LINE_BREAK.finditer(text.text):
        start, end = _with_blanks(text.text, *match.span(), after=position)
        before, after = text.text[start - 1 : start], text.text[end : end + 1]
        pieces.append(mapped_text.cut(text, position, start))
        if before and after and not (is_japanese(before) and is_japanese(after)):
            pieces.append(mapped_text.inserted(" "))
        repairs += _recorded(text, [(start, end)], RepairKind.SPACE_DROPPED)
        position = end
    pieces.append(mapped_text.cut(text, position, len(text)))
    return mapped_text.concatenate(pieces), repairs


def _with_blanks(text: str, start: int, end: int, *, after: int) -> tuple[int, int]:
    """A line break with the spaces around it and the backslash that Markdown sets before it."""
    while start > after and text[start - 1] in _BLANKS:
        start -= 1
    if start > after and text[start - 1] == "\\":
        start -= 1
    while end < len(text) and text[end] in _BLANKS:
        end += 1
    return start, end


def is_japanese(character: str) -> bool:
    """Kana, kanji, and the punctuation set between them: no space stands beside these."""
    return re.match(rf"[{_JAPANESE}、。「」『』（）・！？：；【】〔〕…]", character) is not None


def _lift_names(text: MappedText) -> tuple[MappedText, list[Repair], list[Alias]]:
    aliases: list[Alias] = []
    places: list[tuple[int, int]] = []
    repairs: list[Repair] = []
    for match in _BEHIND_ACRONYM.finditer(text.text):
        if not _spells(match["name"], match["acronym"]):
            continue
        names = (match["acronym"], match["reading"] or "", " ".join(match["name"].split()))
        aliases.append(Alias(tuple(name for name in names if name)))
        behind = text.text.index(match["acronym"], match.start()) + len(match["acronym"]) + 1
        places.append((behind, match.end()))
    acronyms = {match["acronym"] for match in _ACRONYM.finditer(text.text)}
    for match in _PRESSED_IN.finditer(text.text):
        acronym = _spelled_among(match["name"], acronyms)
        if acronym:
            aliases.append(Alias((acronym, match["name"])))
            places.append(match.span())
    places = _apart(sorted(places))
    repairs = _recorded(text, places, RepairKind.NAME_LIFTED)
    return mapped_text.remove(text, places), repairs, aliases


def _spells(name: str, acronym: str) -> bool:
    """Intelligence, Surveillance and Reconnaissance spells ISR; so does Forum on … spell DICAS."""
    return len(acronym) > 1 and _initials(name).endswith(acronym.upper())


def _spelled_among(name: str, acronyms: set[str]) -> str | None:
    """The longest of the acronyms that the name spells."""
    initials = _initials(name)
    endings = (initials[place:] for place in range(len(initials) - 1))
    return next((ending for ending in endings if ending in acronyms), None)


def _initials(name: str) -> str:
    return "".join(word[0] for word in re.findall(r"[A-Za-z]+", name) if word[0].isupper())


def _lift_readings(text: MappedText) -> tuple[MappedText, list[Repair], list[Alias]]:
    found = list(find_readings(text.text))
    places = [(reading.start, reading.end) for reading in found]
    aliases = [Alias((reading.word, reading.reading)) for reading in found]
    return (
        mapped_text.remove(text, places),
        _recorded(text, places, RepairKind.READING_LIFTED),
        aliases,
    )


def _recorded(text: MappedText, places: list[tuple[int, int]], kind: RepairKind) -> list[Repair]:
    return [
        Repair(kind, spans, text.text[start:end].strip())
        for start, end in places
        if (spans := mapped_text.cut(text, start, end).spans())
    ]
