"""What the tests of generated answers share: a scripted server, and what was found for a question."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from scripted_model import QUESTION, SCRIPTS, TRUE, ScriptedServer

from qa_service.retrieval.index import Index
from qa_service.retrieval.search import search
from qa_service.types import Hit


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer(dict(SCRIPTS))
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(scripted.serve(ready, stop)))
    thread.start()
    assert ready.wait(10)
    yield scripted
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.fixture(scope="module")
def hits(chapter_index: Index) -> tuple[Hit, ...]:
    found = search(chapter_index, QUESTION, top_k=5).hits
    assert TRUE in found[0].passage.text
    return found
