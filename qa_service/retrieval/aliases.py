"""Names that the documents themselves declare to be the same, as search atoms.

A document that writes 「日米安全保障協議委員会 (SCC)」 or 「2+2」の正式名称 declares that these names
mean one thing. Reading mines them (`Document.aliases`); here the declarations of all documents are
merged, and every occurrence of any of the names, in a passage or a question, gives the same atom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from qa_service.retrieval.terms import fold
from qa_service.types import Document

_WORD_CHARACTER = re.compile(r"[0-9a-z]")


@dataclass(frozen=True, slots=True)
class AliasTable:
    """`atoms` gives, for each folded name, the atom of its group; `pattern` finds the names."""

    atoms: dict[str, str]
    pattern: re.Pattern[str] | None

    @classmethod
    def from_documents(cls, documents: Iterable[Document]) -> AliasTable:
        """Groups that share a name become one group; its first name in folded form is its atom."""
        leader: dict[str, str] = {}

        def find(name: str) -> str:
            while leader.setdefault(name, name) != name:
                name = leader[name]
            return name

        for document in documents:
            for alias in document.aliases:
                names = [folded for name in alias.names if len(folded := fold(name).strip()) > 1]
                for name in names[1:]:
                    first, other = find(names[0]), find(name)
                    if first != other:
                        leader[other] = first
        atoms = {name: f"=alias:{find(name)}" for name in list(leader)}
        return cls(atoms, _compile(atoms))

    def find(self, folded: str) -> list[str]:
        """The atoms of all names in a folded text, in order, one for each occurrence."""
        if self.pattern is None:
            return []
        return [self.atoms[match.group()] for match in self.pattern.finditer(folded)]


def _compile(names: Iterable[str]) -> re.Pattern[str] | None:
    """Longest first, so that 日米安全保障協議委員会 is not found as 協議委員会."""
    alternatives = [_bounded(name) for name in sorted(names, key=lambda name: (-len(name), name))]
    return re.compile("|".join(alternatives)) if alternatives else None


def _bounded(name: str) -> str:
    """`scc` must not be found in `fiscco`, so Latin ends need a word boundary."""
    before = r"(?<![0-9a-z])" if _WORD_CHARACTER.match(name[0]) else ""
    after = r"(?![0-9a-z])" if _WORD_CHARACTER.match(name[-1]) else ""
    return f"{before}{re.escape(name)}{after}"
