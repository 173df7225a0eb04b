"""The watch over the index on disk: takes up a newer one, says when the one in service is damaged.

What is in service is in memory and whole; whatever happens on the disk, it stays until there is a
newer one that is whole too.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from qa_service.errors import IndexBusyError, IndexFaultError, QaServiceError
from qa_service.retrieval.generations import check_sizes, read_pointer
from qa_service.retrieval.index import Index, load_index
from qa_service.serving.service.library import Library
from qa_service.serving.service.long_lived import set_aside_anew

_log = logging.getLogger(__name__)

_SECONDS = 2.0
_RETRY_SECONDS = 60.0


async def watch_for_newer_index(
    library: Library, *, seconds: float = _SECONDS, retry_seconds: float = _RETRY_SECONDS
) -> None:
    """Look every `seconds`, for ever. A newer index that cannot be used is tried again after
    `retry_seconds`: its fault may have been the moment's (no memory, too many open files)."""
    watch = _Watch(library, retry_seconds)
    while True:
        await anyio.sleep(seconds)
        await watch.look()


class _Watch:
    def __init__(self, library: Library, retry_seconds: float) -> None:
        self._library = library
        self._retry_seconds = retry_seconds
        self._refused: str | None = None
        self._refused_at = 0.0

    async def look(self) -> None:
        index = self._library.shelf.index
        try:
            newest = await anyio.to_thread.run_sync(_newer_generation, index)
        except IndexFaultError as error:
            self._say(
                f"The index on disk is unusable ({_reason(error)}); that in memory is served."
            )
            return
        if newest is None:
            self._library.fault = None
        elif newest != self._refused or time.monotonic() - self._refused_at >= self._retry_seconds:
            await self._take_up(newest, index)

    async def _take_up(self, newest: str, index: Index) -> None:
        load = partial(load_index, index.path, embedder=index.embedder, fallback=False)
        try:
            loaded = await anyio.to_thread.run_sync(load)
        except IndexBusyError:  # a newer one still: at the next look
            return
        except Exception as error:  # whatever it is, the index in service is to stay in service
            self._refused, self._refused_at = newest, time.monotonic()
            self._say(f"A newer index cannot be used ({_reason(error)}); the one before is served.")
            _log.error("the newer index cannot be used: %s", error, exc_info=_unforeseen(error))
        else:
            self._refused = None
            self._library.replace(loaded)
            await anyio.to_thread.run_sync(set_aside_anew)
            _log.info("took up the index of generation %s", loaded.generation)

    def _say(self, fault: str) -> None:
        if fault != self._library.fault:
            _log.error("%s", fault)
        self._library.fault = fault


def _newer_generation(index: Index) -> str | None:
    """None when `index` is the newest and its files are there. Raises IndexFaultError."""
    try:
        return _look_at_disk(index)
    except IndexFaultError:
        return _look_at_disk(index)  # once more: it may have been replaced under our eyes


def _look_at_disk(index: Index) -> str | None:
    newest = read_pointer(index.path)
    if newest != index.generation:
        return newest
    check_sizes(index.path, newest, index.manifest)
    return None


def _reason(error: Exception) -> str:
    """For clients: a code, and the file in the index where one is to blame, without its folder."""
    if not isinstance(error, QaServiceError):
        return "index_unusable"
    file = error.file if isinstance(error, IndexFaultError) else None
    return f"{error.code}, {Path(file).name}" if file else error.code


def _unforeseen(error: Exception) -> bool:
    return not isinstance(error, QaServiceError | OSError)
