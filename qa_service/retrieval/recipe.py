"""The fingerprint of the code that turns sources into an index.

Another version of the reader cuts other passages, and another dictionary finds other morphemes: an
index made by it is stale although the sources are the same. So that nobody has to remember to count
up a number, the code itself is hashed.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from qa_service import __version__

_PACKAGE = Path(__file__).parent.parent
_CODE = (
    "types.py",
    "reading/**/*",
    "retrieval/acronyms.py",
    "retrieval/adapter.py",
    "retrieval/aliases.py",
    "retrieval/build.py",
    "retrieval/clauses.py",
    "retrieval/context_layer.py",
    "retrieval/dates.py",
    "retrieval/english.py",
    "retrieval/interaction.py",
    "retrieval/lexical.py",
    "retrieval/passage_pieces.py",
    "retrieval/passage_vectors.py",
    "retrieval/records.py",
    "retrieval/romanised.py",
    "retrieval/runs.py",
    "retrieval/sentence_vectors.py",
    "retrieval/static_model.py",
    "retrieval/terms.py",
    "retrieval/unit_vectors.py",
    "retrieval/vectors.py",
    "retrieval/western_years.py",
    "retrieval/whole_matrix.py",
)
_LIBRARIES = ("bm25s", "jaconv", "sudachipy", "sudachidict_core")


@cache
def recipe_fingerprint() -> str:
    """SHA-256 (hex) over the code that reads and indexes and the versions of what it stands on."""
    digest = hashlib.sha256(__version__.encode())
    for pattern in _CODE:
        for path in sorted(_PACKAGE.glob(pattern)):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.name.encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    for name in _LIBRARIES:
        digest.update(f"{name} {_version(name)}\n".encode())
    return digest.hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
