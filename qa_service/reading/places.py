"""Where Japanese running text names a section of its own document: 第2節, 第Ⅲ部第1章第2節, 本節3, 前章.

What a place leaves unsaid is as where it is printed: 第2節 is one of this chapter; but articles are
counted through a whole law. A place of another work (日米安保条約第5条, 同法第3条及び第4条) is none of
this document. Whatever names nothing here, or more than one thing, is passed over.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from qa_service.reading.numbering import UNITS, find_place, heading_number, is_supplement, normalise
from qa_service.types import Document, Section

_Key = TypeVar("_Key")
Place = tuple[str, ...]  # ("3部", "2章", "1節"): the steps that have a unit

_NUMBER = "(?:[0-9０-９]{1,4}|[Ⅰ-Ⅻ]|[IVX]{1,5}|[〇一二三四五六七八九十百千]{1,7})"
_UNIT = "[部編章節款条項号]"
_STEP = rf"第?{_NUMBER}{_UNIT}(?:の{_NUMBER})?"
_PART = "[0-9０-９]{1,2}"
_MENTION = re.compile(
    rf"(?=[前次本第])(?:(?P<beside>[前次][部編章節款条])"  # 前章, 次節
    rf"|(?P<here>本[部編章節款])?(?P<steps>(?:(?:(?<=本[部編章節款])|第){_NUMBER}{_UNIT}"
    rf"(?:の{_NUMBER}(?![0-9０-９]))?(?:{_STEP})*)?)"  # 第Ⅲ部第1章第2節, 本章2節, 第3条の2第1項
    rf"(?P<below>(?:(?<=[部編章節款]){_PART}(?:[-‐－]{_PART}|[（(]{_PART}[）)]){{0,3}}項?)?))"  # 本節3-2
    r"(?![0-9０-９.．%％])(?!(?<=[0-9０-９])[年月日つ個件回名人か])"
    r"(?![\u3400-\u9fff](?<!参(?=照)|以(?=[下上])|及(?=び)|並(?=び)|又(?=は)|若(?=し)|第|各|前|後|中|本|等))"
)
_LIST = re.compile(
    r"[、，・～]?(?:及び|並びに|又は|若しくは|および|または|ならびに|もしくは|から|と|や)?[、，]?$"
)
# 日米安保条約第5条, 「指針」第2章, ガイドライン 第3節, この法律の第4条; what stands before it
_OTHER_WORK = re.compile(r"[\u3400-\u9fff々ァ-ヶーA-Za-zＡ-Ｚａ-ｚ0-9０-９の」』）)〕】][ 　]*$")
_OTHER_LAW = re.compile(r"[法令約則定例章典書版](?:の|[（(])?[ 　]*$")  # 日米安保条約（第5条）


def section_places(document: Document) -> dict[str, Place]:
    """By the id of each section: 第Ⅲ部第2章 > 第1節 > 2 -> ("3部", "2章", "1節")."""
    metadata = document.source.metadata
    above = [str(heading) for heading in (metadata.part, metadata.chapter) if heading]
    return {
        section.id: _place([*above, *([] if section.is_lead else section.path)])
        for section in document.sections
    }


@dataclass(frozen=True, slots=True)
class PlaceMention:
    """`text[start:end]` names the section `section_id`."""

    start: int
    end: int
    section_id: str


class PlaceFinder:
    """Finds what texts of one document name of it."""

    def __init__(self, document: Document) -> None:
        self._places = section_places(document)
        # What an 附則 numbers begins again, and what it names is mostly the law above it.
        self._sections = {
            section.id: section
            for section in document.sections
            if not any(is_supplement(heading) for heading in section.path)
        }

    def find(self, text: str, section_id: str) -> Iterator[PlaceMention]:
        """In reading order; `section_id` is the section that the text stands in."""
        if section_id not in self._sections:
            return
        elsewhere_until = -1  # the end of the last place that belongs to another work
        for match in _MENTION.finditer(text):
            if not match.group() or match.group() == match["here"]:
                continue
            before = text[: match.start()]
            listed = elsewhere_until >= 0 and _LIST.fullmatch(text, elsewhere_until, match.start())
            if listed or _OTHER_WORK.search(before[-8:]) or _OTHER_LAW.search(before[-8:]):
                elsewhere_until = match.end()
                continue
            named = self._named(match, section_id)
            if named is not None and named != section_id:
                yield PlaceMention(match.start(), match.end(), named)

    def _named(self, match: re.Match[str], section_id: str) -> str | None:
        here = self._places[section_id]
        if match["beside"]:
            return self._beside(here, match["beside"])
        steps = find_place(match["steps"])
        if match["here"]:
            above = _above(here, match["here"][-1])
            found = None if above is None else self._at((*above, *steps))
        else:
            found = self._resolve(steps, here)
        return self._below(found, match["below"]) if found and match["below"] else found

    def _resolve(self, steps: Place, here: Place) -> str | None:
        if steps[0][-1] == "条":
            return self._article(steps)
        above = [number for number, step in enumerate(here) if step[-1] == steps[0][-1]]
        return self._at((*(here[: above[0]] if above else here), *steps))

    def _article(self, steps: Place) -> str | None:
        """第3条第2項 leads to the article where its paragraphs are no sections."""
        lengths = range(len(steps), 0, -1)
        found = next((ids for n in lengths if (ids := self._ends.get(steps[:n]))), [])
        return found[0] if len(found) == 1 else None

    def _beside(self, here: Place, words: str) -> str | None:
        """前節: the one before this in the same chapter; 前条: the article before this."""
        unit, step = words[1], -1 if words[0] == "前" else 1
        above = _above(here, unit)
        if above is None or len(self._starts.get(above, [])) != 1:
            return None
        row = self._rows[_row_of(above)]
        at = row.index(self._starts[above][0]) + step
        return row[at] if 0 <= at < len(row) else None

    def _at(self, place: Place) -> str | None:
        found = self._starts.get(place, [])
        return found[0] if len(found) == 1 else None

    def _below(self, section_id: str, numbers: str) -> str | None:
        """The 3-2 of 本節3-2: own numbers, from one level to the next."""
        for number in re.findall(_PART, numbers):
            found = self._children.get((section_id, int(normalise(number))), [])
            if len(found) != 1:
                return None
            section_id = found[0]
        return section_id

    @cached_property
    def _starts(self) -> Mapping[Place, list[str]]:
        """The sections whose own heading has a unit, by their whole place."""
        return _by_key((self._places[id], id) for id in self._with_units)

    @cached_property
    def _ends(self) -> Mapping[Place, list[str]]:
        """The same by every end of it: ("2章", "3条") and ("3条",)."""
        return _by_key(
            (place[start:], id)
            for id in self._with_units
            for place in [self._places[id]]
            for start in range(len(place))
        )

    @cached_property
    def _rows(self) -> Mapping[Place, list[str]]:
        """What is counted in one go: the 節 of a chapter, the 条 of a law."""
        return _by_key((_row_of(self._places[id]), id) for id in self._with_units)

    @cached_property
    def _children(self) -> Mapping[tuple[str, int], list[str]]:
        return _by_key(
            ((section.parent_id or "", _own_value(section)), section.id)
            for section in self._sections.values()
        )

    @cached_property
    def _with_units(self) -> Sequence[str]:
        return [id for id, section in self._sections.items() if _has_unit(section)]


def _by_key(pairs: Iterable[tuple[_Key, str]]) -> Mapping[_Key, list[str]]:
    found: defaultdict[_Key, list[str]] = defaultdict(list)
    for key, id in pairs:
        found[key].append(id)
    return found


def _row_of(place: Place) -> Place:
    unit = place[-1][-1]
    return (unit,) if unit == "条" else (*place[:-1], unit)


def _above(here: Place, unit: str) -> Place | None:
    """This 節, of what is printed in it."""
    at = [number for number, step in enumerate(here) if step[-1] == unit]
    return here[: at[0] + 1] if at else None


def _has_unit(section: Section) -> bool:
    number = heading_number(f"{section.own_number} ")
    return not section.is_lead and number is not None and number.level in UNITS


def _own_value(section: Section) -> int:
    number = heading_number(f"{section.own_number} ") if section.own_number else None
    return number.values[0] if number and number.level not in UNITS else 0


def _place(headings: Sequence[str]) -> Place:
    numbers = [heading_number(heading) for heading in headings]
    return tuple(f"{n.part}{n.level}" for n in numbers if n is not None and n.level in UNITS)
