"""Conversations are kept, found, renamed, deleted and taken back; their addresses lead to them."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path

import pytest
from browser_parts import VIDEO, Server, ask, go_to
from playwright.sync_api import Locator, Page, expect

CELLAR = "Why keep the carton in the cellar?"
EVIL = '<img src=x onerror="window.hacked=1"> why keep the carton in the cellar?'


def listed(page: Page, title: str) -> Locator:
    return page.locator(".kb-talk", has_text=title)


def act(page: Page, title: str, name: str) -> None:
    menu = listed(page, title)
    menu.locator("summary").click()
    menu.get_by_text(name, exact=True).click()


def test_a_conversation_opens_from_the_list_and_goes_on(indexed: Page) -> None:
    ask(indexed, CELLAR)
    address = indexed.url
    assert re.search(r"/c/[\w-]{22}$", address)
    expect(listed(indexed, CELLAR).first.locator("a").first).to_have_attribute(
        "aria-current", "page"
    )
    indexed.get_by_role("button", name="New conversation").first.click()
    expect(indexed.locator("[data-turn]")).to_have_count(0)
    expect(indexed.locator(".kb-welcome")).to_be_visible()
    indexed.locator(f'.kb-talk a[href="c/{address.rpartition("/")[2]}"]').click()
    expect(indexed.locator("[data-turn]")).to_have_count(1)
    assert indexed.url == address
    # A follow-up is understood after what was asked before.
    turn = ask(indexed, "And how long is it?")
    assert turn.get_attribute("data-turn") == "2"
    indexed.reload()
    expect(indexed.locator("[data-turn]")).to_have_count(2)


def test_a_conversation_is_renamed_found_deleted_and_taken_back(indexed: Page) -> None:
    ask(indexed, CELLAR)
    indexed.get_by_role("button", name="New conversation").first.click()
    expect(indexed.locator("[data-turn]")).to_have_count(0)
    ask(indexed, EVIL)
    name = f"Cellar <b>{uuid.uuid4().hex[:8]}</b>"
    first = indexed.locator(".kb-talk").first
    expect(first).to_contain_text("<img src=x")
    first.locator("summary").click()
    first.get_by_text("Rename", exact=True).click()
    indexed.get_by_label("Title").fill(name)
    indexed.keyboard.press("Enter")
    expect(listed(indexed, name)).to_have_count(1)
    assert indexed.evaluate("window.hacked") is None

    act(indexed, name, "Pin")
    expect(indexed.locator(".kb-talk-list h2").first).to_have_text("Pinned")
    indexed.locator("#kb-talk-search textarea, #kb-talk-search input").fill(name[-12:-4])
    expect(indexed.locator(".kb-talk")).to_have_count(1)
    indexed.locator("#kb-talk-search textarea, #kb-talk-search input").fill("")
    expect(indexed.locator(".kb-talk")).not_to_have_count(1)

    act(indexed, name, "Delete")
    expect(listed(indexed, name)).to_have_count(0)
    expect(indexed.locator("[data-turn]")).to_have_count(0)
    indexed.get_by_role("button", name="Undo").click()
    listed(indexed, name).locator("a").first.click()
    expect(indexed.locator("[data-turn]")).to_have_count(1)


def test_a_long_list_is_scrolled_and_nothing_lies_over_it(indexed: Page) -> None:
    ask(indexed, CELLAR)
    indexed.evaluate(
        """() => {
            const list = document.querySelector(".kb-talk-list ul");
            for (let n = 0; n < 60; n++)
                list.append(list.firstElementChild.cloneNode(true));
        }"""
    )
    last = indexed.locator(".kb-talk > a").last
    last.scroll_into_view_if_needed()
    last.click(trial=True)
    first = indexed.locator(".kb-talk > a").first
    first.scroll_into_view_if_needed()
    first.click(trial=True)


def test_a_conversation_is_saved_as_a_file(indexed: Page, tmp_path: Path) -> None:
    ask(indexed, CELLAR)
    for form in ("Markdown", "JSON"):
        with indexed.expect_download() as saving:
            save(indexed, form)
        path = tmp_path / form
        saving.value.save_as(path)
        text = path.read_text("utf-8")
        assert CELLAR in text
        assert VIDEO in text
    made = json.loads((tmp_path / "JSON").read_text("utf-8"))
    assert made["turns"][0]["citations"][0]["source"] == VIDEO


def save(page: Page, form: str) -> None:
    menu = page.locator(".kb-talk:has([aria-current])")
    menu.locator("summary").click()
    menu.get_by_text(f"Save as {form}").click()


def test_back_and_forward_go_through_what_was_shown(indexed: Page, server: Server) -> None:
    indexed.goto(server.url)
    turn = ask(indexed, CELLAR)
    address = indexed.url
    turn.locator(".kb-chip").first.click()
    expect(indexed.get_by_role("dialog")).to_be_visible()
    assert indexed.url == f"{address}#turn=1&cite=1"
    indexed.go_back()
    expect(indexed.get_by_role("dialog")).to_be_hidden()
    assert indexed.url == address
    go_to(indexed, "Library")
    expect(indexed).to_have_url(f"{server.url}/library")
    indexed.go_back()
    expect(indexed.locator("[data-turn]")).to_be_visible()
    indexed.go_back()
    expect(indexed.locator(".kb-welcome")).to_be_visible()
    assert indexed.url.rstrip("/") == server.url
    indexed.go_forward()
    expect(indexed.locator("[data-turn]")).to_have_count(1)
    indexed.go_forward()
    expect(indexed.get_by_role("tab", name="Library")).to_have_attribute("aria-selected", "true")


def test_addresses_lead_to_what_they_name(indexed: Page, server: Server) -> None:
    ask(indexed, CELLAR)
    address = indexed.url
    other = indexed.context.new_page()
    errors: list[str] = []
    other.on("pageerror", lambda error: errors.append(str(error)))
    other.goto(f"{address}#turn=1&cite=1")
    expect(other.get_by_role("dialog")).to_be_visible()
    # Closing what the address opened stays on the page.
    other.keyboard.press("Escape")
    expect(other.get_by_role("dialog")).to_be_hidden()
    expect(other).to_have_url(address)
    other.goto(f"{server.url}/library")
    expect(other.get_by_role("tab", name="Library")).to_have_attribute("aria-selected", "true")
    other.goto(f"{server.url}/search?q=carton+cellar")
    expect(other.locator(".kb-hit").first).to_be_visible()
    expect(other.locator("#kb-search-query textarea")).to_have_value("carton cellar")
    other.locator(".kb-hit-open").first.click()
    expect(other.get_by_role("dialog")).to_be_visible()
    assert other.url == f"{server.url}/search?q=carton+cellar#hit=1"
    other.reload()
    expect(other.get_by_role("dialog")).to_be_visible()
    assert errors == []
    other.close()


@pytest.mark.parametrize("page", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_on_a_phone_the_list_is_a_drawer(indexed: Page) -> None:
    side = indexed.locator("#kb-talk-side")
    expect(side).to_be_hidden()
    ask(indexed, CELLAR)
    indexed.get_by_role("button", name="Conversations").click()
    expect(side).to_be_visible()
    indexed.keyboard.press("Escape")
    expect(side).to_be_hidden()
    indexed.get_by_role("button", name="Conversations").click()
    indexed.locator(".kb-talk a").first.click()
    expect(side).to_be_hidden()
    assert indexed.evaluate("document.documentElement.scrollWidth") <= 390
