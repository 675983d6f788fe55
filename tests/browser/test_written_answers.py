"""From quotes to written answers by clicks alone, and back."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from browser_parts import Server, ask, go_to, running_server, violations, wait_until_indexed
from chat_server import DONE, ChatServer, says, stream
from made_home import make_home
from made_laptop import VARIABLE, hub_of, laptop_files
from made_models import HubServer
from playwright.sync_api import Page, expect

pytest.importorskip("xllamacpp", reason="llama.cpp is not installed: pip install '.[laptop]'")

QUESTION = "How loud is the pump?"
N_HELD = 120_000


@pytest.fixture(scope="module")
def files(tiny_qwen3_vl: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return laptop_files(tiny_qwen3_vl, tmp_path_factory.mktemp("gguf"))


@pytest.fixture(scope="module")
def hub(files: dict[str, bytes]) -> Iterator[HubServer]:
    with hub_of(files) as one:
        yield one


@pytest.fixture(scope="module")
def server(
    hub: HubServer, files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """That gets a tiny model where the published one is meant."""
    tests = Path(__file__).resolve().parents[1]
    listed = [[name, len(data), sha256(data).hexdigest()] for name, data in files.items()]
    home = make_home(tmp_path_factory.mktemp("home"))
    with running_server(
        home,
        (sys.executable, str(tests / "laptop_kb.py")),
        **{VARIABLE: json.dumps(listed), "HF_ENDPOINT": hub.url, "MODELSCOPE_ENDPOINT": hub.url},
    ) as started:
        yield started


def test_a_card_under_the_first_answer_loads_the_model_that_writes_the_next(
    page: Page, hub: HubServer
) -> None:
    go_to(page, "Library")
    wait_until_indexed(page, "pump.md", 60_000)
    go_to(page, "Chat")
    card = page.locator("#kb-offer")
    expect(card).to_be_hidden()
    ask(page, QUESTION)
    expect(card).to_contain_text("Written answers: Qwen3-VL 2B")
    assert [one for one in violations(page) if one["impact"] in ("serious", "critical")] == []

    hub.held[next(iter(hub.commits[hub.head]))] = N_HELD
    card.get_by_role("button", name="Load it").click()
    progress = card.get_by_role("progressbar")
    expect(progress).to_have_attribute("value", str(N_HELD))
    # In Settings the same is to be seen; there it is left off.
    go_to(page, "Settings")
    settings = page.locator("#kb-laptop")
    expect(settings.get_by_role("progressbar")).to_have_attribute("value", str(N_HELD))
    settings.get_by_role("button", name="Cancel").click()
    expect(settings).to_contain_text("120 kB of")
    # A page that is opened meanwhile shows how far it is.
    hub.freed.set()
    page.reload()
    go_to(page, "Settings")
    settings.get_by_role("button", name="Go on loading").click()
    expect(settings).to_contain_text("It is here")
    expect(page.locator("#kb-settings")).to_contain_text("on this computer's processor")

    go_to(page, "Chat")
    expect(page.locator("#kb-mode")).to_be_visible()
    turn = ask(page, QUESTION)
    # What random weights write is no answer: the quotes stay, and why is told.
    expect(turn).to_contain_text("The pump hums at 40 decibels.")
    expect(turn.locator(".kb-note-below, .kb-foot").first).to_be_visible()
    go_to(page, "Settings")
    page.locator("#kb-settings [data-name=quotes]").click()
    expect(page.locator("#kb-settings")).to_contain_text("Answers are quotes now")
    expect(page.locator("#kb-mode")).to_be_hidden()


def test_the_card_is_put_off_for_good(page: Page) -> None:
    ask(page, QUESTION)
    card = page.locator("#kb-offer")
    card.get_by_role("button", name="Not now").click()
    expect(card).to_be_hidden()
    page.reload()
    ask(page, QUESTION)
    expect(card).to_be_hidden()


def test_a_server_is_given_by_its_address_and_key(page: Page) -> None:
    with ChatServer() as chat:
        chat.key = "key-of-nobody-12345"
        chat.plays = [stream(says("Forty decibels [1].", "stop"), DONE)]
        go_to(page, "Settings")
        form = page.locator("#kb-address")
        form.get_by_label("Address").fill(chat.url)
        form.get_by_role("button", name="Connect").click()
        expect(form).to_contain_text("wants a key")
        form.get_by_label("Key").fill(chat.key)
        page.keyboard.press("Enter")
        form.get_by_role("button", name="Use served/model").click()
        expect(form).to_contain_text("It writes from the next answer on")
        expect(form.get_by_label("Key")).to_have_value("")
        assert [one for one in violations(page) if one["impact"] in ("serious", "critical")] == []
        go_to(page, "Chat")
        expect(ask(page, QUESTION)).to_contain_text("Forty decibels")
        go_to(page, "Settings")
        page.locator("#kb-settings [data-name=quotes]").click()
        expect(page.locator("#kb-settings")).to_contain_text("Answers are quotes now")
