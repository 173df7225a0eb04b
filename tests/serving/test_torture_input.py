"""The short form of scripts/torture_input.py: a real server, a language model that obeys orders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("probe", ["injection", "secrets"])
def test_hostile_input_gains_nothing(repository: Path, probe: str) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "scripts/torture_input.py", "--only", probe),
            *("--payloads", "30", "--secrets", "60"),
        ],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "holds" in done.stdout
