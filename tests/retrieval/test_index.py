"""Building, loading and bringing up to date, with the real reader and the built-in model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray

from qa_service.errors import (
    CorpusError,
    IndexBusyError,
    IndexDamagedError,
    IndexFormatError,
    IndexMissingError,
    ModelMismatchError,
)
from qa_service.retrieval.disk import Disk, Step, StepKind
from qa_service.retrieval.embedding import BuiltinEmbedder, Embedder, load_embedder
from qa_service.retrieval.index import (
    BuildReport,
    Index,
    Stage,
    build_index,
    embedding_text,
    is_stale,
    load_index,
)
from qa_service.retrieval.publishing import building
from qa_service.retrieval.records import records_from_files, records_to_files
from qa_service.retrieval.sentence_vectors import SentenceVectors
from qa_service.retrieval.vectors import VectorIndex

FRUIT = ["りんごは赤い。", "みかんは甘い。", "ぶどうは紫だ。", "ももは柔らかい。"]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write(tmp_path / "corpus", FRUIT[:3])


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def write(corpus: Path, texts: Sequence[str]) -> Path:
    """One document a text, named after its place."""
    corpus.mkdir(exist_ok=True)
    for number, text in enumerate(texts):
        (corpus / f"{number}.txt").write_text(f"{text}\n", encoding="utf-8")
    return corpus


class Counting:
    """An embedder like the built-in one that counts what it embeds, and stops when it has had
    `stop_after` passages."""

    def __init__(self, *, stop_after: int | None = None, name: str = "counting") -> None:
        self._inner = load_embedder()
        self.name = name
        self.licence = ""
        self.fingerprint = f"{name:0<64}"
        self.dimension = self._inner.dimension
        self.embedded: list[str] = []
        self._stop_after = stop_after

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._inner.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self._stop_after is not None and len(self.embedded) >= self._stop_after:
            raise KeyboardInterrupt
        self.embedded.extend(texts)
        return self._inner.encode_passages(texts)


def built(corpus: Path, index: Path, embedder: Embedder | None = None) -> BuildReport:
    return build_index(corpus, index, embedder=embedder or load_embedder())


# --- build and load ----------------------------------------------------------------------------


def test_every_row_belongs_to_its_passage(chapter_index: Index) -> None:
    index = chapter_index
    texts = [embedding_text(passage) for passage in index.passages]
    assert len(index.passages) == len(index.vectors) == len(index.pieces) > 40
    assert [index.rows[passage.id] for passage in index.passages] == list(range(len(texts)))
    assert np.allclose(index.vectors.matrix, index.embedder.encode_passages(texts), atol=1e-6)
    assert index.languages == ("ja",) * len(texts)
    assert index.degraded == ()
    (document,) = index.documents.values()
    assert index.documents == {document.id: document}
    assert {passage.document_id for passage in index.passages} == {document.id}


def test_the_manifest_says_what_it_was_made_of(chapter_index: Index) -> None:
    manifest, embedder = chapter_index.manifest, chapter_index.embedder
    assert manifest.embedder.name == "builtin"
    assert manifest.embedder.fingerprint == embedder.fingerprint == manifest.piece_model
    assert manifest.embedder.dimension == embedder.dimension == chapter_index.vectors.dimension
    assert manifest.passages == len(chapter_index.passages)
    (document,) = chapter_index.documents.values()
    (source,) = manifest.sources
    assert (source.id, source.sha256) == (document.id, document.source.sha256)
    assert manifest.created.tzinfo is not None


def test_documents_and_passages_come_back_equal(chapter_index: Index) -> None:
    documents = tuple(chapter_index.documents.values())
    files = records_to_files(documents, chapter_index.passages)
    assert records_from_files(files) == (documents, chapter_index.passages)
    assert documents[0].figures
    assert documents[0].repairs
    assert documents[0].source.metadata.chapter


def test_documents_are_in_the_order_of_the_corpus(corpus: Path, index: Path) -> None:
    report = built(corpus, index)
    loaded = load_index(index)
    assert list(loaded.documents) == ["0", "1", "2"]
    assert loaded.generation == report.generation
    assert (report.documents, report.passages, report.embedded, report.reused) == (3, 3, 3, 0)
    assert not report.unchanged


def test_progress_is_told_from_start_to_end(corpus: Path, index: Path) -> None:
    told: list[tuple[Stage, int, int]] = []
    build_index(corpus, index, embedder=load_embedder(), progress=lambda *event: told.append(event))
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == list(Stage)
    for stage in Stage:
        events = [(done, total) for at, done, total in told if at is stage]
        total = events[0][1]
        assert events[0] == (0, total)
        assert events[-1] == (total, total)
        assert events == sorted(events)


def test_no_text_at_all(tmp_path: Path, index: Path) -> None:
    with pytest.raises(CorpusError):
        built(write(tmp_path / "corpus", ["　"]), index)
    with pytest.raises(IndexMissingError):
        load_index(index)


# --- bringing up to date -----------------------------------------------------------------------


def test_nothing_is_done_when_nothing_has_changed(corpus: Path, index: Path) -> None:
    first, again = built(corpus, index), built(corpus, index)
    assert again.unchanged
    assert again.generation == first.generation
    assert (again.embedded, again.passages) == (0, 3)


def test_only_what_has_changed_is_embedded_again(corpus: Path, index: Path) -> None:
    built(corpus, index, Counting())
    write(corpus, [FRUIT[0], "みかんはすっぱい。", FRUIT[2], FRUIT[3]])
    embedder = Counting()
    report = built(corpus, index, embedder)
    assert (report.embedded, report.reused, report.passages) == (2, 2, 4)
    assert sorted(text.splitlines()[-1] for text in embedder.embedded) == [
        "みかんはすっぱい。",
        "ももは柔らかい。",
    ]
    loaded = load_index(index, embedder=embedder)
    texts = [embedding_text(passage) for passage in loaded.passages]
    assert np.array_equal(loaded.vectors.matrix, embedder.encode_passages(texts))


def test_a_document_that_is_gone_is_gone(corpus: Path, index: Path) -> None:
    built(corpus, index)
    (corpus / "1.txt").unlink()
    report = built(corpus, index)
    assert (report.embedded, report.reused) == (0, 2)
    assert list(load_index(index).documents) == ["0", "2"]


def test_another_model_embeds_everything_again(corpus: Path, index: Path) -> None:
    built(corpus, index, Counting())
    report = built(corpus, index, Counting(name="another"))
    assert (report.embedded, report.reused) == (3, 0)


def test_a_text_that_occurs_twice_is_embedded_once(tmp_path: Path, index: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    lines = [f'{{"id": "{n}", "title": "果物", "text": "{text}"}}' for n, text in enumerate(FRUIT)]
    (corpus / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    embedder = Counting()
    report = built(corpus, index, embedder)
    assert report.embedded == report.passages == 4
    assert len(embedder.embedded) == len(set(embedder.embedded))


def test_a_damaged_index_is_built_anew(corpus: Path, index: Path) -> None:
    generation = built(corpus, index).generation
    file = index / "generations" / generation / "passages.jsonl"
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(IndexDamagedError, match=r"passages\.jsonl"):
        load_index(index)
    report = built(corpus, index)
    assert not report.unchanged
    assert load_index(index).generation == report.generation


def test_the_last_good_generation_is_served(corpus: Path, index: Path) -> None:
    old = built(corpus, index).generation
    write(corpus, FRUIT)
    new = built(corpus, index).generation
    file = index / "generations" / new / "vectors.faiss"
    file.write_bytes(b"\0" * len(file.read_bytes()))
    loaded = load_index(index)
    assert loaded.generation == old
    assert "vectors.faiss" in loaded.degraded[0]
    with pytest.raises(IndexDamagedError, match=r"vectors\.faiss"):
        load_index(index, fallback=False)
    report = built(corpus, index)
    assert (report.unchanged, report.reused, report.embedded) == (False, 3, 1)
    assert load_index(index).degraded == ()


# --- stopped on the way ------------------------------------------------------------------------


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """More passages than are embedded in one go."""
    return write(tmp_path / "many", [f"{n}番目の文書。" for n in range(200)])


def test_an_interrupted_build_is_resumed(many: Path, corpus: Path, index: Path) -> None:
    old = built(corpus, index, Counting()).generation
    stopped = Counting(stop_after=100)
    with pytest.raises(KeyboardInterrupt):
        built(many, index, stopped)
    assert load_index(index, embedder=stopped).generation == old
    again = Counting()
    report = built(many, index, again)
    assert report.resumed == len(stopped.embedded) >= 100
    assert report.embedded == len(again.embedded) == 200 - report.resumed
    assert not set(stopped.embedded) & set(again.embedded)
    loaded = load_index(index, embedder=again)
    texts = [embedding_text(passage) for passage in loaded.passages]
    assert np.array_equal(loaded.vectors.matrix, again.encode_passages(texts))
    assert not (index / "unfinished").exists()


def test_a_killed_build_is_resumed_from_its_last_checkpoint(many: Path, index: Path) -> None:
    class Killed(BaseException):
        pass

    class Dying(Counting):
        def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if len(self.embedded) >= 100:
                raise Killed
            return super().encode_passages(texts)

    embedder = Dying()
    with pytest.raises(Killed):
        build_index(many, index, embedder=embedder, checkpoint_seconds=0)
    report = built(many, index, Counting())
    assert report.resumed == len(embedder.embedded)


def test_another_model_does_not_go_on_with_it(many: Path, index: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        built(many, index, Counting(stop_after=100))
    assert built(many, index, Counting(name="another")).resumed == 0


@pytest.mark.parametrize("stage", list(Stage))
def test_an_interrupt_at_any_stage_leaves_the_index_as_it_was(
    corpus: Path, index: Path, stage: Stage
) -> None:
    def interrupt(at: Stage, done: int, total: int) -> None:
        if at is stage and done == 0:
            raise KeyboardInterrupt

    old = built(corpus, index).generation
    write(corpus, FRUIT)
    with pytest.raises(KeyboardInterrupt):
        build_index(corpus, index, embedder=load_embedder(), progress=interrupt)
    assert load_index(index).generation == old
    assert built(corpus, index).documents == 4


def test_two_builders(corpus: Path, index: Path) -> None:
    with building(index), pytest.raises(IndexBusyError, match="Another process"):
        built(corpus, index)


def test_all_writes_go_through_the_disk(corpus: Path, index: Path) -> None:
    written: set[Path] = set()

    def note(step: Step) -> None:
        if step.kind is StepKind.RENAME and step.target:
            moved = {path for path in written if path.is_relative_to(step.path)}
            written.difference_update(moved)
            written.update(step.target / path.relative_to(step.path) for path in moved)
        elif step.kind in (StepKind.OPEN, StepKind.LOCK):
            written.add(step.path)

    build_index(corpus, index, embedder=load_embedder(), disk=Disk(note))
    files = {path for path in index.rglob("*") if path.is_file()}
    assert len(files) > 8
    assert written == files
    assert not any(path.suffix in {".pkl", ".pickle", ".npy"} for path in files)


# --- out of date -------------------------------------------------------------------------------


def test_out_of_date(corpus: Path, index: Path) -> None:
    embedder = load_embedder()
    assert is_stale(corpus, index, embedder=embedder) == "there is no index yet"
    built(corpus, index)
    assert is_stale(corpus, index, embedder=embedder) is None
    (corpus / "3.txt").write_text(FRUIT[3], encoding="utf-8")
    assert is_stale(corpus, index, embedder=embedder) == "3.txt is new"
    (corpus / "3.txt").unlink()
    (corpus / "0.txt").write_text("りんごは青い。", encoding="utf-8")
    assert is_stale(corpus, index, embedder=embedder) == "0.txt has changed"
    (corpus / "0.txt").unlink()
    assert is_stale(corpus, index, embedder=embedder) == "0.txt is gone"


def test_metadata_counts_as_a_change(corpus: Path, index: Path) -> None:
    built(corpus, index)
    (corpus / "0.toml").write_text('title = "果物白書"\n', encoding="utf-8")
    assert is_stale(corpus, index, embedder=load_embedder()) == "0.txt has changed"


def test_another_model_makes_it_out_of_date(corpus: Path, index: Path) -> None:
    built(corpus, index)
    reason = is_stale(corpus, index, embedder=Counting())
    assert reason == "the embedding model is another: counting, not builtin"


def test_another_program_makes_it_out_of_date(
    corpus: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(corpus, index)
    monkeypatch.setattr("qa_service.retrieval.staleness.recipe_fingerprint", lambda: "another")
    reason = is_stale(corpus, index, embedder=load_embedder())
    assert reason == "the program reads and indexes in another way"


def test_visible_damage_makes_it_out_of_date(corpus: Path, index: Path) -> None:
    file = index / "generations" / built(corpus, index).generation / "passages.jsonl"
    file.write_bytes(file.read_bytes()[:-5])
    reason = is_stale(corpus, index, embedder=load_embedder())
    assert reason is not None
    assert "passages.jsonl" in reason


# --- another model than the index's ------------------------------------------------------------


def test_another_model_is_refused_with_the_cure(corpus: Path, index: Path) -> None:
    built(corpus, index)
    embedder = Counting(name="office/model")
    with pytest.raises(ModelMismatchError) as caught:
        load_index(index, embedder=embedder)
    assert caught.value.found == embedder.fingerprint
    assert "qa-service index --embedder office/model" in caught.value.message
    assert "--embedder builtin" in caught.value.message


def test_another_version_of_the_same_model_is_refused(corpus: Path, index: Path) -> None:
    built(corpus, index, Counting())
    embedder = Counting()
    embedder.fingerprint = "0" * 64
    with pytest.raises(ModelMismatchError, match="another version of the model counting"):
        load_index(index, embedder=embedder)


def test_another_dimension_is_refused(corpus: Path, index: Path) -> None:
    built(corpus, index, Counting())
    embedder = Counting()
    embedder.dimension = 8
    with pytest.raises(ModelMismatchError, match="qa-service index"):
        load_index(index, embedder=embedder)


def test_another_builtin_model_is_refused(corpus: Path, index: Path) -> None:
    embedder = load_embedder()
    assert isinstance(embedder, BuiltinEmbedder)
    built(corpus, index, Counting())
    model = dataclasses.replace(embedder.model, fingerprint="0" * 64)
    with pytest.raises(ModelMismatchError):
        load_index(index, embedder=BuiltinEmbedder(model))


# --- vectors -----------------------------------------------------------------------------------


def _unit_rows(count: int, dimension: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(0).normal(size=(count, dimension)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def test_vectors_are_found_exactly() -> None:
    matrix = _unit_rows(50, 8)
    vectors = VectorIndex.from_files(VectorIndex.build(matrix).to_files())
    assert np.array_equal(vectors.matrix, matrix)
    expected = matrix @ matrix[7]
    assert np.allclose(vectors.similarities(matrix[7]), expected, atol=1e-6)
    rows, scores = vectors.search(matrix[7], 5)
    assert rows.tolist() == np.argsort(-expected)[:5].tolist()
    assert np.allclose(scores, expected[rows], atol=1e-6)


def test_vectors_are_found_among_the_allowed() -> None:
    matrix = _unit_rows(50, 8)
    allowed = np.zeros(50, dtype=np.bool_)
    allowed[[3, 30, 41]] = True
    rows, _ = VectorIndex.build(matrix).search(matrix[7], 5, allowed)
    assert sorted(rows.tolist()) == [3, 30, 41]
    rows, scores = VectorIndex.build(matrix).search(matrix[7], 5, np.zeros(50, dtype=np.bool_))
    assert len(rows) == len(scores) == 0


def test_the_matrix_can_be_kept_without_the_index_but_not_changed() -> None:
    expected = _unit_rows(3000, 64)
    matrix = VectorIndex.build(expected).matrix
    others = [VectorIndex.build(np.zeros_like(expected)) for _ in range(5)]
    assert np.array_equal(matrix, expected)
    assert not any(other.matrix.any() for other in others)
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 1


def test_an_index_that_lacks_a_file_names_the_cure(corpus: Path, index: Path) -> None:
    """As versions before sentences had vectors wrote it."""
    with patch.object(SentenceVectors, "to_files", return_value={}):
        built(corpus, index)
    with pytest.raises(IndexFormatError, match="Run `qa-service index`"):
        load_index(index)
