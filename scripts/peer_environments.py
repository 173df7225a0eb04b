"""The peers, and a virtual environment for each, made once and kept.

A peer that cannot be installed is said to be so; the others go on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parent.parent
_FOR_THE_MODEL = ("numpy", "safetensors", "tokenizers")
_FOR_JAPANESE = ("sudachipy", "sudachidict-core")
_INSTALLED = ".installed"  # holds what was asked for
_MINUTES = 30


@dataclass(frozen=True, slots=True)
class Peer:
    """`module` under `peers` knows its `set_ups`; without `requirements` it runs in this environment."""

    module: str
    set_ups: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    needs_torch: bool = False


PEERS = {
    "qa_service": Peer("qa_service_search", ("as shipped",)),
    "bare": Peer("bare_search", ("both, reciprocal ranks", "bm25s alone", "FAISS alone")),
    "txtai": Peer(
        "txtai_search", ("documented", "for Japanese"), ("txtai>=9.14,<10",), needs_torch=True
    ),
    "llamaindex": Peer(
        "llamaindex_search",
        ("documented", "for Japanese"),
        (
            "llama-index-core>=0.14,<0.15",
            "llama-index-retrievers-bm25>=0.8,<0.9",
            "llama-index-vector-stores-faiss>=0.7,<0.8",
            "faiss-cpu",
        ),
    ),
    "langchain": Peer(
        "langchain_search",
        ("documented", "for Japanese"),
        (
            "langchain-core>=1.7,<2",
            "langchain-classic>=1,<2",
            "langchain-community>=0.4.2,<0.5",  # the last one: it is maintained no longer
            "rank-bm25",
            "faiss-cpu",
        ),
    ),
    "haystack": Peer(
        "haystack_search",
        ("documented", "documented, reciprocal ranks", "for Japanese"),
        ("haystack-ai>=3.4,<4",),
    ),
}


class PeerUnavailableError(Exception):
    """`str()` says why, in one line."""


def python_of(name: str, folder: Path) -> Path:
    """The Python that runs a peer; its environment in `folder` is made where it is missing.

    Raises PeerUnavailableError when it cannot be made.
    """
    peer = PEERS[name]
    if not peer.requirements:
        return Path(sys.executable)
    environment = folder / name
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = [*peer.requirements, *_FOR_THE_MODEL, *_FOR_JAPANESE]
    torch = _torch() if peer.needs_torch else []
    marker = environment / _INSTALLED
    asked_for = "\n".join([*torch, *wanted])
    if marker.exists() and marker.read_text(encoding="utf-8") == asked_for:
        return python
    print(f"Installing {name} into {environment} …", file=sys.stderr, flush=True)
    _run([sys.executable, "-m", "venv", str(environment)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if torch:  # first and pinned, so that nothing else brings one with CUDA's packages
        _run([*pip, *_torch_index(), *torch])
    _run([*pip, *torch, *wanted])
    marker.write_text(asked_for, encoding="utf-8")
    return python


def environment_variables() -> dict[str, str]:
    """One thread for all, no network, nothing reported to anybody."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(_REPOSITORY), str(_REPOSITORY / "scripts")]),
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HAYSTACK_TELEMETRY_ENABLED": "False",
        "LANGSMITH_TRACING": "false",
    }


def _torch() -> list[str]:
    """The version that the project is tested with."""
    lines = (_REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("torch==")]


def _torch_index() -> list[str]:
    """TORCH_INDEX names the address of CPU-only packages, as for `make setup`."""
    index = os.environ.get("TORCH_INDEX")
    return ["--index-url", index] if index else []


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_MINUTES * 60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerUnavailableError(f"not installed: {error}") from error
    if done.returncode:
        raise PeerUnavailableError(f"not installed: {last_line(done.stderr)}")


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it gave no reason"
