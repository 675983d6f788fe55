"""The pages in each language, light and dark, by keyboard, and for those who see or move little."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable

import pytest
from browser_parts import VIDEO, ask, violations, wait_until_indexed
from playwright.sync_api import Page, Route, expect

CHINESE = {"locale": "zh-CN", "color_scheme": "light", "reduced_motion": "reduce"}
ENGLISH = {"locale": "en-GB", "color_scheme": "dark", "reduced_motion": "reduce"}
WIDTHS_PX = (390, 600, 768, 1024, 1440)
# What is said in a file's words, or by its name; and names that are one in every language.
NOT_OURS = (
    "script, style, pre, mark, kbd, option, .kb-name, .kb-file, .kb-excerpt, .kb-passage, "
    ".kb-passage-full, .kb-path, .kb-viewer-title, .kb-suggestion, .kb-question, .kb-talk, "
    ".kb-within, .kb-understood, .kb-answer > :is(p, ul, ol, table), .kb-pill, #kb-scope li, "
    ".kb-hit-open, .kb-page, .kb-stage, .kb-chip, .kb-video, .kb-confirm :is(p, li), "
    ".kb-trash li, .kb-undo p, .kb-held li, [data-source], [data-pick]"
)
SAID = f"""() => {{
  const said = new Set();
  const isShown = (e) => e && !e.closest({NOT_OURS!r}) && e.checkVisibility();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {{
    if (isShown(texts.currentNode.parentElement)) said.add(texts.currentNode.textContent.trim());
  }}
  for (const name of ["aria-label", "title", "placeholder", "alt"]) {{
    for (const e of document.querySelectorAll(`[${{name}}]`)) {{
      if (isShown(e)) said.add(e.getAttribute(name));
    }}
  }}
  return [...said];
}}"""
# Two words of English in a row are a sentence of ours that nobody translated.
SENTENCE = re.compile(r"[A-Za-z]{2,}['’]?[a-z]* [a-z]{2,}")
COMMANDS = re.compile(r"`[^`]*`|kb models pull laptop")


def tab(page: Page, name: str) -> None:
    page.locator(f"#kb-tab-{name}-button").click()


def walk(page: Page, look: Callable[[str], None]) -> None:
    """Open each state of the pages, and `look` at it."""
    look("empty")
    turn = ask(page, "Why keep the carton in the cellar?")
    expect(turn.locator(".kb-source").first).to_be_visible()
    look("answer")
    turn.locator(".kb-source").first.click()
    expect(page.locator("dialog.kb-viewer [data-close]")).to_be_visible()
    look("viewer")
    page.keyboard.press("Escape")
    ask(page, "Who painted the ceiling of the chapel?")
    look("refusal")
    page.locator(".kb-talk-menu summary").first.click()
    look("menu of a conversation")
    page.locator("[data-talk-act=rename]").first.click()
    look("dialog to rename")
    page.keyboard.press("Escape")
    tab(page, "search")
    page.locator("#kb-filters button").first.click()
    look("search, empty")
    page.locator("#kb-search-query textarea").fill("carton")
    page.keyboard.press("Enter")
    expect(page.locator(".kb-hit").first).to_be_visible()
    look("search")
    tab(page, "library")
    expect(page.locator(".kb-table")).to_be_visible()
    look("library")
    page.locator("[data-act=remove]").first.click()
    look("dialog to delete")
    page.keyboard.press("Escape")
    page.locator("[data-act=rename]").first.click()
    look("dialog to rename a file")
    page.keyboard.press("Escape")
    page.locator("[data-pick]").last.check()
    expect(page.locator(".kb-picked")).to_be_visible()
    look("a file is selected")
    page.locator("[data-many=remove]").click()
    page.locator("dialog [value=yes]").click()
    expect(page.locator("[data-undo]")).to_be_visible()
    page.locator(".kb-trash summary").click()
    look("trash")
    page.locator("[data-trash=empty]").click()
    look("dialog to empty the trash")
    page.keyboard.press("Escape")
    page.locator("[data-undo]").click()
    expect(page.locator("[data-undo]")).to_have_count(0)
    tab(page, "settings")
    page.locator("[data-act=look]").click()
    expect(page.locator("[data-act=look]:not([disabled])")).to_be_visible()
    look("settings")
    page.locator("#kb-settings h2").click()
    page.keyboard.press("?")
    expect(page.locator("dialog.kb-keys")).to_be_visible()
    look("keys")
    page.keyboard.press("Escape")


@pytest.mark.parametrize("page", [CHINESE, ENGLISH], indirect=True, ids=["zh", "en"])
def test_every_state_can_be_used_by_everybody_in_one_language(page: Page) -> None:
    tab(page, "library")
    wait_until_indexed(page, VIDEO, 120_000)
    tab(page, "chat")
    language = page.locator("html").get_attribute("lang")
    found: list[str] = []
    counts: Counter[str] = Counter()

    def look(state: str) -> None:
        for theme in ("light", "dark"):
            dark = theme == "dark"
            page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
            for one in violations(page):
                counts[one["impact"]] += len(one["nodes"])
                if one["impact"] in ("serious", "critical"):
                    found.append(f"{state}, {theme}: {one['id']} {one['nodes'][0]['html'][:120]}")
        counts["states"] += 2
        said = [COMMANDS.sub("", text) for text in page.evaluate(SAID)]
        sentences = [text for text in said if SENTENCE.search(text)]
        counts["English sentences"] += len(sentences)
        if language == "zh-CN":
            found.extend(f"{state}: {text!r}" for text in sentences)

    walk(page, look)
    for name in ("chat", "search", "library", "settings"):
        tab(page, name)
        for width_px in WIDTHS_PX:
            page.set_viewport_size({"width": width_px, "height": 844})
            excess_px = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if excess_px > 0:
                found.append(f"{name} at {width_px} px scrolls sideways by {excess_px} px")
    print(f"{language}: {dict(counts)}")
    assert found == []
    assert (counts["English sentences"] == 0) == (language == "zh-CN")


def test_tabs_are_turned_by_arrow_keys_and_the_keys_are_listed(page: Page) -> None:
    # Whose tabs can be clicked has all its scripts.
    tab(page, "search")
    tab(page, "chat")
    page.locator("#kb-tab-chat-button").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#kb-tab-search-button")).to_be_focused()
    expect(page.locator("#kb-tab-search-button")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("End")
    expect(page.locator("#kb-tab-settings-button")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#kb-tab-chat-button")).to_be_focused()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Show this list")
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    # In a box it is a character as any other.
    box = page.locator("#kb-question textarea")
    box.focus()
    page.keyboard.type("What is this?")
    expect(box).to_have_value("What is this?")
    expect(keys).to_have_count(0)


def test_language_is_switched_in_the_page_and_remembered(page: Page) -> None:
    page.locator("#kb-question textarea").fill("Half a question")
    page.get_by_role("combobox", name="Language").select_option("简体中文")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("tab", name="资料库")).to_be_visible()
    # Gradio's own words follow.
    page.get_by_role("tab", name="资料库").click()
    expect(page.locator("#kb-upload")).to_contain_text("点击上传")
    expect(page.locator("#kb-question textarea")).to_have_value("Half a question")
    page.reload()
    expect(page.get_by_role("combobox", name="语言")).to_have_value("zh-CN")


def test_nothing_moves_while_an_answer_comes(page: Page) -> None:
    tab(page, "library")
    wait_until_indexed(page, VIDEO, 120_000)
    tab(page, "chat")
    page.evaluate(
        """() => {
          const of = (source) => source.node?.className || source.node?.nodeName;
          window.shifts = [];
          const note = (one) => window.shifts.push([one.value, ...one.sources.map(of)]);
          const observer = new PerformanceObserver((list) =>
            list.getEntries().filter((one) => !one.hadRecentInput).forEach(note));
          observer.observe({type: "layout-shift"});
        }"""
    )

    def late(route: Route) -> None:
        """A browser does not count what moves within half a second of a key."""
        time.sleep(0.7)
        route.continue_()

    page.route("**/queue/join*", late)
    ask(page, "Why keep the carton in the cellar?")
    ask(page, "Where is the filter?")
    page.unroute("**/queue/join*", late)
    shifts = page.evaluate("window.shifts")
    moved = sum(shift[0] for shift in shifts)
    print(f"layout shift: {moved:.4f}")
    assert moved < 0.1, shifts
