"""The command that trains the built-in model (scripts/train_embedding.py)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import train_embedding


def test_the_layer_alone_needs_a_model_to_go_on_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folders = [str(tmp_path), "--work", str(tmp_path / "work"), "--output", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["train_embedding.py", *folders, "--context-only"])
    with pytest.raises(SystemExit):
        train_embedding.main()
    assert "needs --start" in capsys.readouterr().err
    assert not (tmp_path / "work").exists()
