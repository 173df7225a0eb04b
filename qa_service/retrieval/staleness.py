"""Whether an index is still what the corpus, the model and the program would give.

Compares checksums: no model is run and no document is parsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qa_service.errors import IndexDamagedError, IndexFormatError, IndexMissingError
from qa_service.reading.sources import read_corpus
from qa_service.retrieval.embedding import Embedder, piece_model
from qa_service.retrieval.generations import read_manifest
from qa_service.retrieval.manifest import Manifest, SourceRecord
from qa_service.retrieval.recipe import recipe_fingerprint
from qa_service.types import Source


def is_stale(corpus: Path, index: Path, *, embedder: Embedder) -> str | None:
    """Why the index has to be built (anew), in words; None when it need not.

    An index that is missing, visibly damaged or of another format is stale. Damage inside a file
    is found by loading. Raises CorpusError when the corpus cannot be read.
    """
    try:
        manifest = read_manifest(index)
    except IndexMissingError:
        return "there is no index yet"
    except IndexDamagedError as error:
        return f"the index is damaged ({error.file})"
    except IndexFormatError:
        return "the index has another format"
    return stale_reason(manifest, read_corpus(corpus), embedder)


def stale_reason(manifest: Manifest, sources: Sequence[Source], embedder: Embedder) -> str | None:
    """The first difference between what `manifest` records and what is here now."""
    if manifest.embedder.fingerprint != embedder.fingerprint:
        if manifest.embedder.name == embedder.name:
            return f"the embedding model {embedder.name} has changed"
        return f"the embedding model is another: {embedder.name}, not {manifest.embedder.name}"
    if manifest.piece_model != piece_model(embedder).fingerprint:
        return "the built-in model is another"
    if manifest.recipe != recipe_fingerprint():
        return "the program reads and indexes in another way"
    before = {record.id: record for record in manifest.sources}
    now = {record.id: record for record in source_records(sources)}
    for id in now.keys() - before.keys():
        return f"{now[id].path} is new"
    for id in before.keys() - now.keys():
        return f"{before[id].path} is gone"
    for id, record in now.items():
        if record != before[id]:
            return f"{record.path} has changed"
    if tuple(now) != tuple(before):
        return "the documents are in another order"
    return None


def source_records(sources: Sequence[Source]) -> tuple[SourceRecord, ...]:
    return tuple(SourceRecord(source.id, source.path, source.sha256) for source in sources)
