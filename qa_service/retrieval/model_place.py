"""Where an embedding model is: in a folder, in the hub's cache, or on the hub.

Asks the hub at most one short question. Loading what was found is `sentence_transformer`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qa_service.errors import ModelError, ModelNotFoundError

_HUB_SECONDS = 5.0  # to find out whether the hub can be reached

ReadJson = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """Where a model is: a folder, or a name on the hub, `cached` when (some of) it is in the hub's
    cache. `read_json` gives a small file of it, None when it has none of the name."""

    path_or_name: str
    read_json: ReadJson
    cached: bool = False


def locate_model(name: str) -> ModelPlace:
    """Where the model of this name, or in this folder, is.

    Raises ModelNotFoundError, which says what to do, when it is nowhere or out of reach.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not any((folder / file).is_file() for file in ("modules.json", "config.json")):
            raise ModelNotFoundError(
                name,
                f"The folder {name} holds no sentence-transformers model (no modules.json, no "
                "config.json). Pass the model's own folder, or use `builtin`.",
            )
        return ModelPlace(str(folder), lambda file: _json_of(folder / file))
    if folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        raise ModelNotFoundError(
            name, f"There is no folder {name}. Correct the path, or use `builtin`."
        )
    require_library()
    if _is_cached(name):
        return ModelPlace(name, lambda file: _json_of_hub(name, file, local=True), cached=True)
    require_on_hub(name)
    return ModelPlace(name, lambda file: _json_of_hub(name, file, local=False))


def _is_cached(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = [try_to_load_from_cache(name, file) for file in ("modules.json", "config.json")]
    except HFValidationError:
        return False
    return any(isinstance(path, str) for path in found)


def require_on_hub(name: str) -> None:
    """One short question to the hub; ModelNotFoundError says what to do when the answer is no."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        HfApi().model_info(name, timeout=_HUB_SECONDS)
    except (HFValidationError, RepositoryNotFoundError) as error:
        gated = isinstance(error, GatedRepoError)
        reason = (
            "asks for its licence to be accepted: do that on its page, then `hf auth login`"
            if gated
            else "is no folder here and no model on the hub: check the spelling"
        )
        raise ModelNotFoundError(name, f"{name} {reason}, or use `builtin`.") from error
    except (OfflineModeIsEnabled, HfHubHTTPError, OSError, _http_error()) as error:
        raise ModelNotFoundError(name, _unreachable(name)) from error


def _http_error() -> type[Exception]:
    """The error of the client that the hub's library uses: httpx2 or httpx."""
    from huggingface_hub import utils

    client = getattr(utils, "httpx", None) or import_module("httpx")
    kind: type[Exception] = client.HTTPError
    return kind


def _unreachable(name: str) -> str:
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    why = "HF_HUB_OFFLINE is set" if offline else "the hub cannot be reached"
    return (
        f"The model {name} is not on this machine, and {why}. On a machine with a network run "
        f"`hf download {name} --local-dir FOLDER`, copy FOLDER here and pass its path; or use "
        "`builtin`, which needs no download."
    )


def _json_of(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _json_of_hub(name: str, file: str, *, local: bool) -> Any:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    with suppress(HfHubHTTPError, OSError, ValueError):
        path = hf_hub_download(name, file, local_files_only=local, etag_timeout=_HUB_SECONDS)
        return _json_of(Path(path))
    return None


def require_library() -> None:
    """ModelError, with the cure, when sentence-transformers or torch is missing."""
    for library in ("sentence_transformers", "torch"):  # importing them takes seconds
        if find_spec(library) is None:
            raise ModelError(
                f"Models other than `builtin` need {library}, which is not installed. Run "
                "`pip install sentence-transformers`, or use `builtin`."
            )
