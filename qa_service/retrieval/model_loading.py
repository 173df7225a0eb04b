"""Loading a model of sentence-transformers from where it is, whatever kind it is.

A model's code is never run unless the user said so. A download that was stopped is gone on with. What
the libraries raise becomes a ModelError with the cure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, Literal, TypeVar

from qa_service.errors import ModelError
from qa_service.retrieval.model_place import (
    ModelPlace,
    ReadJson,
    require_library,
    require_on_hub,
)

Backend = Literal["torch", "onnx", "openvino"]

_SETTING = "QA_SERVICE_TRUST_REMOTE_CODE=true"
_LIBRARY = "sentence_transformers."

Model = TypeVar("Model")


def load_whole(
    name: str,
    place: ModelPlace,
    load: Callable[[ModelPlace], Model],
    *,
    device: str | None,
    backend: Backend = "torch",
) -> Model:
    """What `load` gives for the place. Raises ModelNotFoundError and ModelError."""
    require_library()
    _require_backend(backend)
    try:
        return _translated(name, place, load, device)
    except ModelError:
        if not place.cached:
            raise
        require_on_hub(name)  # half a model in the cache: go on with it
        return _translated(name, replace(place, cached=False), load, device)


def own_names(read_json: ReadJson) -> Iterator[str]:
    """What a folder says it is a copy of."""
    config = read_json("config.json")
    if isinstance(config, Mapping):
        yield str(config.get("_name_or_path") or "")


def refuse_own_code(name: str, read_json: ReadJson, *, known_to: bool = False) -> None:
    """ModelError for a module outside the library, or classes that a configuration maps to files
    beside it. `known_to`: the table of known models says that it runs code of its own."""
    listed = read_json("modules.json")
    entries = listed if isinstance(listed, list) else []
    modules = [module for module in entries if isinstance(module, Mapping)]
    types = [str(module.get("type")) for module in modules]
    foreign = [kind for kind in types if not kind.startswith(_LIBRARY)]
    for folder in sorted({"", *(str(module.get("path") or "") for module in modules)}):
        config = read_json(f"{folder}/config.json" if folder else "config.json")
        if isinstance(config, Mapping) and isinstance(config.get("auto_map"), Mapping):
            foreign.extend(str(value) for value in config["auto_map"].values())
    if foreign or known_to:
        raise _own_code(name, f" ({foreign[0]})" if foreign else "")


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _translated(
    name: str, place: ModelPlace, load: Callable[[ModelPlace], Model], device: str | None
) -> Model:
    try:
        return load(place)
    except MemoryError:
        raise
    except Exception as error:  # the libraries raise whatever their parts raise
        if "trust_remote_code" in str(error):
            raise _own_code(name) from error
        where = f" on {device}" if device else ""
        raise ModelError(
            f"The model {name} cannot be loaded{where} ({first_line(error)}). Its files may be "
            "incomplete: download it again, choose another, or use `builtin`."
        ) from error


def _own_code(name: str, what: str = "") -> ModelError:
    return ModelError(
        f"The model {name} runs code of its own{what}. If you trust where it comes from, set "
        f"{_SETTING}; otherwise choose another model."
    )


def _require_backend(backend: Backend) -> None:
    needed: dict[str, tuple[Any, ...]] = {
        "torch": (),
        "onnx": ("optimum", "onnxruntime"),
        "openvino": ("optimum", "openvino"),
    }
    missing = [library for library in needed[backend] if find_spec(library) is None]
    if missing:
        raise ModelError(
            f"The backend {backend} needs {' and '.join(missing)}, which is not installed. Run "
            f"`pip install 'sentence-transformers[{backend}]'`, or set QA_SERVICE_BACKEND=torch."
        )
