"""A real browser against a real server: over HTTP, on a free port of the loopback.

Chromium is the one of the machine. Where it is missing these tests are skipped, but not in CI.
Set ``WHITESLIP_SHOTS`` to a folder to keep the screenshots.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, sync_playwright
from web.portal.scene import Scene

from whiteslip.store import Database

CHROMIUM = Path("/usr/bin/chromium")
PHONE, DESK = (360, 740), (1440, 900)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
START_SECONDS = 15.0

Serve: TypeAlias = Callable[[Litestar], str]


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def _wait_until_live(url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/livez", timeout=1):
            return
        time.sleep(0.02)
    raise TimeoutError(f"the server at {url} did not start")


@contextlib.contextmanager
def running(app: Litestar) -> Generator[str]:
    """The application behind granian in a thread of this process; its URL."""
    port = _free_port()
    server = Server(app, "127.0.0.1", port, interface=Interfaces.ASGI, log_enabled=False, websockets=False)
    loop = asyncio.new_event_loop()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(server.serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    _wait_until_live(url)
    yield url
    loop.call_soon_threadsafe(server.stop)
    thread.join(START_SECONDS)
    loop.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves applications for the length of a test: ``url = serve(app)``."""
    with contextlib.ExitStack() as stack:
        yield lambda app: stack.enter_context(running(app))


@pytest.fixture
def scene(db: Database) -> Scene:
    """The customers' office, with nobody in it yet."""
    return Scene(db)


@pytest.fixture
def url(serve: Serve, scene: Scene) -> str:
    """The portal of that office."""
    return serve(scene.app())


# It keeps a loop running in this thread, which tests of other rooms must not find.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a file."""
    if not CHROMIUM.exists():
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(f"{CHROMIUM} is missing: install Debian's package chromium")
        pytest.skip(f"{CHROMIUM} is missing")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """A browser of one person, and everything it should never see."""

    context: BrowserContext
    page: Page
    shots: Path
    hosts: set[str] = field(default_factory=set[str])
    faults: list[str] = field(default_factory=list[str])
    expected: set[int] = field(default_factory=set[int])

    def expect(self, *statuses: int) -> None:
        """These answers are no fault in this test, such as the 422 of a form with errors."""
        self.expected.update(statuses)

    def watch(self, page: Page) -> None:
        """Note what goes wrong on a page, and which hosts it asks."""
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))

    def _asked(self, request: Request) -> None:
        if request.url.startswith("http"):
            self.hosts.add(urlsplit(request.url).netloc)

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.faults.append(f"{response.status} {urlsplit(response.url).path}")

    def _said(self, kind: str, text: str) -> None:
        # A failed answer is judged by its status above; a broken content policy is an error too.
        if kind == "error" and not text.startswith(("Failed to load resource", "Response Status Error")):
            self.faults.append(f"console: {text}")

    def check(self) -> None:
        """The page as it stands: nothing that axe minds, no fault so far, no other host."""
        axe: dict[str, Any] = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
        found = Axe().run(self.page, options=axe).response["violations"]
        minded = [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]
        assert minded == [], f"{self.page.url}\n" + "\n".join(minded)
        width = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, f"{self.page.url} is {width} px wider than the screen"
        self.blameless()

    def screens(self, name: str) -> None:
        """The checks on a phone, and pictures of both sizes if they are wanted.

        What only another size, scheme or language could break is the gallery's to find.
        """
        for width, height in (DESK, PHONE):
            self.page.set_viewport_size({"width": width, "height": height})
            self.picture(f"{name}-{width}x{height}")
        self.check()

    def picture(self, name: str) -> None:
        """The whole page as it stands, where somebody wants pictures."""
        if os.environ.get("WHITESLIP_SHOTS"):
            self.page.screenshot(path=self.shots / f"{name}.png", full_page=True)

    def blameless(self) -> None:
        """No fault so far and no other host asked."""
        assert self.faults == []
        assert len(self.hosts) <= 1, f"asked other hosts: {self.hosts}"


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where screenshots go."""
    folder = Path(os.environ.get("WHITESLIP_SHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def visit(chromium: Browser, shots: Path) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors: ``visit(javascript=False, scheme="dark", locale="en-GB")``. Phone-sized."""
    made: list[Visitor] = []

    def make(*, javascript: bool = True, scheme: Any = "light", locale: str = "zh-CN") -> Visitor:
        context = chromium.new_context(
            viewport={"width": PHONE[0], "height": PHONE[1]},
            java_script_enabled=javascript,
            color_scheme=scheme,
            locale=locale,
        )
        visitor = Visitor(context, context.new_page(), shots)
        visitor.watch(visitor.page)
        context.on("page", visitor.watch)
        made.append(visitor)
        return visitor

    yield make
    for visitor in made:
        visitor.context.close()
        visitor.blameless()
