"""The manifest of a generation: what it was made from, by what, and the checksum of each file.

A value and its JSON form; writing files is `publishing`, verifying them `generations`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from qa_service.errors import IndexDamagedError, IndexFormatError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT = "qa-service index"
FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """`sha256` is in lower-case hex, over the whole file."""

    bytes: int
    sha256: str


def file_record(data: bytes) -> FileRecord:
    return FileRecord(len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source as it was when it was indexed; `sha256` is `Source.sha256`."""

    id: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class EmbedderRecord:
    """`fingerprint` stands for all that determines the vectors: see `embedding.Embedder`."""

    name: str
    fingerprint: str
    dimension: int
    licence: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`recipe` is the fingerprint of the code that read and indexed (see `recipe`), and
    `piece_model` that of the static model whose pieces late interaction compares. `corpus` is the
    folder that was indexed."""

    format: str
    format_version: int
    created: datetime
    program_version: str
    recipe: str
    embedder: EmbedderRecord
    piece_model: str
    sources: tuple[SourceRecord, ...]
    passages: int
    files: Mapping[str, FileRecord]
    corpus: str = ""

    def to_json(self) -> bytes:
        return _adapter().dump_json(self, indent=2) + b"\n"

    @classmethod
    def from_json(cls, data: bytes, *, path: Path) -> Manifest:
        """`path` is the manifest's own, for messages.

        Raises IndexFormatError for a manifest of another version or program, IndexDamagedError
        for one that is no manifest at all.
        """
        folder = path.parent.parent.parent
        place = f"{path.parent.name}/{path.name}"
        try:
            head = json.loads(data)
            found = (head["format"], head["format_version"])
        except (ValueError, KeyError, TypeError) as error:
            raise IndexDamagedError(
                folder,
                f"{path} is no manifest of an index ({error}). "
                "Run `qa-service index` to build the index anew.",
                file=place,
            ) from error
        if found != (FORMAT, FORMAT_VERSION):
            raise IndexFormatError(folder, _other_format(path, found), file=place)
        try:
            manifest = _adapter().validate_json(data)
        except ValueError as error:
            raise IndexDamagedError(
                folder,
                f"{path} does not hold what a manifest holds. "
                "Run `qa-service index` to build the index anew.",
                file=place,
            ) from error
        if any(Path(name).name != name for name in manifest.files):
            raise IndexDamagedError(
                folder, f"{path} names a file outside its own folder.", file=place
            )
        return manifest


@cache
def _adapter() -> TypeAdapter[Manifest]:
    from pydantic import TypeAdapter

    return TypeAdapter(Manifest)


def _other_format(path: Path, found: tuple[object, object]) -> str:
    name, version = found
    if name != FORMAT:
        return f"{path} was not written by qa-service. Choose another folder for the index."
    newer = isinstance(version, int) and version > FORMAT_VERSION
    cure = (
        "Use the version of qa-service that wrote it, or run `qa-service index` to build it anew."
        if newer
        else "Run `qa-service index` to build it anew."
    )
    age = "a newer" if newer else "an older"
    return (
        f"{path} was written by {age} version of qa-service (index format {version}; this version "
        f"reads {FORMAT_VERSION}). {cure}"
    )
