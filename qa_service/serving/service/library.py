"""The index in service, replaced as a whole while searches go on.

A request takes the shelf once and keeps it to its end, so that it sees one generation. Replacing is
one assignment: there is never half an index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from qa_service.retrieval.index import Index


@dataclass(frozen=True, slots=True)
class Shelf:
    """One generation of the index, with what the routes count in it."""

    index: Index
    passage_counts: Mapping[str, int]  # by document id

    @classmethod
    def of(cls, index: Index) -> Shelf:
        return cls(index, Counter(passage.document_id for passage in index.passages))


class Library:
    """Holds the shelf in service. `fault` is what the watch over the disk found amiss: it goes out
    to clients, so it names no path."""

    def __init__(self, index: Index) -> None:
        self.replace(index)

    @property
    def shelf(self) -> Shelf:
        return self._shelf

    def replace(self, index: Index) -> None:
        self._shelf = Shelf.of(index)
        self.fault: str | None = None

    @property
    def faults(self) -> tuple[str, ...]:
        """What is amiss with the index in service, in words; empty when nothing is."""
        return self.shelf.index.degraded if self.fault is None else (self.fault,)


async def _library(request: Request) -> Library:
    library: Library = request.app.state.library
    return library


async def _shelf(request: Request) -> Shelf:
    library: Library = request.app.state.library
    return library.shelf


CurrentLibrary = Annotated[Library, Depends(_library)]
CurrentShelf = Annotated[Shelf, Depends(_shelf)]
