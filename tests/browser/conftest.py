"""A real browser before a real server. Where there is no Chromium the tests skip, but never in CI."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from qa_service.feedback import FeedbackStore
from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.service.library import Library

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(slots=True)
class Site:
    """A server that can be taken away; `url` has no slash at its end."""

    url: str
    feedback: FeedbackStore
    stop: Callable[[], None] = field(repr=False)


@contextmanager
def serving(index: Index, folder: Path) -> Iterator[Site]:
    feedback = FeedbackStore(folder / "feedback.sqlite3", max_entries=100)
    app = create_app(Library(index), feedback=feedback)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)

    def stop() -> None:
        server.should_exit = True
        thread.join()
        listener.close()

    try:
        yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", feedback, stop)
    finally:
        stop()


@pytest.fixture(scope="session")
def serve(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Index], AbstractContextManager[Site]]:
    """Serves an index for the length of a `with` block."""
    return lambda index: serving(index, tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def site(
    chapter_index: Index, serve: Callable[[Index], AbstractContextManager[Site]]
) -> Iterator[Site]:
    """The chapter, served for all tests of the session."""
    with serve(chapter_index) as site:
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module's tests: Playwright keeps an event loop running as long as it is there, beside
    which no other test could run one of its own."""
    if _CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium: .ci/run installs it")
        pytest.skip("there is no Chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_OPTIONS)
        yield browser
        browser.close()


@dataclass(slots=True)
class Watched:
    """What a page must not do: complain, or ask another host."""

    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[OpenPage]:
    """Opens pages in fresh contexts; at the end none has complained or asked another host."""
    contexts: list[BrowserContext] = []
    watched = Watched()

    def open_page(
        path: str = "/",
        *,
        at: str = site.url,
        watch: bool = True,
        width: int = 1280,
        height: int = 800,
        locale: str = "ja-JP",
        **options: object,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            **options,  # type: ignore[arg-type]
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        if watch:
            watched.watch(page)
        page.goto(f"{at}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert watched.complaints == []
    assert all(host.startswith("127.0.0.1:") for host in watched.hosts)
