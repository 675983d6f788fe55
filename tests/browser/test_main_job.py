"""The main job in a real browser: upload → indexed → asked → citation opened → right page,
right box, right second."""

from __future__ import annotations

import re
from pathlib import Path

import pymupdf
import pytest
from browser_parts import VIDEO, ask, go_to, row, wait_until_indexed
from playwright.sync_api import Page, expect

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"
MANUAL = SAMPLES / "manuals" / "Breeze 300 User Manual.pdf"
INDEXING_MS = 120_000


@pytest.fixture
def indexed(page: Page) -> Page:
    """The app with the manual uploaded through the page and everything indexed."""
    go_to(page, "Library")
    wait_until_indexed(page, VIDEO, INDEXING_MS)
    if row(page, MANUAL.name).count() == 0:
        page.locator("#kb-upload input[type=file]").set_input_files(MANUAL)
        expect(page.locator("#kb-notice")).to_contain_text(f"1 file was added: {MANUAL.name}")
    wait_until_indexed(page, MANUAL.name, INDEXING_MS)
    go_to(page, "Chat")
    return page


def test_uploaded_manual_is_asked_and_its_citation_opens_the_page_with_the_box(
    indexed: Page,
) -> None:
    turn = ask(indexed, "How do I do a factory reset of the Breeze 300?")
    card = turn.locator(".kb-source", has_text=MANUAL.name).first
    number = card.get_attribute("data-number")
    turn.locator(f'.kb-answer .kb-chip[data-number="{number}"]').first.click()

    viewer = indexed.get_by_role("dialog")
    expect(viewer.locator(".kb-viewer-title")).to_have_text(MANUAL.name)
    marks = viewer.locator(".kb-mark")
    expect(marks.first).to_be_visible()
    expect(marks.first).to_be_in_viewport()
    shown = viewer.locator("[data-place]").inner_text()
    page_number = int(re.fullmatch(r"page (\d+)", shown).group(1))  # type: ignore[union-attr]
    quote = viewer.locator("mark.kb-quote").inner_text()

    # The words under the boxes, read from the file by itself, are those that are quoted.
    frame = viewer.locator(".kb-page").bounding_box()
    assert frame is not None
    with pymupdf.open(MANUAL) as file:
        pdf_page = file[page_number - 1]
        scale = pdf_page.rect.width / frame["width"]
        under = []
        for mark in marks.all():
            box = mark.bounding_box()
            assert box is not None
            x, y = (box["x"] - frame["x"]) * scale, (box["y"] - frame["y"]) * scale
            w, h = box["width"] * scale, box["height"] * scale
            under.append(pdf_page.get_text(clip=pymupdf.Rect(x - 1, y - 1, x + w + 1, y + h + 1)))
    words = set(re.findall(r"\w+", " ".join(under)))
    assert set(re.findall(r"\w+", quote)) <= words
    assert "reset" in " ".join(words | set(re.findall(r"\w+", quote))).lower()
    # The boxes hold the quote and at most the rest of its lines, not half the page.
    assert len(" ".join(under)) < len(quote) + 240


def test_citation_of_the_video_plays_at_its_second(indexed: Page) -> None:
    # Only the subtitle from 0:28 to 0:35 says so.
    turn = ask(indexed, "Why keep the carton in the cellar?")
    turn.locator(".kb-source", has_text=VIDEO).first.click()
    video = indexed.locator("dialog video")
    expect(video).to_be_visible()
    indexed.wait_for_function("document.querySelector('dialog video').readyState >= 2")
    second = video.evaluate("video => video.currentTime")
    assert 28 <= second <= 35
    expect(indexed.locator("dialog mark.kb-quote")).to_contain_text("cellar")
    # Its subtitles are there, and the player shows the one of that second.
    expect(indexed.locator("dialog .kb-tracks")).to_have_text("Text tracks: Subtitles")
    indexed.wait_for_function(
        """() => {
            const [track] = document.querySelector('dialog video').textTracks;
            return track.mode === 'showing' && track.cues && track.activeCues.length
                && track.activeCues[0].text.includes('cellar');
        }"""
    )
    # A frame of the strip moves it there.
    frame = indexed.locator("dialog [data-seek-s]").last
    frame.click()
    wanted = float(frame.get_attribute("data-seek-s") or "nan")
    after = video.evaluate("video => video.currentTime")
    assert wanted <= after <= wanted + 5


def test_viewer_turns_pages_closes_by_escape_and_gives_the_focus_back(indexed: Page) -> None:
    turn = ask(indexed, "How do I do a factory reset of the Breeze 300?")
    opener = turn.locator(".kb-source", has_text=MANUAL.name).first
    opener.focus()
    indexed.keyboard.press("Enter")
    place = indexed.locator("dialog [data-place]")
    expect(place).to_be_visible()
    before = int(place.inner_text().split()[-1])
    indexed.keyboard.press("ArrowRight")
    expect(place).to_have_text(f"page {before + 1}")
    indexed.keyboard.press("ArrowLeft")
    expect(place).to_have_text(f"page {before}")
    indexed.keyboard.press("Escape")
    expect(indexed.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_question_without_an_answer_says_so(indexed: Page) -> None:
    turn = ask(indexed, "Who won the chess olympiad of Reykjavik?")
    expect(turn.locator(".kb-answer")).to_contain_text("Nothing in the sources answers")
    expect(turn.locator(".kb-chip")).to_have_count(0)
    expect(turn).to_contain_text("Closest passages")
    expect(turn.locator(".kb-foot")).to_contain_text("Try other words")


def test_a_mended_slip_is_told_and_undone_with_a_click(indexed: Page) -> None:
    turn = ask(indexed, "How do I do a factroy reset of the Breeze 300?")
    told = turn.locator(".kb-mended")
    expect(told).to_contain_text("factory reset")
    told.get_by_role("button").click()
    again = indexed.locator(".kb-turn").last
    expect(again.locator(".kb-question")).to_contain_text('"How do I do a factroy reset')
    expect(again.locator(".kb-foot").first).to_be_visible()
    expect(again.locator(".kb-mended")).to_have_count(0)


def test_suggestions_are_questions_that_the_library_answers(indexed: Page) -> None:
    suggestion = indexed.locator(".kb-suggestion").first
    question = suggestion.get_attribute("data-ask") or ""
    assert question.endswith("?")
    # What is being typed stays.
    indexed.locator("#kb-question textarea").fill("half a que")
    suggestion.click()
    turn = indexed.locator("[data-turn]").last
    expect(turn).to_have_attribute("aria-busy", "false")
    expect(turn.locator(".kb-question")).to_have_text(question)
    expect(turn.locator(".kb-source").first).to_contain_text(MANUAL.name)
    expect(indexed.locator("#kb-question textarea")).to_have_value("half a que")
    expect(indexed.locator(".kb-welcome")).to_be_hidden()
