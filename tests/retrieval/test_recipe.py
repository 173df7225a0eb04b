"""The recipe's fingerprint covers the code that decides what stands in an index."""

from __future__ import annotations

import ast
from pathlib import Path

from qa_service.retrieval import recipe

PACKAGE = Path(recipe.__file__).parent.parent

# What `build` imports and the fingerprint leaves out, each for its reason.
DECIDES_NOTHING = {
    "errors.py": "says what went wrong",
    "retrieval/disk.py": "how bytes reach the disk",
    "retrieval/layout.py": "where the files lie; another layout is another format version",
    "retrieval/generations.py": "reads what was written",
    "retrieval/publishing.py": "writes what was made",
    "retrieval/unfinished.py": "keeps vectors under the checksum of their text",
    "retrieval/manifest.py": "what is recorded of an index; another record is another format version",
    "retrieval/staleness.py": "compares what is recorded",
    "retrieval/recipe.py": "the fingerprint itself",
    "retrieval/embedding.py": "vectors are told apart by the model's own fingerprint",
    "retrieval/sentence_transformer.py": "the same",
    "retrieval/known_models.py": "the same",
    "retrieval/model_place.py": "where a model lies",
    "retrieval/model_loading.py": "how it is loaded",
}


def test_all_that_building_imports_is_covered_or_left_out_for_a_reason() -> None:
    waiting, reached = {PACKAGE / "retrieval" / "build.py"}, set[Path]()
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting |= _imported(module) - reached
    names = {module.relative_to(PACKAGE).as_posix() for module in reached}
    assert {"reading/structure.py", "reading/numbering.py", "retrieval/terms.py"} <= names
    assert names - _covered() == DECIDES_NOTHING.keys()


def test_the_data_that_the_reader_works_by_is_covered() -> None:
    assert "reading/box_words.txt" in _covered()


def _covered() -> set[str]:
    found = {path for pattern in recipe._CODE for path in PACKAGE.glob(pattern)}
    return {path.relative_to(PACKAGE).as_posix() for path in found}


def _imported(module: Path) -> set[Path]:
    """The files of this package that a module imports anywhere in it, functions included."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module
            assert node.level == 0, "relative imports are not followed here"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    files = {PACKAGE.parent / f"{name.replace('.', '/')}.py" for name in names}
    return {file for file in files if file.is_file()}
