"""What the trials of scripts/torture_storage.py share: corpora, what was built, and how to judge.

Three versions of one small corpus, each built once without any fault. Whatever a trial does to an
index, what it holds afterwards is compared with these byte for byte.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from qa_service.cli.opening import open_index
from qa_service.errors import IndexFaultError, IndexMissingError
from qa_service.retrieval.embedding import Embedder, load_embedder
from qa_service.retrieval.generations import Stored, load_generation
from qa_service.retrieval.index import Index, build_index
from qa_service.settings import Settings

_DOCUMENTS = 6
_CHANGES_NOT = 2  # of them are the same in all versions

_DOCUMENT = """\
# 第{number}節 品目{number}の調達

## 1 概要

品目{number}は第{version}版で定める。調達の方法は図表1-{number}に示す。

## 2 手続

調達の手続は第{version}版の別表による。担当は部署{number}である。The procedure of edition {version}.

図表1-{number} 品目{number}の数量（第{version}版）

| 年度 | 数量 |
| --- | --- |
| 令和5年 | {version}{number} |
| 令和6年 | {number}{version} |
"""


class Version(StrEnum):
    OLDER = "1"
    OLD = "2"
    NEW = "3"


NOTHING = "nothing"


def degraded(version: str) -> str:
    """As `Bench.held` says it."""
    return f"{version} degraded"


@dataclass
class Outcome:
    """What a group of trials found; `figures` are for people."""

    name: str
    trials: int = 0
    faults: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    slowest_start_seconds: float = 0.0

    def count(self, what: str) -> None:
        self.figures[what] = self.figures.get(what, 0) + 1


class Bench:
    """Works in `root`, an empty folder. Everything that is loaded once is loaded here."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.embedder: Embedder = load_embedder()
        self._files: dict[Version, Mapping[str, bytes]] = {}
        for version in Version:
            write_corpus(self.corpus(version), version)
            place = root / "built" / version
            build_index(self.corpus(version), place, embedder=self.embedder)
            self._files[version] = load_generation(place).files

    def corpus(self, version: Version) -> Path:
        return self.root / "corpora" / version / "corpus"

    def template(self, *versions: Version) -> Path:
        """An index to copy, into which these were built, the last one being current."""
        place = self.root / "templates" / ("-".join(versions) or "none") / "index"
        if not place.parent.exists():
            place.parent.mkdir(parents=True)
            for version in versions:
                build_index(self.corpus(version), place, embedder=self.embedder)
        return place

    @contextlib.contextmanager
    def copy_of(self, template: Path, name: str = "trial") -> Iterator[Path]:
        """A copy of an index, alone in its folder (which is removed at the end)."""
        place = self.root / name
        place.mkdir()
        if template.exists():
            shutil.copytree(template, place / template.name)
        try:
            yield place / template.name
        finally:
            shutil.rmtree(place)

    def version_of(self, stored: Stored) -> Version | None:
        """The version that was built with exactly these files, every byte compared."""
        for version, files in self._files.items():
            if dict(stored.files) == dict(files):
                return version
        return None

    def held(self, index: Path) -> str:
        """What an index serves, every byte compared: a version, `1 degraded`, or `nothing`."""
        try:
            stored = load_generation(index)
        except IndexMissingError:
            return NOTHING
        except IndexFaultError as error:
            return f"{type(error).__name__}: {error.file}"
        found = self.version_of(stored) or "a mixture"
        return degraded(found) if stored.degraded else found

    def start(self, index: Path, version: Version) -> tuple[Index, float]:
        """What every command begins with, the model being loaded, and the seconds that it took."""
        settings = Settings(corpus=self.corpus(version), index=index)
        started = time.perf_counter()
        with contextlib.redirect_stderr(io.StringIO()):
            opened = open_index(settings, embedder=self.embedder)
        return opened, time.perf_counter() - started


def write_corpus(corpus: Path, version: object, *, documents: int = _DOCUMENTS) -> None:
    """Every document names the version in every passage, but for those that never change."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number in range(documents):
        named = 0 if number < _CHANGES_NOT else version
        text = _DOCUMENT.format(number=number, version=named)
        new = corpus / f"item-{number}.md.new"
        new.write_text(text, encoding="utf-8")
        new.replace(corpus / f"item-{number}.md")


def litter_in(index: Path) -> list[str]:
    """Names in an index folder that a quiet, whole index does not have."""
    found = [entry.name for entry in index.iterdir()]
    litter = sorted(set(found) - {"CURRENT", "LOCK", "generations"})
    generations = sorted((index / "generations").iterdir())
    litter += [folder.name for folder in generations[:-2] if folder.is_dir()]
    litter += [folder.name for folder in generations if "." in folder.name]
    return litter
