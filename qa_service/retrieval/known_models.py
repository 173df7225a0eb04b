"""The table of known models, embedders and rerankers: prompts, lengths, licences, by name.

A data file (`known_models.toml`) that a user's own file can add to, or overrule entry by entry.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qa_service.errors import SettingsError

_TABLE = Path(__file__).with_name("known_models.toml")


class _Known(BaseModel):
    """What both kinds of entries hold. `patterns` (`*` for anything, case ignored) recognise renamed
    copies. `parameters` is in millions, `max_length` in tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    source: str = ""
    patterns: tuple[str, ...] = ()
    max_length: int | None = Field(default=None, ge=1)
    licence: str = ""
    languages: str = ""
    parameters: int | None = Field(default=None, ge=0)
    trust_remote_code: bool = False

    def answers_to(self, name: str) -> bool:
        """`models/multilingual-e5-small/` is `intfloat/multilingual-e5-small`."""
        wanted = name.strip("/").lower()
        if wanted == self.name.lower():
            return True
        last = wanted.rpartition("/")[2]
        own = self.name.lower().rpartition("/")[2]
        patterns = (pattern.lower() for pattern in self.patterns)
        return last == own or any(fnmatchcase(last, pattern) for pattern in patterns)


class KnownModel(_Known):
    """An embedding model. The prompts go in front of the text, unless the model's own configuration
    has prompts."""

    query_prompt: str = ""
    passage_prompt: str = ""
    dimension: int | None = Field(default=None, ge=1)
    pooling: str = ""


class KnownReranker(_Known):
    """A cross-encoder. `{text}` in the templates stands for the question and for the passage."""

    query_template: str = Field(default="{text}", pattern=r"\{text\}")
    passage_template: str = Field(default="{text}", pattern=r"\{text\}")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    models: tuple[KnownModel, ...] = ()
    rerankers: tuple[KnownReranker, ...] = ()


Entry = TypeVar("Entry", bound=_Known)


def load_known_models(file: Path | None = None) -> tuple[KnownModel, ...]:
    """The packaged table, after the entries of `file`, which therefore win.

    Raises SettingsError, with the entry, for a file that cannot be read or has a broken entry.
    """
    own = _read(file).models if file is not None else ()
    return (*own, *_read(_TABLE).models)


def load_known_rerankers(file: Path | None = None) -> tuple[KnownReranker, ...]:
    """As `load_known_models`."""
    own = _read(file).rerankers if file is not None else ()
    return (*own, *_read(_TABLE).rerankers)


def find_known_model(names: Iterable[str], known: Iterable[Entry]) -> Entry | None:
    """The first entry that answers to any of `names`; a full name wins over a similar one."""
    wanted, entries = [name for name in names if name], list(known)
    for name in wanted:
        for entry in entries:
            if entry.name.lower() == name.strip("/").lower():
                return entry
    for name in wanted:
        for entry in entries:
            if entry.answers_to(name):
                return entry
    return None


def _read(path: Path) -> _Table:
    try:
        return _Table.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(
            "models_file", f"{path} cannot be read: {error.strerror or error}. Correct the path."
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError("models_file", f"{path} is not UTF-8. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError("models_file", f"{path} is not valid TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            "models_file",
            f"{path}: entry {place}: {first['msg']}. The packaged table, "
            f"{_TABLE.name}, shows the form.",
        ) from error
