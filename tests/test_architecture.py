"""The direction of imports, as pyproject.toml states it ([tool.importlinter])."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter import cli


def test_imports_go_one_way(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    status = cli.lint_imports(no_cache=True)
    assert status == cli.EXIT_STATUS_SUCCESS, capsys.readouterr().out
