"""Search, Library, themes, small screens, and documents that try to run."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from browser_parts import HOSTILE_NAME, VIDEO, Server, ask, go_to, row, wait_until_indexed
from PIL import Image
from playwright.sync_api import Page, expect

PHONE = {"viewport": {"width": 390, "height": 844}}
DARK = {"color_scheme": "dark"}


@pytest.fixture
def indexed(page: Page) -> Page:
    go_to(page, "Library")
    wait_until_indexed(page, VIDEO, 120_000)
    wait_until_indexed(page, HOSTILE_NAME, 120_000)
    return page


def search(page: Page, text: str) -> None:
    page.locator("#kb-search-query textarea").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator(".kb-hit").first).to_be_visible()


def test_search_marks_words_filters_by_kind_and_gives_the_json(indexed: Page) -> None:
    go_to(indexed, "Search")
    search(indexed, "zebra valves")
    first = indexed.locator(".kb-hit").first
    expect(first.locator(".kb-name")).to_contain_text(HOSTILE_NAME)
    expect(first.locator("mark", has_text="Zebra").first).to_be_visible()
    indexed.locator(".kb-json summary").click()
    answer = json.loads(indexed.locator(".kb-json pre").inner_text())
    assert answer["query"] == "zebra valves"
    assert answer["results"][0]["rank"] == 1
    assert answer["results"][0]["metadata"]["source"] == f"notes/{HOSTILE_NAME}"

    indexed.get_by_role("button", name="Filters").click()
    indexed.get_by_role("checkbox", name="Video").check()
    expect(indexed.locator(".kb-hit .kb-name").first).to_contain_text(VIDEO)
    expect(indexed.locator(".kb-hit", has_text=HOSTILE_NAME)).to_have_count(0)


def test_words_of_a_document_never_run(indexed: Page) -> None:
    go_to(indexed, "Chat")
    turn = ask(indexed, "Tell me of zebra valves")
    expect(turn.locator(".kb-answer")).to_contain_text('<img src=x onerror="window.hacked=1">')
    turn.locator(".kb-source").first.click()
    expect(indexed.locator("dialog .kb-passage-full")).to_contain_text("${window.hacked=2}")
    indexed.keyboard.press("Escape")
    go_to(indexed, "Search")
    search(indexed, "zebra valves")
    assert indexed.evaluate("window.hacked") is None
    assert indexed.locator("img[src=x]").count() == 0


def test_question_with_a_picture_alone_shows_it_and_is_answered(
    indexed: Page, tmp_path: Path
) -> None:
    path = tmp_path / "frame.png"
    Image.new("RGB", (320, 180), "orange").save(path)
    go_to(indexed, "Chat")
    indexed.locator("#kb-question input[type=file]").set_input_files(path)
    expect(indexed.locator("#kb-question img")).to_be_visible()
    turn = ask(indexed, "")
    expect(turn.get_by_alt_text("Picture in the question")).to_be_visible()
    expect(turn.locator(".kb-message-error")).to_have_count(0)


def test_attachment_that_is_no_picture_is_refused_in_place(indexed: Page, tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"this is no picture")
    go_to(indexed, "Chat")
    indexed.locator("#kb-question input[type=file]").set_input_files(path)
    expect(indexed.locator("#kb-question .thumbnail-item")).to_be_visible()
    turn = ask(indexed, "What is this?")
    expect(turn.get_by_role("alert")).to_be_visible()
    expect(turn.get_by_role("alert")).not_to_contain_text("Traceback")


def test_file_is_deleted_only_after_confirmation(indexed: Page, server: Server) -> None:
    path = server.library / "to delete.txt"
    path.write_text("A short note about tulips.", "utf-8")
    wait_until_indexed(indexed, path.name, 60_000)
    delete = row(indexed, path.name).get_by_role("button", name=f"Delete: {path.name}")

    delete.click()
    asked = indexed.get_by_role("dialog", name="Delete this file?")
    expect(asked.get_by_role("listitem")).to_have_text("to delete.txt")
    asked.get_by_role("button", name="Keep", exact=True).click()
    expect(row(indexed, path.name)).to_have_count(1)
    assert path.exists()

    delete.click()
    asked.get_by_role("button", name="Delete", exact=True).click()
    expect(row(indexed, path.name)).to_have_count(0)
    assert not path.exists()


def test_damaged_file_fails_with_a_reason_and_is_found_by_status(
    indexed: Page, server: Server
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (800, 800), "red").save(buffer, "PNG")
    (server.library / "cut short.png").write_bytes(buffer.getvalue()[:200])
    failed = row(indexed, "cut short.png")
    expect(failed).to_have_attribute("data-status", "failed", timeout=60_000)
    expect(failed.locator(".kb-reason")).not_to_be_empty()
    indexed.get_by_role("radio", name="Failed").check()
    expect(row(indexed, VIDEO)).to_have_count(0)
    expect(failed).to_have_count(1)
    expect(failed.get_by_role("button", name="Retry")).to_be_visible()


def test_theme_follows_the_system_until_it_is_chosen(page: Page, server: Server) -> None:
    body = page.locator("body")
    page.emulate_media(color_scheme="dark")
    expect(body).to_have_class("dark")
    page.emulate_media(color_scheme="light")
    expect(body).not_to_have_class("dark")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(body).to_have_class("dark")
    page.goto(server.url)
    expect(body).to_have_class("dark")


@pytest.mark.parametrize("page", [PHONE, PHONE | DARK, DARK], indirect=True)
def test_nothing_scrolls_sideways(indexed: Page) -> None:
    def excess_px() -> int:
        return int(
            indexed.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    assert excess_px() == 0
    go_to(indexed, "Chat")
    turn = ask(indexed, "Why keep the carton in the cellar?")
    assert excess_px() == 0
    turn.locator(".kb-source").first.click()
    expect(indexed.locator("dialog [data-close]")).to_be_in_viewport()
    assert excess_px() == 0
    indexed.keyboard.press("Escape")
    go_to(indexed, "Search")
    search(indexed, "carton")
    assert excess_px() == 0
