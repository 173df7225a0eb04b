"""An installed wheel answers from the packaged chapter, in an empty folder, offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=repository,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_holds_the_chapter_the_model_and_the_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.startswith("qa_service/corpus/") and name.endswith(".md") for name in names)
    assert any(name.startswith("qa_service/corpus/") and name.endswith(".toml") for name in names)
    assert "qa_service/models/builtin/model.safetensors" in names
    assert "qa_service/models/builtin/tokenizer.json" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "scripts/", "index/")) for name in names)


def test_answers_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    installed, empty = tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet"),
            *("--target", str(installed), str(wheel)),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "HF_HUB_OFFLINE": "1",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        [str(installed / "bin" / "qa-service"), "search", "--json", "図表Ⅲ-2-1-1"],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout)["results"][0]
    assert first["citation"]["figure"]["label"] == "図表Ⅲ-2-1-1"
    assert list(empty.iterdir()) == []
    assert (tmp_path / "cache" / "qa_service" / "index").is_dir()
