"""The direction of imports, as pyproject.toml states it ([tool.importlinter])."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_LINT = "from importlinter import cli; raise SystemExit(cli.lint_imports(no_cache=True))"


def test_imports_go_one_way(repository: Path) -> None:
    # In a process of its own: it turns off the loggers of the one that it runs in.
    done = subprocess.run(
        [sys.executable, "-c", _LINT], cwd=repository, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
