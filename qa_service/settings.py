"""Every setting of the program: its meaning, its default, and where its value comes from.

A value comes from, first to last: an option of the command line, an environment variable
(`QA_SERVICE_PORT`), the settings file (`port = 8080` in `qa_service.toml` in the working folder, or
in the file that `QA_SERVICE_FILE` names), the default. Reads the environment and that one file,
nothing else.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from qa_service.errors import SettingsError

PREFIX = "QA_SERVICE_"
FILE_VARIABLE = f"{PREFIX}FILE"
KEY_VARIABLE = f"{PREFIX}KEY"  # an API key, for the clients in examples/: no setting of the service
FILE_NAME = "qa_service.toml"

_PATHS = ("corpus", "index", "feedback", "keys", "models_file")
_SECRETS = ("llm_api_key",)
_ORIGIN = re.compile(r"https?://[^/?#\s@*]+")  # https://intranet.example.org:8443
_USER = re.compile(r"//[^/@\s]+@")  # //user:secret@
_HOST_NAME = re.compile(r"[^/:?#\s@*]+(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?")  # qa.example.org, [::1]
_LOOKS_LIKE_ADDRESS = re.compile(r"[\d.]+|[^/]*:.*")  # 999.1.1.1, ::g


class Settings(BaseSettings):
    """What the program runs with. Make one with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    corpus: Path | None = Field(
        default=None,
        description="Folder (or one file) of documents. Without it: ./corpus where there is one, "
        "else the chapter that comes with the program.",
    )
    index: Path | None = Field(
        default=None,
        description="Folder of the index. Without it: beside the corpus, or for the chapter that "
        "comes with the program, in the user's cache folder.",
    )
    feedback: Path | None = Field(
        default=None,
        description="SQLite file that keeps what readers mark as right or wrong. Without it: "
        "feedback.sqlite3 (or NAME-feedback.sqlite3) beside the index.",
    )
    feedback_max_entries: int = Field(
        default=10_000,
        ge=0,
        description="How many marks of readers are kept at most (up to 400 kB each); 0 keeps none.",
    )
    embedder: str | None = Field(
        default=None,
        min_length=1,
        description="Embedding model: builtin, or the name or folder of a sentence-transformers "
        "model. Without it: the one that the index was built with, else builtin.",
    )
    models_file: Path | None = Field(
        default=None,
        description="TOML file that adds to the table of known embedding models.",
    )
    trust_remote_code: bool = Field(
        default=False,
        description="Let a model from the hub run code of its own. Only for models you trust.",
    )
    device: str | None = Field(
        default=None,
        description="Where another model than builtin runs: cpu, cuda, … Without it: the best.",
    )
    batch_size: int = Field(
        default=32, ge=1, description="Passages that another model than builtin embeds at once."
    )
    backend: Literal["torch", "onnx", "openvino"] = Field(
        default="torch",
        description="What runs other models than builtin; onnx and openvino are often faster on a "
        "processor and need `pip install 'sentence-transformers[onnx]'` (or `[openvino]`).",
    )
    reranker: str | None = Field(
        default=None,
        min_length=1,
        description="Cross-encoder that reorders the best passages: name or folder. Answers use it "
        "always, searches where they ask for it (`rerank`).",
    )
    rerank_timeout_seconds: float = Field(
        default=5.0,
        gt=0,
        le=600,
        description="How long the reranker may take for a search; then the search's own order stands.",
    )
    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address that the server listens on."
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port that the server listens on; 0 picks one."
    )
    open: bool = Field(
        default=False,
        description="Serve other machines without keys. Without it, an address that others reach "
        "needs keys (`qa-service keys create`).",
    )
    keys: Path | None = Field(
        default=None,
        description="File that keeps the hashes of the API keys. Without it: keys.json (or "
        "NAME-keys.json) beside the index.",
    )
    rate_limit: str | None = Field(
        default=None,
        min_length=1,
        description="How often one key, or one address where there are no keys, may ask: "
        "120/minute, 5/second. Without it: as often as it likes.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks of proxies whose X-Forwarded-For is believed, with "
        "commas: 127.0.0.1, 10.0.0.0/8",
    )
    allowed_hosts: str = Field(
        default="",
        description="Names by which a service without keys may be called, with commas; * for any. "
        "Without it: localhost and its addresses where only this machine reaches it and there is no "
        "trusted proxy, else any.",
    )
    cors_origins: str = Field(
        default="",
        description="Other hosts' pages that may call the API and /mcp from a browser, with commas: "
        "https://intranet.example.org",
    )
    docs: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="The pages that describe the API; auto shows them on this machine alone, and not behind "
        "a trusted proxy.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much the server writes to its log."
    )
    log_format: Literal["auto", "text", "json"] = Field(
        default="auto",
        description="Form of the log: text for people, json for machines; auto is text at a terminal.",
    )
    search_threads: int = Field(
        default=4,
        ge=1,
        le=256,
        description="Searches and quoted answers that the server computes at the same time.",
    )
    queue_max: int = Field(
        default=32,
        ge=1,
        le=100_000,
        description="Requests that may wait for one of these threads; more are refused with 503.",
    )
    requests_max: int = Field(
        default=256,
        ge=1,
        le=100_000,
        description="Requests under way at the same time, streamed answers included; more are "
        "refused with 503.",
    )
    body_max_bytes: int = Field(
        default=1_000_000,
        ge=10_000,
        le=1_000_000_000,
        description="How large the body of a request may be; larger ones are refused with 413.",
    )
    receive_timeout_seconds: float = Field(
        default=10.0,
        gt=0,
        le=600,
        description="How long the headers of a request, and its body, may take to arrive.",
    )
    chat_footer: bool = Field(
        default=False,
        description="End the text of a chat completion with a Markdown list of its sources, for "
        "frontends that show nothing else.",
    )
    llm_base_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Where a language model is served in the way of OpenAI's API, with the version "
        "at the end: http://localhost:11434/v1. Without it, answers are quoted from the documents.",
    )
    llm_model: str | None = Field(
        default=None, min_length=1, description="Name of the language model, as its server has it."
    )
    llm_api_key: SecretStr | None = Field(
        default=None, description="Key for the language model's server. Never printed."
    )
    llm_timeout_seconds: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        description="How long the language model may take for a whole answer; then the answer is "
        "quoted from the documents.",
    )
    llm_temperature: float = Field(
        default=0.0, ge=0, le=2, description="Temperature that the language model writes with."
    )
    llm_max_tokens: int = Field(
        default=800, ge=1, description="Tokens that the language model may write for an answer."
    )
    llm_requests_per_day: int | None = Field(
        default=None,
        ge=0,
        description="Requests to the language model in a day (UTC); then answers are quoted.",
    )
    llm_tokens_per_day: int | None = Field(
        default=None,
        ge=0,
        description="Tokens, estimated, that it may read and write in a day (UTC); then answers "
        "are quoted.",
    )
    llm_unsupported: Literal["drop", "mark"] = Field(
        default="drop",
        description="What becomes of a statement that the cited passages do not bear out: drop "
        "leaves it out, mark says that it was not found.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` hands in: it reads the sources itself, to know the origins."""
        return (init_settings,)

    @field_validator("host")
    @classmethod
    def _is_host(cls, host: str) -> str:
        if _LOOKS_LIKE_ADDRESS.fullmatch(host):
            try:
                ipaddress.ip_address(host)
            except ValueError as error:
                raise ValueError("that is no IP address") from error
        return host

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, listed: str) -> str:
        for each in split_list(listed):
            if each != "*" and not _ORIGIN.fullmatch(each):
                raise ValueError(f"{each} is no origin; one begins with https:// and has no path")
        return listed

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, listed: str) -> str:
        for each in split_list(listed):
            if each != "*" and not _HOST_NAME.fullmatch(each):
                raise ValueError(f"{each} is no host name; one has no https:// and no path")
        return listed

    @property
    def corpus_path(self) -> Path:
        if self.corpus is not None:
            return self.corpus
        return Path("corpus") if Path("corpus").is_dir() else packaged_corpus()

    @property
    def index_path(self) -> Path:
        """Beside the corpus: `corpus` has `index`, `reports` has `reports-index`."""
        if self.index is not None:
            return self.index
        corpus = self.corpus_path
        if corpus == packaged_corpus() and corpus.parent == _PACKAGE:
            return cache_folder() / "index"
        name = corpus.resolve().stem if corpus.is_file() else corpus.resolve().name
        return corpus.parent / ("index" if name == "corpus" else f"{name}-index")

    @property
    def keys_path(self) -> Path:
        return self.keys or self._beside_index("keys.json")

    @property
    def is_local(self) -> bool:
        """Whether the address that the server listens on is reached from this machine alone."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_private(self) -> bool:
        """Whether it is for this machine alone: no proxy stands before it either."""
        return self.is_local and not self.trusted_proxies

    @property
    def feedback_path(self) -> Path:
        return self.feedback or self._beside_index("feedback.sqlite3")

    def _beside_index(self, name: str) -> Path:
        """`index` has `keys.json`, `reports-index` has `reports-keys.json`: what belongs to one corpus
        is not shared with its neighbour."""
        index = self.index_path
        own = index.name.removesuffix("index").removesuffix("-")
        return index.parent / (f"{own}-{name}" if own else name)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as in force. `origin` is `option`, `default`, a variable's or a file's name."""

    name: str
    variable: str
    value: str
    origin: str
    description: str


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """`origins` holds the settings that were set, with where; `unknown_variables` are variables of
    the environment that look like settings and are none."""

    settings: Settings
    origins: Mapping[str, str]
    unknown_variables: tuple[str, ...]

    def listing(self) -> tuple[Setting, ...]:
        values: dict[str, object] = {
            **self.settings.model_dump(),
            "corpus": self.settings.corpus_path,
            "index": self.settings.index_path,
            "feedback": self.settings.feedback_path,
            "keys": self.settings.keys_path,
        }
        return tuple(
            Setting(
                name=name,
                variable=_variable(name),
                value="" if values[name] is None else without_password(str(values[name])),
                origin=self.origins.get(name, "default"),
                description=field.description or "",
            )
            for name, field in Settings.model_fields.items()
        )


def load_settings(**options: object) -> LoadedSettings:
    """The settings in force; an option that is None counts as not given.

    Raises SettingsError, which names the variable, option, or file and key, and the cure.
    """
    given = {name: value for name, value in options.items() if value is not None}
    found_file = _settings_file()
    from_file = _read_file(found_file) if found_file is not None else {}
    from_environment = EnvSettingsSource(Settings)()
    origins = {
        **dict.fromkeys(from_file, str(found_file)),
        **{name: _variable(name) for name in from_environment},
        **dict.fromkeys(given, "option"),
    }
    try:
        settings = Settings(**{**from_file, **from_environment, **given})
    except ValidationError as error:
        raise _settings_error(error, origins) from error
    return LoadedSettings(settings, origins, _unknown_variables())


def split_list(listed: str) -> list[str]:
    """The entries of a setting with commas."""
    return [each.strip() for each in listed.split(",") if each.strip()]


def without_password(text: str) -> str:
    """http://user:secret@host as http://…@host."""
    return _USER.sub("//…@", text)


def packaged_corpus() -> Path:
    """The chapter that comes with the program: inside the package, or beside it in a checkout."""
    inside = _PACKAGE / "corpus"
    return inside if inside.is_dir() else _PACKAGE.parent / "corpus"


_PACKAGE = Path(__file__).parent


def cache_folder() -> Path:
    """XDG Base Directory Specification; %LOCALAPPDATA% on Windows."""
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        if folder := os.environ.get(variable):
            return Path(folder) / "qa_service"
    return Path.home() / ".cache" / "qa_service"


def _settings_file() -> Path | None:
    named = os.environ.get(FILE_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise SettingsError(
                FILE_VARIABLE,
                f"{FILE_VARIABLE} names {named!r}, and there is no such file. Correct the path or "
                "unset the variable.",
            )
        return Path(named)
    return Path(FILE_NAME) if Path(FILE_NAME).is_file() else None


def _read_file(path: Path) -> dict[str, object]:
    """The file's keys; relative paths in it are meant from the file's own folder."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(str(path), f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(str(path), f"{path} is not UTF-8. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(path), f"{path} is not valid TOML: {error}.") from error
    for name in _PATHS:
        if isinstance(value := values.get(name), str):
            values[name] = path.parent / value
    return values


def _unknown_variables() -> tuple[str, ...]:
    known = {FILE_VARIABLE, KEY_VARIABLE, *(_variable(name) for name in Settings.model_fields)}
    return tuple(
        sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    )


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _settings_error(error: ValidationError, origins: Mapping[str, str]) -> SettingsError:
    """The first thing that is wrong, said of the place where the value was given."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    origin = origins.get(name, "default")
    if name not in Settings.model_fields:
        known = ", ".join(Settings.model_fields)
        return SettingsError(
            name, f"{origin}: there is no setting {name!r}. The settings are: {known}."
        )
    place = {"option": f"--{name.replace('_', '-')}", _variable(name): origin}.get(
        origin, f"{origin}: {name}"
    )
    field: FieldInfo = Settings.model_fields[name]
    shown = "(not shown)" if name in _SECRETS else repr(first["input"])
    message = first["msg"].removeprefix("Value error, ")
    return SettingsError(
        name,
        f"{place} is {shown}: {message}. It is: {field.description} "
        f"The default is {field.default!r}.",
    )
