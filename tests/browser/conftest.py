"""A running server on a home of its own, and pages of a real Chromium on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser_parts import (
    HOSTILE,
    HOSTILE_NAME,
    VIDEO,
    Server,
    go_to,
    running_server,
    wait_until_indexed,
)
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

REPO = Path(__file__).resolve().parents[2]
SAMPLES = REPO / "data" / "samples"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
]

# Other tests load the machine meanwhile.
expect.set_options(timeout=20_000)


@dataclass
class Watch:
    """What a page did that it should not have done."""

    foreign_requests: list[str] = field(default_factory=list)
    script_errors: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """On a library that holds a video with its subtitles and a hostile note."""
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed (apt install chromium)")
    if not SAMPLES.is_dir():
        pytest.skip("data/samples is not there")
    home = tmp_path_factory.mktemp("home")
    library = home / "library"
    library.mkdir()
    # Reading words in 180 frames takes longer than all the rest; the subtitles suffice here.
    (home / "kb.yaml").write_text("ingest:\n  video:\n    ocr: false\n", "utf-8")
    for path in (SAMPLES / "video").iterdir():
        shutil.copy(path, library)
    (library / "notes").mkdir()
    (library / "notes" / HOSTILE_NAME).write_text(HOSTILE, "utf-8")
    with running_server(home) as started:
        yield started


# Not for the whole session: while Playwright runs, no other test can start an event loop.
@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Browser]:
    """Chromium, started for one module."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def watch() -> Watch:
    """Of the test's page."""
    return Watch()


@pytest.fixture
def page(
    request: pytest.FixtureRequest, browser: Browser, server: Server, watch: Watch
) -> Iterator[Page]:
    """The app in a fresh window; at its end nothing may have come from elsewhere or failed.

    Indirect parameters are those of `Browser.new_context`.
    """
    options = {"viewport": {"width": 1440, "height": 900}} | getattr(request, "param", {})
    context = browser.new_context(**options)
    opened = context.new_page()
    host = urlsplit(server.url).netloc

    def on_request(sent: Request) -> None:
        parts = urlsplit(sent.url)
        if parts.scheme.startswith("http") and parts.netloc != host:
            watch.foreign_requests.append(sent.url)

    opened.on("request", on_request)

    def on_console(said: ConsoleMessage) -> None:
        if "Policy" in said.text:
            watch.violations.append(said.text)

    opened.on("console", on_console)
    opened.on("pageerror", lambda error: watch.script_errors.append(str(error)))
    opened.goto(server.url)
    opened.get_by_role("textbox", name="Question").or_(
        opened.locator("#kb-question textarea")
    ).first.wait_for()
    yield opened
    context.close()
    assert watch.foreign_requests == []
    assert watch.script_errors == []
    assert watch.violations == []


@pytest.fixture
def indexed(page: Page) -> Page:
    """The Chat page, when the video is indexed."""
    go_to(page, "Library")
    wait_until_indexed(page, VIDEO, 120_000)
    go_to(page, "Chat")
    return page
