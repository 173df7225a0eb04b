"""An index to work on: built when it is missing, out of date or damaged, else just loaded; and the
language model, where one is set up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from qa_service.errors import (
    CorpusError,
    IndexBusyError,
    IndexFaultError,
    ModelMismatchError,
    SettingsError,
)
from qa_service.reading.sources import find_files, find_skipped, read_corpus
from qa_service.retrieval.embedding import BUILTIN, Embedder, load_embedder
from qa_service.retrieval.generations import read_manifest
from qa_service.retrieval.index import (
    BuildReport,
    Index,
    Stage,
    build_index,
    is_stale,
    load_index,
    tidy_index,
)
from qa_service.retrieval.rerank import Reranking, load_reranker
from qa_service.settings import Settings, packaged_corpus, split_list, without_password

if TYPE_CHECKING:  # loading OpenAI's client takes longer than a search
    from qa_service.answering.generate import Generator
    from qa_service.serving.door.access import Access

_BUSY_SECONDS = 120.0
_SKIPPED_NAMED = 10
_BEING_BUILT = "A newer index is being built; the one before it is served."
_CANNOT_BE_READ = (
    "The corpus cannot be read at present; the index is that of an earlier state of it."
)
_CANNOT_BE_BUILT = "The index is not that of the corpus as it is now, and cannot be built."


def open_index(settings: Settings, *, embedder: Embedder | None = None, wait: bool = True) -> Index:
    """The index of the corpus as it is now. Says on standard error what it has to build.

    Where the corpus cannot be read or the index not be built, and an older generation is whole, that
    one is returned, `degraded`. So it is while another process builds there; with `wait`, the end of
    that is waited for.
    """
    embedder = embedder or choose_embedder(settings)
    try:
        reason = is_stale(settings.corpus_path, settings.index_path, embedder=embedder)
    except CorpusError as error:
        _, whole = _load(settings, embedder, None)
        if whole is None:
            raise
        say(f"{error.message} The index as it was is used.")
        return replace(whole, degraded=(*whole.degraded, _CANNOT_BE_READ))
    reason, whole = _load(settings, embedder, reason)
    if reason is None and whole is not None:
        tidy_index(settings.index_path, embedder=embedder)
        return whole
    _refuse_other_documents(settings)
    find_files(settings.corpus_path)  # one that is not there is refused before anything is said
    say(f"Building the index in {settings.index_path}: {reason}.")
    try:
        busy_seconds = _BUSY_SECONDS if wait or whole is None else 0.0
        say(describe(build(settings, embedder, busy_seconds=busy_seconds)))
    except IndexFaultError as error:
        if whole is None:
            raise
        say(f"{error.message} The index as it was is used.")
        note = _BEING_BUILT if isinstance(error, IndexBusyError) else _CANNOT_BE_BUILT
        return replace(whole, degraded=(*whole.degraded, note))
    return load_index(settings.index_path, embedder=embedder)


def _refuse_other_documents(settings: Settings) -> None:
    """A question may bring an index up to date, not put other documents in its place: that one may be
    in service. `qa-service index` may."""
    try:
        manifest = read_manifest(settings.index_path, fallback=True)
    except IndexFaultError:
        return
    corpus = settings.corpus_path.resolve()
    # The chapter that comes with the program makes room for the user's own documents.
    if manifest.corpus in ("", str(corpus), str(packaged_corpus().resolve())):
        return
    held = {record.id for record in manifest.sources}
    if held.isdisjoint(source.id for source in read_corpus(corpus)):
        raise SettingsError(
            "index",
            f"The index in {settings.index_path} is that of other documents, of {manifest.corpus}. "
            f"Name them (--corpus {manifest.corpus}), or another index; or run `qa-service index "
            f"--corpus {settings.corpus_path} --index {settings.index_path}` to put these in their "
            "place.",
        )


def choose_embedder(settings: Settings) -> Embedder:
    """The one that the settings name, else the one that the index was built with."""
    name = settings.embedder
    if name is None:
        try:
            name = read_manifest(settings.index_path, fallback=True).embedder.name
        except IndexFaultError:
            name = BUILTIN
    return load_embedder(
        name,
        trust_remote_code=settings.trust_remote_code,
        device=settings.device,
        batch_size=settings.batch_size,
        backend=settings.backend,
        models_file=settings.models_file,
    )


def open_reranking(settings: Settings) -> Reranking | None:
    """The reranker that the settings name; None without one."""
    if settings.reranker is None:
        return None
    reranker = load_reranker(
        settings.reranker,
        trust_remote_code=settings.trust_remote_code,
        device=settings.device,
        backend=settings.backend,
        models_file=settings.models_file,
    )
    return Reranking(reranker, settings.rerank_timeout_seconds)


def open_generator(settings: Settings) -> Generator | None:
    """The language model that the settings name; None without one. Connects to nothing.

    Raises SettingsError when they name half of one.
    """
    if settings.llm_base_url is None:
        if settings.llm_model is not None:
            raise SettingsError(
                "llm_base_url",
                f"The language model {settings.llm_model} is set, but not where it is served. Set "
                "QA_SERVICE_LLM_BASE_URL, for instance to http://localhost:11434/v1.",
            )
        return None
    if settings.llm_model is None:
        raise SettingsError(
            "llm_model",
            f"The language model's server {without_password(settings.llm_base_url)} is set, but not which model it "
            "should run. Set QA_SERVICE_LLM_MODEL.",
        )

    from qa_service.answering.generate import Generator, GeneratorSettings

    key = settings.llm_api_key
    return Generator(
        GeneratorSettings(
            base_url=settings.llm_base_url,
            api_key="" if key is None else key.get_secret_value(),
            model=settings.llm_model,
            timeout_seconds=settings.llm_timeout_seconds,
            temperature=settings.llm_temperature,
            max_tokens=settings.llm_max_tokens,
            unsupported=settings.llm_unsupported,
            requests_per_day=settings.llm_requests_per_day,
            tokens_per_day=settings.llm_tokens_per_day,
        )
    )


def open_access(settings: Settings) -> Access:
    """Who may ask. Raises SettingsError where others could reach the service without a key."""
    from qa_service.keys import KeyRing
    from qa_service.serving.door.access import THIS_MACHINE, Access, RateLimit, parse_networks

    ring = KeyRing(settings.keys_path)
    if not settings.open and not ring.keys and ring.in_use:
        raise SettingsError(
            "keys",
            f"All keys of {settings.keys_path} are revoked, so nobody could ask. Make one with "
            "`qa-service keys create NAME`, or serve everybody with --open.",
        )
    if not settings.open and not ring.keys and not settings.is_private:
        reached = (
            f"Through the proxy that trusted_proxies names others reach {settings.host}"
            if settings.is_local
            else f"{settings.host} can be reached from other machines"
        )
        raise SettingsError(
            "host",
            f"{reached}, and there are no API keys in {settings.keys_path}. Make one with "
            "`qa-service keys create NAME`, or serve everybody with --open.",
        )
    hosts = split_list(settings.allowed_hosts)
    if not hosts and settings.is_private:
        hosts = [*THIS_MACHINE, settings.host]
    return Access(
        keys=None if settings.open else ring,
        open_until_keys=settings.is_private,
        hosts=() if "*" in hosts else hosts,
        rate_limit=RateLimit(settings.rate_limit) if settings.rate_limit else None,
        trusted_proxies=parse_networks(settings.trusted_proxies),
    )


def build(
    settings: Settings, embedder: Embedder, *, busy_seconds: float = _BUSY_SECONDS
) -> BuildReport:
    """Build with a progress bar; waits so long, and says so, for another process that builds."""
    deadline = time.monotonic() + busy_seconds
    told = False
    while True:
        try:
            with _progress_bar() as bar:
                report = build_index(
                    settings.corpus_path, settings.index_path, embedder=embedder, progress=bar
                )
        except IndexBusyError as error:
            if time.monotonic() >= deadline:
                raise
            if not told:
                say(f"{error.message} Waiting.")
                told = True
            time.sleep(0.2)
        else:
            _say_skipped(settings.corpus_path)
            return report


def _say_skipped(corpus: Path) -> None:
    if skipped := find_skipped(corpus):
        listed = ", ".join(skipped[:_SKIPPED_NAMED])
        more = len(skipped) - _SKIPPED_NAMED
        listed += f" and {more} more" if more > 0 else ""
        say(f"Skipped: {listed}. Read are .md, .txt and .jsonl files that hold text.")


def describe(report: BuildReport) -> str:
    size = f"{_count(report.passages, 'passage')} of {_count(report.documents, 'document')}"
    if report.unchanged:
        return f"The index is up to date: {size}, generation {report.generation}."
    made = [f"{report.embedded} embedded"]
    if report.reused:
        made.append(f"{report.reused} reused")
    if report.resumed:
        made.append(f"{report.resumed} taken over from a build that was stopped")
    return (
        f"Indexed {size} in {report.seconds:.1f} s ({', '.join(made)}), "
        f"generation {report.generation}."
    )


def say(message: str) -> None:
    """To standard error: standard output is for results."""
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(message)


def _load(
    settings: Settings, embedder: Embedder, reason: str | None
) -> tuple[str | None, Index | None]:
    """Why the index has to be built, and what can be used of it until then."""
    try:
        index = load_index(settings.index_path, embedder=embedder)
    except (IndexFaultError, ModelMismatchError) as error:
        return reason or error.message.removesuffix("."), None
    return reason or " ".join(index.degraded).removesuffix(".") or None, index


class _Bar:
    """Shows each stage of a build as a line of its own."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[Stage, TaskID] = {}

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage.value, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)


@contextmanager
def _progress_bar() -> Iterator[_Bar]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield _Bar(bar)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
