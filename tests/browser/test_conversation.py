"""A conversation outlives the page that shows it, and a question is never lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser_parts import Server, ask, go_to, row, wait_until_indexed
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

CELLAR = "Why keep the carton in the cellar?"
# Presses Enter as soon as there is a box, long before a person could.
AT_ONCE = """
new MutationObserver((_, observer) => {
  const box = document.querySelector("#kb-question textarea");
  if (!box) return;
  observer.disconnect();
  setTimeout(() => {
    box.value = QUESTION;
    box.dispatchEvent(new Event("input", {bubbles: true}));
    setTimeout(() => box.dispatchEvent(
      new KeyboardEvent("keypress", {key: "Enter", bubbles: true, cancelable: true})), DELAY_MS);
  });
}).observe(document, {childList: true, subtree: true});
"""


def reload(page: Page) -> None:
    page.reload()
    page.locator("#kb-question textarea").wait_for()


def turns(page: Page) -> list[str]:
    return page.locator("[data-turn] .kb-question").all_inner_texts()


def test_conversation_is_there_after_a_reload_and_goes_on(indexed: Page) -> None:
    before = ask(indexed, CELLAR).locator(".kb-answer").inner_text()
    ask(indexed, "Who won the chess olympiad of Reykjavik?")
    reload(indexed)
    expect(indexed.locator("[data-turn]")).to_have_count(2)
    expect(indexed.locator(".kb-welcome")).to_be_hidden()
    first = indexed.locator("[data-turn]").first
    assert first.locator(".kb-answer").inner_text() == before

    # Its number still opens the film at the second.
    first.locator(".kb-answer .kb-chip").first.click()
    video = indexed.locator("dialog video")
    indexed.wait_for_function("document.querySelector('dialog video').readyState >= 2")
    assert 28 <= video.evaluate("video => video.currentTime") <= 35
    indexed.keyboard.press("Escape")

    third = ask(indexed, "How long is the film?")
    assert third.get_attribute("data-turn") == "3"
    reload(indexed)
    expect(indexed.locator("[data-turn]")).to_have_count(3)
    assert len(set(turns(indexed))) == 3


def test_new_conversation_leaves_the_old_one(indexed: Page) -> None:
    new = indexed.get_by_role("button", name="New conversation")
    ask(indexed, CELLAR)
    new.click()
    expect(indexed.locator("[data-turn]")).to_have_count(0)
    expect(indexed.locator(".kb-welcome")).to_be_visible()
    reload(indexed)
    expect(indexed.locator(".kb-welcome")).to_be_visible()
    expect(indexed.locator("[data-turn]")).to_have_count(0)


def test_another_tab_begins_one_of_its_own_and_can_open_this_one(
    indexed: Page, server: Server
) -> None:
    ask(indexed, CELLAR)
    other = indexed.context.new_page()
    other.goto(server.url)
    expect(other.locator(".kb-welcome")).to_be_visible()
    expect(other.locator("[data-turn]")).to_have_count(0)
    ask(other, "How long is the film?")
    reload(indexed)
    expect(indexed.locator(".kb-question", has_text=CELLAR)).to_be_visible()
    assert turns(indexed) == [CELLAR]

    # Both go on in the same one: each sees what the other asked, and nothing is lost.
    other.goto(indexed.url)
    expect(other.locator("[data-turn]")).to_have_count(1)
    ask(other, "Who won the chess olympiad?")
    box = indexed.locator("#kb-question textarea")
    box.fill("How long is the film?")
    box.press("Enter")
    expect(indexed.locator("[data-turn]")).to_have_count(3)
    expect(indexed.locator("[data-turn='3']")).to_have_attribute("aria-busy", "false")
    assert turns(indexed)[1] == "Who won the chess olympiad?"
    reload(indexed)
    expect(indexed.locator("[data-turn]")).to_have_count(3)
    other.close()


def test_picture_that_was_asked_with_is_there_after_a_reload(indexed: Page, tmp_path: Path) -> None:
    path = tmp_path / "frame.png"
    Image.new("RGB", (320, 180), "orange").save(path)
    indexed.locator("#kb-question input[type=file]").set_input_files(path)
    expect(indexed.locator("#kb-question img")).to_be_visible()
    ask(indexed, "")
    reload(indexed)
    picture = indexed.get_by_alt_text("Picture in the question")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 160


def test_citation_of_a_removed_file_says_so(indexed: Page, server: Server) -> None:
    path = server.library / "heron.txt"
    path.write_text("The grey heron of Oakford pond is called Bartholomew.", "utf-8")
    go_to(indexed, "Library")
    wait_until_indexed(indexed, path.name, 60_000)
    go_to(indexed, "Chat")
    ask(indexed, "What is the grey heron of Oakford pond called?")
    path.unlink()
    go_to(indexed, "Library")
    expect(row(indexed, path.name)).to_have_count(0, timeout=60_000)
    go_to(indexed, "Chat")
    reload(indexed)
    card = indexed.locator(".kb-source", has_text=path.name)
    expect(card).to_contain_text("Removed or changed since")
    expect(card).to_contain_text("Bartholomew")
    card.click()
    expect(indexed.get_by_role("dialog")).to_contain_text("no longer in the library")


def test_an_address_of_no_conversation_says_so(indexed: Page, server: Server) -> None:
    indexed.goto(f"{server.url}/c/{'x' * 22}")
    expect(indexed.locator("#kb-past")).to_contain_text("There is no such conversation")
    ask(indexed, CELLAR)
    assert indexed.url != f"{server.url}/c/{'x' * 22}"


@pytest.mark.parametrize("delay_ms", [0, 20, 100, 300])
def test_question_sent_as_soon_as_there_is_a_box_is_answered(
    indexed: Page, browser: Browser, server: Server, delay_ms: int
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(
        AT_ONCE.replace("QUESTION", repr(CELLAR)).replace("DELAY_MS", str(delay_ms))
    )
    page.goto(server.url)
    turn = page.locator("[data-turn]")
    expect(turn).to_have_attribute("aria-busy", "false", timeout=30_000)
    # What the page loads has come by then, and has left the answer alone.
    page.wait_for_timeout(2000)
    assert turns(page) == [CELLAR]
    expect(turn.locator(".kb-source").first).to_be_visible()
    expect(page.locator("#kb-question textarea")).to_have_value("")
    context.close()


def test_turn_that_the_loading_page_finds_as_well_is_shown_once(indexed: Page) -> None:
    indexed.locator("#kb-question textarea").fill(CELLAR)
    indexed.keyboard.press("Enter")
    turn = indexed.locator("[data-turn]")
    expect(turn).to_have_attribute("aria-busy", "false", timeout=30_000)
    # What the page loads comes after the question, whose turn is among it.
    indexed.evaluate("""() => {
        const turn = document.querySelector("#kb-live [data-turn]");
        document.querySelector("#kb-past").append(turn.cloneNode(true));
        kb.turnsShown();
    }""")
    expect(turn).to_have_count(1)
    expect(indexed.locator(".kb-turn:visible")).to_have_count(1)


def test_question_that_does_not_reach_the_server_stays_in_the_box(indexed: Page) -> None:
    def refuse(route: Route) -> None:
        route.abort()

    indexed.route("**/queue/join*", refuse)
    indexed.locator("#kb-question textarea").fill(CELLAR)
    indexed.keyboard.press("Enter")
    indexed.wait_for_timeout(1500)
    box = indexed.locator("#kb-question textarea")
    expect(box).to_have_value(CELLAR)
    indexed.unroute("**/queue/join*")
    # The page loads itself again when the server is back, or goes on: the words are still there.
    reload(indexed)
    expect(box).to_have_value(CELLAR)
    box.press("Enter")
    turn = indexed.locator("[data-turn]")
    expect(turn).to_have_attribute("aria-busy", "false", timeout=30_000)
    assert turns(indexed) == [CELLAR]


def test_what_is_typed_while_a_question_is_on_its_way_stays(indexed: Page) -> None:
    box = indexed.locator("#kb-question textarea")
    ask(indexed, CELLAR)
    # No hand is faster than the page takes up the question.
    for n, delay_ms in enumerate((100, 200, 400), 1):
        box.fill(CELLAR)
        indexed.keyboard.press("Enter")
        indexed.wait_for_timeout(delay_ms)
        box.fill("Who won the chess olympiad?")
        turn = indexed.locator("[data-turn]").nth(n)
        expect(turn).to_have_attribute("aria-busy", "false", timeout=30_000)
        expect(box).to_have_value("Who won the chess olympiad?")
        assert turns(indexed)[-1] == CELLAR
    box.fill(CELLAR)
    indexed.keyboard.press("Enter")
    expect(box).to_have_value("")
