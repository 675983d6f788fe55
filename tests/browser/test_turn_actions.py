"""What can be done with a turn: copied, asked again, edited; and nothing attached is ever lost."""

from __future__ import annotations

from pathlib import Path

from browser_parts import HOSTILE_NAME, VIDEO, ask, violations
from playwright.sync_api import Page, expect

CELLAR = "Why keep the carton in the cellar?"


def test_an_answer_is_copied_without_its_numbers_or_with_what_they_mean(indexed: Page) -> None:
    indexed.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = ask(indexed, CELLAR)
    expect(turn.locator(".kb-chip").first).to_be_visible()
    turn.get_by_role("button", name="Copy", exact=True).click()
    expect(turn.get_by_role("button", name="Copied")).to_be_visible()
    plain = indexed.evaluate("navigator.clipboard.readText()")
    assert "[1]" not in plain
    assert plain
    turn.get_by_role("button", name="Copy with sources").click()
    indexed.wait_for_function(
        "text => navigator.clipboard.readText().then(now => now !== text)", arg=plain
    )
    whole = indexed.evaluate("navigator.clipboard.readText()")
    assert f"- [1] {VIDEO}" in whole
    # Nor does what is selected by hand hold a number that is no part of it.
    turn.locator(".kb-answer").evaluate("element => getSelection().selectAllChildren(element)")
    indexed.keyboard.press("Control+C")
    selected = indexed.evaluate("navigator.clipboard.readText()")
    assert plain.split()[0].strip("*>") in selected
    assert "[1]" not in selected


def test_a_question_is_edited_and_asked_again(indexed: Page) -> None:
    turn = ask(indexed, CELLAR)
    turn.get_by_role("button", name="Edit", exact=True).click()
    box = indexed.locator("#kb-question textarea")
    expect(box).to_have_value(CELLAR)
    box.fill("How long is the film?")
    box.press("Enter")
    second = indexed.locator("[data-turn='2']")
    expect(second).to_have_attribute("aria-busy", "false", timeout=30_000)
    indexed.locator("[data-turn='1']").get_by_role("button", name="Ask again").click()
    third = indexed.locator("[data-turn='3']")
    expect(third).to_have_attribute("aria-busy", "false", timeout=30_000)
    expect(third.locator(".kb-question")).to_have_text(CELLAR)


def test_what_was_attached_is_there_after_an_error(indexed: Page, tmp_path: Path) -> None:
    path = tmp_path / "half.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n half of a picture")
    indexed.locator("#kb-question input[type=file]").set_input_files(path)
    expect(indexed.locator("#kb-question .thumbnail-item")).to_be_visible()
    turn = ask(indexed, "What is this?")
    expect(turn.get_by_role("alert")).to_be_visible()
    expect(indexed.locator("#kb-question .thumbnail-item")).to_be_visible()
    expect(indexed.locator("#kb-question textarea")).to_have_value("What is this?")


def test_an_answer_is_judged_and_the_judgement_is_there_again(indexed: Page) -> None:
    turn = ask(indexed, CELLAR)
    bad = turn.get_by_role("button", name="Bad answer")
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "true")
    turn.get_by_label("Something is left out").check()
    turn.get_by_label("In your words").fill("and the <b>lid</b>")
    assert violations(indexed) == []
    turn.get_by_role("button", name="Save").click()
    said = "Something is left out: and the <b>lid</b>"
    expect(turn.locator(".kb-rated")).to_have_text(said)
    indexed.reload()
    again = indexed.locator("#kb-past [data-turn='1']")
    expect(again.locator(".kb-rated")).to_have_text(said)
    good = again.get_by_role("button", name="Good answer")
    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    expect(again.get_by_role("button", name="Bad answer")).to_have_attribute(
        "aria-pressed", "false"
    )
    good.click()
    expect(good).to_have_attribute("aria-pressed", "false")
    expect(again.locator(".kb-rated")).to_have_text("Taken back")


def test_why_an_answer_is_what_it_is(indexed: Page) -> None:
    turn = ask(indexed, CELLAR)
    turn.get_by_text("Why this answer").click()
    table = turn.get_by_role("region", name="What was found for question 1")
    expect(table.locator("tbody tr").first).to_be_visible()
    expect(table.get_by_text("cited: 1").first).to_be_visible()
    assert violations(indexed) == []
    turn.get_by_label("File", exact=True).fill(HOSTILE_NAME)
    turn.get_by_role("button", name="Look", exact=True).click()
    lost = turn.locator(".kb-why-lost")
    expect(lost).to_contain_text(HOSTILE_NAME)
    expect(lost).to_contain_text("answer")
    # What a row shows opens like any source.
    table.get_by_role("button").first.click()
    expect(indexed.locator("dialog.kb-viewer")).to_be_visible()
