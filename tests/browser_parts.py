"""Steps that several browser tests take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

__all__ = [
    "HOSTILE",
    "HOSTILE_NAME",
    "VIDEO",
    "Server",
    "ask",
    "go_to",
    "row",
    "wait_until_indexed",
]


VIDEO = "Breeze 300 in three minutes.mp4"
HOSTILE_NAME = "zebra <b>valves<b>.txt"
HOSTILE = 'Zebra valves: <img src=x onerror="window.hacked=1"> ${window.hacked=2} {{hacked}} end.'


@dataclass
class Server:
    """A running `kb up`."""

    url: str
    library: Path


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
