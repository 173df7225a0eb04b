"""Names that the documents themselves declare to be the same, as search atoms.

A document that writes 「日米安全保障協議委員会 (SCC)」 or 「2+2」の正式名称 declares that these names
mean one thing. Reading mines them (`Document.aliases`); here the declarations of all documents are
merged, and every occurrence of any of the names, in a passage or a question, gives the same atom.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from qa_service.retrieval.terms import fold
from qa_service.types import Document

_KEY = 2  # characters by which names are looked up; shorter names are no names


@dataclass(frozen=True, slots=True)
class AliasTable:
    """`atoms` gives, for each folded name, the atom of its group; `by_start` the names that begin
    with the same two characters, longest first."""

    atoms: Mapping[str, str]
    by_start: Mapping[str, tuple[str, ...]]

    @classmethod
    def from_documents(cls, documents: Iterable[Document]) -> AliasTable:
        """Groups that share a name become one group; its first name, folded, is its atom."""
        leaders: dict[str, str] = {}
        for document in documents:
            for alias in document.aliases:
                names = [folded for name in alias.names if len(folded := fold(name)) >= _KEY]
                for name in names[1:]:
                    first, other = _leader(leaders, names[0]), _leader(leaders, name)
                    if first != other:
                        leaders[other] = first
        by_start: dict[str, list[str]] = {}
        for name in sorted(leaders, key=lambda name: (-len(name), name)):
            by_start.setdefault(name[:_KEY], []).append(name)
        return cls(
            {name: f"=alias:{_leader(leaders, name)}" for name in leaders},
            {start: tuple(names) for start, names in by_start.items()},
        )

    def find(self, folded: str) -> list[str]:
        """The atoms of all names in a folded text, in order, one for each occurrence.

        The longest name counts: 日米安全保障協議委員会 is not also 協議委員会.
        """
        return [self.atoms[name] for name in self._split(folded) if name in self.atoms]

    def without_names(self, folded: str) -> str:
        """The text with a space in the place of every name."""
        return "".join(" " if part in self.atoms else part for part in self._split(folded))

    def _split(self, folded: str) -> Iterator[str]:
        """The text as names and single characters."""
        place = 0
        while place < len(folded):
            part = self._name_at(folded, place) or folded[place]
            yield part
            place += len(part)

    def _name_at(self, folded: str, place: int) -> str | None:
        for name in self.by_start.get(folded[place : place + _KEY], ()):
            if folded.startswith(name, place) and _stands_alone(folded, place, len(name)):
                return name
        return None


def _leader(leaders: dict[str, str], name: str) -> str:
    """The first name of the group that `name` belongs to; a new name leads itself."""
    while leaders.setdefault(name, name) != name:
        name = leaders[name]
    return name


def _stands_alone(text: str, start: int, length: int) -> bool:
    """`scc` is not found in `fiscco`, nor 2+2 in 12+24: Latin and digits need a boundary."""
    end = start + length
    cut_before = start > 0 and _joins(text[start - 1], text[start])
    cut_after = end < len(text) and _joins(text[end - 1], text[end])
    return not cut_before and not cut_after


def _joins(left: str, right: str) -> bool:
    return left.isascii() and right.isascii() and left.isalnum() and right.isalnum()
