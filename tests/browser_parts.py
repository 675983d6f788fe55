"""Steps that several browser tests take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Locator, Page, expect

__all__ = [
    "HOSTILE",
    "HOSTILE_NAME",
    "VIDEO",
    "Server",
    "ask",
    "go_to",
    "row",
    "running_server",
    "violations",
    "wait_until_indexed",
]

REPO = Path(__file__).resolve().parents[1]
KB = Path(sys.executable).with_name("kb")
VIDEO = "Breeze 300 in three minutes.mp4"
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
HOSTILE_NAME = "zebra <b>valves<b>.txt"
HOSTILE = 'Zebra valves: <img src=x onerror="window.hacked=1"> ${window.hacked=2} {{hacked}} end.'


@dataclass
class Server:
    """A running `kb up`."""

    url: str
    library: Path


@contextmanager
def running_server(
    home: Path, command: Sequence[str] = (str(KB),), **environment: str
) -> Iterator[Server]:
    """`kb up` on a home, until it answers.

    Args:
        command: What runs as `kb`.
        environment: Variables added to this process's own.
    """
    log = (home / "server.log").open("wb")
    process = subprocess.Popen(
        [*command, "up", "--home", str(home), "--port", "0", "--no-browser", "--json"],
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=REPO,
        env=os.environ | {"GRADIO_ANALYTICS_ENABLED": "False"} | environment,
    )
    try:
        assert process.stdout is not None
        said = b""
        while not said.rstrip().endswith(b"}"):
            line = process.stdout.readline()
            assert line, (home / "server.log").read_text("utf-8")
            said += line
        yield Server(json.loads(said)["url"], home / "library")
    finally:
        process.terminate()
        process.communicate(timeout=30)
        log.close()


def go_to(page: Page, tab: str) -> None:
    """Open one of the three pages."""
    page.get_by_role("tab", name=tab).click()


def row(page: Page, name: str) -> Locator:
    """A file's row on the Library page."""
    return page.locator(".kb-table tbody tr", has_text=name)


def wait_until_indexed(page: Page, name: str, timeout_ms: float) -> None:
    """Wait on the Library page until a file is indexed."""
    expect(row(page, name)).to_have_attribute("data-status", "indexed", timeout=timeout_ms)


def ask(page: Page, question: str) -> Locator:
    """Ask, wait for the whole answer, and return its turn."""
    n_turns = page.locator("[data-turn]").count()
    page.locator("#kb-question textarea").fill(question)
    page.keyboard.press("Enter")
    turn = page.locator("[data-turn]").nth(n_turns)
    expect(turn).to_have_attribute("aria-busy", "false", timeout=30_000)
    return turn


def violations(page: Page) -> list[dict[str, object]]:
    """What axe finds on a page as it is."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text("utf-8"))
    run = "axe.run(document, {resultTypes: ['violations']}).then((results) => results.violations)"
    return page.evaluate(run)  # type: ignore[no-any-return]
