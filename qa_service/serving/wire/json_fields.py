"""Which field of a JSON text something is wrong with, where a parser only says that it is.

Reads texts that are no JSON, so it is tolerant and takes nothing for granted; it is slow, and made for
texts that were refused already.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

WHOLE = "body"

# "a\"b", an unfinished "abc, {, ], :, 12, NaN
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_TOKENS_MAX = 10_000  # a text of a million ones must not hold up the others
_PARTS_MAX = 4
_PART_CHARACTERS_MAX = 100


@dataclass(frozen=True, slots=True)
class Token:
    """`text[start:end]`; `depth` counts the objects and lists that it stands in, the one that it
    opens included. `is_repeated` is a key that its object had before."""

    text: str
    start: int
    end: int
    depth: int
    is_repeated: bool


@dataclass(slots=True)
class _Open:
    """An object or list that has begun; `part` is the key or the place of what is read in it."""

    is_object: bool
    part: str = ""
    place: int = 0
    keys: set[str] = field(default_factory=set)
    expects_key: bool = True

    def name(self) -> str:
        return self.part if self.is_object else str(self.place)


def field_of(text: str, is_fault: Callable[[Token], bool]) -> str:
    """The field that the first faulty token belongs to: `filters.kinds.0`. WHOLE when there is none,
    it belongs to no field, or it stands far behind."""
    opened: list[_Open] = []
    for match in islice(_TOKEN.finditer(text), _TOKENS_MAX):
        is_repeated = _step(opened, match[0])
        token = Token(match[0], match.start(), match.end(), len(opened), is_repeated)
        if is_fault(token):
            return _name(opened)
    return WHOLE


def _step(opened: list[_Open], token: str) -> bool:
    """Goes on by one token; whether it is a key that stood in its object before."""
    here = opened[-1] if opened else None
    if token in ("{", "["):
        opened.append(_Open(token == "{"))
    elif token in ("}", "]"):
        del opened[-1:]
    elif token == "," and here is not None:
        here.place += 1
        here.part = ""
        here.expects_key = True
    elif here is not None and here.is_object and here.expects_key:
        here.part = _unquote(token)
        here.expects_key = False
        if here.part in here.keys:
            return True
        here.keys.add(here.part)
    return False


def _unquote(key: str) -> str:
    try:
        return str(json.loads(key))
    except ValueError:  # unfinished, or no text at all
        return key.strip('"')


def _name(opened: list[_Open]) -> str:
    if not opened or not opened[0].is_object:
        return WHOLE
    parts = [each.name()[:_PART_CHARACTERS_MAX] for each in opened[:_PARTS_MAX]]
    name = ".".join(part for part in parts if part) or WHOLE
    return name.encode("utf-8", "backslashreplace").decode("utf-8")  # half a pair is no text
