"""Documents and passages as JSON lines, and back: nothing is lost, nothing is run.

The dataclasses of `types` are the schema; pydantic checks every field on the way in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from qa_service.types import Document, Passage

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_DOCUMENTS = "documents.jsonl"
_PASSAGES = "passages.jsonl"


def records_to_files(
    documents: Iterable[Document], passages: Iterable[Passage]
) -> dict[str, bytes]:
    """Contents by file name, one document or passage a line, in the order given."""
    return {
        _DOCUMENTS: _write(_adapter(Document), documents),
        _PASSAGES: _write(_adapter(Passage), passages),
    }


def records_from_files(
    files: Mapping[str, bytes],
) -> tuple[tuple[Document, ...], tuple[Passage, ...]]:
    """The inverse of `records_to_files`. Raises ValueError for a line that does not fit."""
    return (
        tuple(map(_adapter(Document).validate_json, files[_DOCUMENTS].splitlines())),
        tuple(map(_adapter(Passage).validate_json, files[_PASSAGES].splitlines())),
    )


def _write(adapter: TypeAdapter[Any], values: Iterable[Any]) -> bytes:
    return b"".join(adapter.dump_json(value) + b"\n" for value in values)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
