"""Nobody waits any more: the Stop button, a page that is closed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from browser_parts import Server, go_to, running_server, wait_until_indexed
from chat_server import ChatServer, says
from made_home import make_home
from playwright.sync_api import Browser, Page, expect


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Words until the other side hangs up, which is noted."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    try:
        for _ in range(3_000):
            handler.wfile.write(says("word "))
            handler.wfile.flush()
            time.sleep(0.02)
    except OSError:
        handler.server.n_hung_up = getattr(handler.server, "n_hung_up", 0) + 1  # type: ignore[attr-defined]
        raise


@pytest.fixture(scope="module")
def chat() -> Iterator[ChatServer]:
    with ChatServer() as chat:
        chat.plays = [endless]
        yield chat


@pytest.fixture(scope="module")
def server(chat: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a model that never ends."""
    settings = {"generator": {"kind": "remote", "url": chat.url, "model": "m"}}
    home = make_home(tmp_path_factory.mktemp("home"), json.dumps(settings))
    with running_server(home) as started:
        yield started


def hung_up(chat: ChatServer, n: int) -> bool:
    end_s = time.monotonic() + 10  # on a machine with much to do
    while time.monotonic() < end_s:
        if getattr(chat._server, "n_hung_up", 0) == n:
            return True
        time.sleep(0.05)
    return False


def test_work_stops_with_the_button_and_with_the_page(
    browser: Browser, page: Page, chat: ChatServer
) -> None:
    go_to(page, "Library")
    wait_until_indexed(page, "pump.md", 60_000)
    go_to(page, "Chat")
    page.locator("#kb-question textarea").fill("How loud is the pump?")
    page.keyboard.press("Enter")
    expect(page.locator("[data-turn]").last).to_contain_text("word word", timeout=20_000)
    page.locator("#kb-question .stop-button").click()
    assert hung_up(chat, 1)
    expect(page.locator("[data-turn]").last).to_have_attribute("aria-busy", "false")

    page.locator("#kb-question textarea").fill("How loud is the pump now?")
    page.keyboard.press("Enter")
    expect(page.locator("[data-turn]").nth(1)).to_contain_text("word word", timeout=20_000)
    other = browser.new_page()
    page.close()
    other.close()
    assert hung_up(chat, 2)


NAME = "zebra <b>valves<b><img src=x onerror=window.hacked=1>.exe"
DROP = """
([selector, name]) => {
  const files = new DataTransfer();
  files.items.add(new File(["x"], name));
  const given = {dataTransfer: files, clipboardData: files, bubbles: true, cancelable: true};
  document.querySelector(selector).dispatchEvent(new DragEvent("drop", given));
}
"""


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_names_in_notices_are_words(page: Page, tmp_path: Path, way: str) -> None:
    if way == "chosen":
        path = tmp_path / NAME
        path.write_text("no picture")
        page.locator("#kb-question input[type=file]").set_input_files(path)
    else:
        page.evaluate(DROP, ["#kb-question textarea", NAME])
    notice = page.locator('[data-testid="toast-text"]')
    expect(notice).to_contain_text({"chosen": "zebra ‹b›valves", "dropped": "rejected"}[way])
    expect(notice.locator("*")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
