"""The index survives: a short form of scripts/torture_storage.py, which says what it tries.

It forks, so it runs in a process of its own, with one thread.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qa_service.errors import IndexDamagedError
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import build_index, load_index

# By part of the script: options, and the least number of trials in each of its groups.
PARTS = {
    "steps": (["--seeds", "1", "--every", "24"], [10]),
    "losses": (["--seeds", "1", "--every", "24"], [8, 8, 10]),
    "kills": (["--kills", "10", "--processes", "0"], [10, 10]),
    "damage": (["--flips", "44"], [44, 11, 15]),
    "refusals": (["--every", "37", "--processes", "0"], [10]),
    "swaps": (["--swaps", "5"], [5]),
    "builders": (["--rounds", "8", "--processes", "0"], [8, 2]),
}


@pytest.mark.parametrize("part", PARTS)
def test_the_index_survives(repository: Path, part: str) -> None:
    options, least = PARTS[part]
    done = subprocess.run(
        [
            *(sys.executable, str(repository / "scripts" / "torture_storage.py")),
            *("--json", "--only", part, *options),
        ],
        cwd=repository,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    groups: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert [group["faults"] for group in groups] == [[] for _ in least], done.stderr
    assert all(group["trials"] >= wanted for group, wanted in zip(groups, least, strict=True))
    assert (done.returncode, done.stderr) == (0, "")


# --- what is opened, and how -------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    """A corpus of one text, and its index."""
    corpus, index = tmp_path / "corpus", tmp_path / "index"
    corpus.mkdir()
    (corpus / "a.txt").write_text("りんごは赤い。みかんは甘い。\n", encoding="utf-8")
    build_index(corpus, index, embedder=load_embedder())
    return corpus, index


def test_faiss_sees_only_bytes_that_passed_their_checksum(
    small: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import faiss

    _, index = small
    opened: list[bytes] = []
    deserialize = faiss.deserialize_index

    def watch(data: Any) -> Any:
        opened.append(data.tobytes())
        return deserialize(data)

    monkeypatch.setattr(faiss, "deserialize_index", watch)
    load_index(index)
    (path,) = index.rglob("vectors.faiss")
    whole = path.read_bytes()
    assert opened == [whole]
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(IndexDamagedError, match=r"vectors\.faiss"):
            load_index(index)
    assert opened == [whole]


def test_one_place_opens_faiss_files(repository: Path) -> None:
    readers = {
        path.name
        for path in (repository / "qa_service").rglob("*.py")
        for name in _names(path)
        if name.startswith(("deserialize_index", "read_index"))
    }
    assert readers == {"vectors.py"}


_PICKLES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("folder", ["qa_service", "scripts", "examples"])
def test_no_pickle_is_written_or_read(repository: Path, folder: str) -> None:
    files = sorted((repository / folder).rglob("*.py"))
    assert files
    for path in files:
        assert not _PICKLES & _imported(path), path
        for call in _calls(path):
            arguments = {each.arg: ast.unparse(each.value) for each in call.keywords}
            match ast.unparse(call.func):
                case "np.load" | "numpy.load":
                    assert arguments.get("allow_pickle") == "False", path
                case "torch.load":
                    assert arguments.get("weights_only") == "True", path
                case "np.save" | "numpy.save" | "torch.save" if folder == "qa_service":
                    pytest.fail(f"{path}: {ast.unparse(call)}")


_WITHOUT_PICKLE = """
import sys
def refuse(event, arguments):
    if event.startswith("pickle."):
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(refuse)
from pathlib import Path
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import build_index, load_index
from qa_service.retrieval.search import search
corpus, index = Path(sys.argv[1]), Path(sys.argv[2])
build_index(corpus, index, embedder=load_embedder())
print(search(load_index(index), "りんごの色").hits[0].passage.text)
"""


def test_nothing_is_unpickled_while_building_loading_and_searching(
    small: tuple[Path, Path], tmp_path: Path
) -> None:
    corpus, _ = small
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_PICKLE, str(corpus), str(tmp_path / "other")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "りんごは赤い" in done.stdout, done.stderr


def _names(path: Path) -> set[str]:
    return {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.Attribute | ast.Name)
    }


def _imported(path: Path) -> set[str]:
    """Top-level names of the modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(_parsed(path)) if isinstance(node, ast.Call)]


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
