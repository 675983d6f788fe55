"""A citation of a file of records opens its table at the row."""

from __future__ import annotations

from browser_parts import Server, ask, go_to, wait_until_indexed
from playwright.sync_api import Page, expect


def test_a_cited_row_is_marked_in_its_table(page: Page, server: Server) -> None:
    path = server.library / "kiln codes.csv"
    rows = "".join(f"K{n},Kiln <b>{n}</b> cold,Wait {n} minutes\n" for n in range(100, 180))
    path.write_text(f"code,meaning,what to do\n{rows}", "utf-8")
    go_to(page, "Library")
    wait_until_indexed(page, path.name, 60_000)
    go_to(page, "Chat")
    turn = ask(page, "What does kiln code K170 mean?")
    turn.locator(".kb-source", has_text=path.name).first.click()
    marked = page.locator("dialog .kb-row-marked")
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("K170")
    expect(marked).to_contain_text("Kiln <b>170</b> cold")
    expect(marked).to_be_in_viewport()
    # The names of the columns stay in sight.
    expect(page.locator("dialog thead th", has_text="meaning")).to_be_in_viewport()
