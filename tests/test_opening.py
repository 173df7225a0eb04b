"""Opening an index: tidied up, built where it must be, and the old one where it cannot be."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from qa_service.cli.opening import build, open_index
from qa_service.errors import IndexBusyError
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import build_index
from qa_service.retrieval.publishing import building
from qa_service.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A corpus of one text with its index."""
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index")
    settings.corpus_path.mkdir()
    write(settings, "a.txt", "りんごは赤い。")
    build_index(settings.corpus_path, settings.index_path, embedder=load_embedder())
    return settings


def write(settings: Settings, name: str, text: str) -> None:
    (settings.corpus_path / name).write_text(f"{text}\n", encoding="utf-8")


def test_what_a_stopped_build_left_is_removed(settings: Settings) -> None:
    litter = settings.index_path / "generations" / "000002.building"
    litter.mkdir()
    with building(settings.index_path) as writer:
        writer.save_unfinished(load_embedder().fingerprint[:16], b"vectors")
    assert open_index(settings).degraded == ()
    assert not litter.exists()
    assert not (settings.index_path / "unfinished").exists()


def test_a_corpus_that_cannot_be_read_leaves_the_index_in_service(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    (settings.corpus_path / "b.txt").write_bytes("りんご".encode("cp932"))
    opened = open_index(settings)
    assert list(opened.documents) == ["a"]
    assert "cannot be read" in opened.degraded[0]
    assert "CP932" in capsys.readouterr().err.upper()


def test_what_is_not_read_is_named_once(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("page.html", "report.pdf", "empty.md"):
        (settings.corpus_path / name).write_bytes(b"")
    write(settings, "b.txt", "みかんは甘い。")
    assert list(open_index(settings).documents) == ["a", "b"]
    assert "Skipped: empty.md, page.html, report.pdf." in capsys.readouterr().err


def test_an_index_inside_the_corpus_is_no_document(settings: Settings) -> None:
    file = Settings(corpus=settings.corpus_path / "a.txt")
    assert file.index_path.parent == settings.corpus_path
    build(file, load_embedder())
    write(settings, "b.txt", "みかんは甘い。")
    assert list(open_index(settings).documents) == ["a", "b"]


def test_a_server_does_not_wait_for_another_builder(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    write(settings, "b.txt", "みかんは甘い。")
    with building(settings.index_path):
        opened = open_index(settings, wait=False)
    assert list(opened.documents) == ["a"]
    assert "being built" in opened.degraded[0]
    assert f"Another process ({os.getpid()})" in capsys.readouterr().err
    assert list(open_index(settings).documents) == ["a", "b"]


def test_waiting_for_another_builder_is_said(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with building(settings.index_path), pytest.raises(IndexBusyError):
        build(settings, load_embedder(), busy_seconds=0.3)
    assert capsys.readouterr().err.count("Waiting.") == 1


def test_the_index_as_it_was_is_used_when_the_disk_is_full(settings: Settings) -> None:
    write(settings, "b.txt", "みかんは甘い。")
    places = ["--corpus", str(settings.corpus_path), "--index", str(settings.index_path)]
    done = subprocess.run(
        [sys.executable, "-m", "qa_service", "search", *places, "りんご"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert done.returncode == 0
    assert "りんごは赤い" in done.stdout
    assert "cannot be written: File too large" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
