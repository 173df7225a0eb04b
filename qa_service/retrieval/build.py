"""A corpus to a new generation of the index. Only what has changed is embedded again.

Can be stopped at any moment: the current generation stays as it is, and the vectors made so far
are found again by the next build.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Protocol

from qa_service import __version__
from qa_service.errors import CorpusError, IndexFaultError
from qa_service.reading.passages import cut_passages
from qa_service.reading.references import resolve_references
from qa_service.reading.sources import read_corpus
from qa_service.reading.structure import read_document
from qa_service.retrieval.acronyms import AcronymTable
from qa_service.retrieval.aliases import AliasTable
from qa_service.retrieval.disk import Disk
from qa_service.retrieval.embedding import Embedder, piece_model
from qa_service.retrieval.generations import Stored, load_generation
from qa_service.retrieval.interaction import PieceIndex
from qa_service.retrieval.lexical import LexicalIndex
from qa_service.retrieval.manifest import FORMAT, FORMAT_VERSION, EmbedderRecord, Manifest
from qa_service.retrieval.passage_pieces import PassagePieces, cut_in_pieces
from qa_service.retrieval.passage_vectors import PassageEmbedding, unfinished_key
from qa_service.retrieval.publishing import building, tidy
from qa_service.retrieval.recipe import recipe_fingerprint
from qa_service.retrieval.records import records_to_files
from qa_service.retrieval.sentence_vectors import SentenceVectors
from qa_service.retrieval.staleness import source_records, stale_reason
from qa_service.retrieval.terms import without_invisible
from qa_service.types import Document, Passage, Source

_CHECKPOINT_SECONDS = 5.0
_BATCH = 256


class Stage(StrEnum):
    """What a build is at, in this order."""

    READING = "reading"  # counted in documents
    EMBEDDING = "embedding"  # in passages that have to be embedded
    TERMS = "terms"  # in passages
    PIECES = "pieces"  # in passages
    SAVING = "saving"  # in generations: one


class Progress(Protocol):
    def __call__(self, stage: Stage, done: int, total: int, /) -> None:
        """Called at the start of a stage (`done` is 0), on the way, and at its end."""
        ...


@dataclass(frozen=True, slots=True)
class BuildReport:
    """`embedded`, `reused` (from the generation before) and `resumed` (from a build that was
    stopped) count passages. `unchanged`: nothing had to be built."""

    generation: str
    documents: int
    passages: int
    embedded: int
    reused: int
    resumed: int
    unchanged: bool
    seconds: float


def build_index(
    corpus: Path,
    index: Path,
    *,
    embedder: Embedder,
    progress: Progress | None = None,
    checkpoint_seconds: float = _CHECKPOINT_SECONDS,
    disk: Disk | None = None,
) -> BuildReport:
    """Bring the index up to date with the corpus and make it the current generation.

    An index that is whole and up to date is left alone. Vectors made are kept for a later build
    every `checkpoint_seconds`. Raises CorpusError and its kin, ModelError, IndexBusyError,
    IndexFormatError for a folder with something else in it, IndexFaultError when it cannot be
    written.
    """
    started = time.perf_counter()
    notify = progress or _silent
    sources = read_corpus(corpus)
    with building(index, disk=disk) as writer:
        previous = _previous(index)
        if previous is not None and _is_current(previous, sources, embedder):
            writer.clean(finished=unfinished_key(embedder))
            return _unchanged(previous, time.perf_counter() - started)
        writer.clean()
        documents, passages = _read(corpus, sources, notify)
        texts = [embedding_text(passage) for passage in passages]
        vectors = PassageEmbedding(
            embedder, writer, previous, checkpoint_seconds, partial(notify, Stage.EMBEDDING)
        ).run(texts)
        lexical = _lexical(documents, texts, notify)
        pieces, sentences = _pieces(embedder, passages, notify)
        files = {
            **records_to_files(documents, passages),
            **vectors.to_files(),
            **lexical.to_files(),
            **pieces.to_files(),
            **sentences.to_files(),
            **AcronymTable.build(texts).to_files(),
        }
        notify(Stage.SAVING, 0, 1)
        manifest = _manifest(corpus, sources, embedder, len(passages))
        generation = writer.publish(manifest, files)
        notify(Stage.SAVING, 1, 1)
    return BuildReport(
        generation=generation,
        documents=len(documents),
        passages=len(passages),
        embedded=vectors.embedded,
        reused=vectors.reused,
        resumed=vectors.resumed,
        unchanged=False,
        seconds=time.perf_counter() - started,
    )


def tidy_index(index: Path, *, embedder: Embedder) -> None:
    """Remove what stopped builds left beside an index that is whole and up to date; quick when
    there is nothing, and nothing is done where it cannot be done now."""
    tidy(index, finished=unfinished_key(embedder))


def embedding_text(passage: Passage) -> str:
    """What is embedded, searched and matched of a passage: its context lines, then its text."""
    return without_invisible("\n".join((*passage.context, passage.text)))


def _silent(stage: Stage, done: int, total: int) -> None:
    pass


# --- before ------------------------------------------------------------------------------------


def _previous(index: Path) -> Stored | None:
    try:
        return load_generation(index)
    except IndexFaultError:
        return None


def _is_current(previous: Stored, sources: Sequence[Source], embedder: Embedder) -> bool:
    return not previous.degraded and stale_reason(previous.manifest, sources, embedder) is None


def _unchanged(previous: Stored, seconds: float) -> BuildReport:
    manifest = previous.manifest
    return BuildReport(
        generation=previous.generation,
        documents=len(manifest.sources),
        passages=manifest.passages,
        embedded=0,
        reused=manifest.passages,
        resumed=0,
        unchanged=True,
        seconds=seconds,
    )


# --- the parts ---------------------------------------------------------------------------------


def _read(
    corpus: Path, sources: Sequence[Source], notify: Progress
) -> tuple[tuple[Document, ...], tuple[Passage, ...]]:
    read: list[Document] = []
    notify(Stage.READING, 0, len(sources))
    for source in sources:
        read.append(read_document(source))
        notify(Stage.READING, len(read), len(sources))
    documents = resolve_references(read)
    passages = tuple(passage for document in documents for passage in cut_passages(document))
    if not passages:
        raise CorpusError(corpus, "holds no text that could be searched.")
    return documents, passages


def _lexical(documents: Sequence[Document], texts: Sequence[str], notify: Progress) -> LexicalIndex:
    aliases = AliasTable.from_documents(documents)
    return LexicalIndex.build(
        texts, find_atoms=aliases.find, progress=_counting(notify, Stage.TERMS, len(texts))
    )


def _pieces(
    embedder: Embedder, passages: Sequence[Passage], notify: Progress
) -> tuple[PieceIndex, SentenceVectors]:
    model = piece_model(embedder)
    progress = _counting(notify, Stage.PIECES, len(passages))
    cut: list[PassagePieces] = []
    vectors: list[SentenceVectors] = []
    for first in range(0, len(passages), _BATCH):
        some = passages[first : first + _BATCH]
        headings = ["\n".join(passage.context) for passage in some]
        batch = cut_in_pieces([passage.text for passage in some], model, headings=headings)
        vectors.append(SentenceVectors.build(batch, model))
        cut += batch
        progress(len(cut))
    return PieceIndex.build(cut, model), SentenceVectors.joined(vectors)


def _counting(notify: Progress, stage: Stage, total: int) -> Callable[[int], None]:
    notify(stage, 0, total)
    return lambda done: notify(stage, done, total)


def _manifest(
    corpus: Path, sources: Sequence[Source], embedder: Embedder, passages: int
) -> Manifest:
    return Manifest(
        format=FORMAT,
        format_version=FORMAT_VERSION,
        created=datetime.now(UTC),
        program_version=__version__,
        recipe=recipe_fingerprint(),
        embedder=EmbedderRecord(
            embedder.name, embedder.fingerprint, embedder.dimension, embedder.licence
        ),
        piece_model=piece_model(embedder).fingerprint,
        sources=source_records(sources),
        passages=passages,
        files={},
        corpus=str(corpus.resolve()),
    )
