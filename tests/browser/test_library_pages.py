"""A library of more files than one page of the list holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser_parts import Server, go_to, row, running_server, violations
from playwright.sync_api import Locator, Page, expect

PHONE = {"viewport": {"width": 390, "height": 844}}
N_FILES = 1234


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """On 1,234 copies of one text, which is read once."""
    library = tmp_path_factory.mktemp("home") / "library"
    library.mkdir()
    for number in range(1, N_FILES + 1):
        (library / f"Note {number:04}.txt").write_text("The pump is oiled in May.", "utf-8")
    (library / "Über uns.txt").write_text("A file of its own.", "utf-8")
    with running_server(library.parent) as started:
        yield started


@pytest.fixture
def library(page: Page) -> Page:
    go_to(page, "Library")
    expect(page.locator(".kb-summary")).to_contain_text("1,235 indexed", timeout=120_000)
    return page


def pager(page: Page, where: str = "top") -> Locator:
    return page.get_by_role("navigation", name=f"Pages of files, {where}")


def shown(page: Page) -> tuple[str, str, int]:
    """The first and the last file on the page, and how many there are."""
    names = page.locator(".kb-file-name")
    return names.first.inner_text(), names.last.inner_text(), names.count()


def test_every_file_can_be_reached(library: Page) -> None:
    top = pager(library)
    expect(top.locator(".kb-range")).to_have_text("1–200 of 1,235")
    expect(top.get_by_role("button", name="Previous page")).to_be_disabled()
    seen = set(library.locator(".kb-file-name").all_inner_texts())
    for first in range(201, N_FILES + 1, 200):
        pager(library, "bottom").get_by_role("button", name="Next page").click()
        expect(top.locator(".kb-range")).to_contain_text(f"{first:,}–")
        expect(library.locator(".kb-summary")).to_be_in_viewport()
        seen |= set(library.locator(".kb-file-name").all_inner_texts())
    assert len(seen) == N_FILES + 1
    expect(top.locator(".kb-range")).to_have_text("1,201–1,235 of 1,235")
    expect(top.get_by_role("button", name="Next page")).to_be_disabled()
    top.get_by_role("button", name="First page").click()
    expect(top.locator(".kb-range")).to_have_text("1–200 of 1,235")
    top.get_by_role("button", name="Last page").click()
    expect(top.locator(".kb-range")).to_have_text("1,201–1,235 of 1,235")
    assert shown(library) == ("Note 1201.txt", "Über uns.txt", 35)


def test_name_is_looked_for_among_all_files(library: Page) -> None:
    pager(library).get_by_role("button", name="Next page").click()
    expect(row(library, "Note 0201.txt")).to_be_visible()
    find = library.locator("#kb-name-filter").locator("input, textarea")
    find.fill("note 1")
    expect(pager(library).locator(".kb-range")).to_have_text("1–200 of 235")
    assert shown(library) == ("Note 1000.txt", "Note 1199.txt", 200)
    # Whatever the case, also beyond ASCII.
    find.fill("ÜBER")
    expect(row(library, "Über uns.txt")).to_be_visible()
    expect(library.locator(".kb-pager")).to_have_count(0)
    library.get_by_role("radio", name="Failed").check()
    expect(library.locator("#kb-files")).to_contain_text("No file matches")


def test_pages_are_turned_by_keyboard(library: Page) -> None:
    top = pager(library)
    following = top.get_by_role("button", name="Next page")
    following.focus()
    library.keyboard.press("Enter")
    expect(top.locator(".kb-range")).to_have_text("201–400 of 1,235")
    # The control that was used keeps the focus, though the list was drawn anew.
    expect(following).to_be_focused()
    library.keyboard.press("Enter")
    expect(top.locator(".kb-range")).to_have_text("401–600 of 1,235")
    library.keyboard.press("Shift+Tab")
    number = top.get_by_role("spinbutton", name="Page")
    expect(number).to_be_focused()
    number.fill("6")
    library.keyboard.press("Enter")
    expect(top.locator(".kb-range")).to_have_text("1,001–1,200 of 1,235")
    expect(number).to_be_focused()
    expect(number).to_have_value("6")
    number.fill("99")
    library.keyboard.press("Enter")
    expect(top.locator(".kb-range")).to_have_text("1,201–1,235 of 1,235")
    expect(number).to_have_value("7")


def test_page_stays_while_files_change(library: Page, server: Server) -> None:
    top = pager(library)
    top.get_by_role("button", name="Next page").click()
    expect(top.locator(".kb-range")).to_have_text("201–400 of 1,235")
    added = server.library / "A new one.txt"
    added.write_text("The pump is oiled in May.", "utf-8")
    expect(top.locator(".kb-range")).to_have_text("201–400 of 1,236", timeout=30_000)
    assert shown(library)[0] == "Note 0200.txt"
    row(library, "Note 0200.txt").get_by_role("button", name="Delete").click()
    library.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row(library, "Note 0200.txt")).to_have_count(0)
    expect(top.locator(".kb-range")).to_have_text("201–400 of 1,235")
    (server.library / "Note 0200.txt").write_text("The pump is oiled in May.", "utf-8")
    added.unlink()
    expect(row(library, "Note 0201.txt")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_pages_are_turned_on_a_phone(library: Page) -> None:
    bottom = pager(library, "bottom")
    bottom.scroll_into_view_if_needed()
    following = bottom.get_by_role("button", name="Next page")
    box = following.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 36
    following.click()
    expect(pager(library).locator(".kb-range")).to_have_text("201–400 of 1,235")
    expect(library.locator(".kb-summary")).to_be_in_viewport()
    assert library.evaluate("document.documentElement.scrollWidth") == 390


def test_several_files_are_deleted_and_taken_back(library: Page, server: Server) -> None:
    row(library, "Note 0003.txt").get_by_role("checkbox").focus()
    library.keyboard.press("Space")
    bar = library.get_by_role("group", name="Selected files")
    expect(bar).to_contain_text("1 selected")
    # They stay selected when pages are turned.
    pager(library).get_by_role("button", name="Next page").click()
    row(library, "Note 0205.txt").get_by_role("checkbox").check()
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Delete").click()
    dialog = library.get_by_role("dialog", name="Delete 2 files?")
    expect(dialog).to_contain_text("Note 0003.txt")
    expect(dialog).to_contain_text("Note 0205.txt")
    dialog.get_by_role("button", name="Delete").click()
    expect(library.locator(".kb-summary")).to_contain_text("1,233 files")
    expect(bar).to_be_hidden()
    assert not (server.library / "Note 0003.txt").exists()
    library.get_by_role("button", name="Undo").click()
    expect(library.locator(".kb-summary")).to_contain_text("1,235 indexed", timeout=60_000)
    assert (server.library / "Note 0003.txt").exists()


def test_the_address_says_what_is_looked_at(library: Page, server: Server) -> None:
    (server.library / "talks").mkdir(exist_ok=True)
    (server.library / "talks" / "Horn & bell.html").write_text("<p>The horn is brass.</p>")
    (server.library / "talks" / "Lamp.txt").write_text("The lamp glows blue.")
    expect(library.locator(".kb-summary")).to_contain_text("1,237 indexed", timeout=60_000)
    home = f"{server.url}/library"
    expect(library).to_have_url(home)
    top = pager(library)
    top.get_by_role("button", name="Next page").click()
    expect(library).to_have_url(f"{home}?page=2")
    library.get_by_role("button", name="talks 2").click()
    expect(library).to_have_url(f"{home}?folder=talks/")
    expect(library.locator(".kb-file-name")).to_have_text(["Horn & bell.html", "Lamp.txt"])
    library.get_by_role("combobox", name="Kind").select_option(label="Web page")
    expect(library).to_have_url(f"{home}?folder=talks/&kind=html")
    expect(library.locator(".kb-file-name")).to_have_text(["Horn & bell.html"])
    library.reload()
    expect(library.locator(".kb-file-name")).to_have_text(["Horn & bell.html"])
    expect(library.locator(".kb-folder-open[aria-current]")).to_contain_text("talks")
    expect(library).to_have_url(f"{home}?folder=talks/&kind=html")
    library.go_back()
    expect(library.locator(".kb-file-name")).to_have_text(["Horn & bell.html", "Lamp.txt"])
    library.go_back()
    expect(top.locator(".kb-range")).to_contain_text("201–400")
    library.go_forward()
    expect(library.locator(".kb-file-name")).to_have_text(["Horn & bell.html", "Lamp.txt"])
    # Another page and back, by its button and by the browser's.
    go_to(library, "Search")
    go_to(library, "Library")
    expect(library).to_have_url(f"{home}?folder=talks/")
    go_to(library, "Search")
    library.go_back()
    expect(library.locator(".kb-file-name")).to_have_text(["Horn & bell.html", "Lamp.txt"])

    other = library.context.new_page()
    other.goto(f"{home}?name=note%201&status=indexed&sort=-name&page=2")
    expect(pager(other).locator(".kb-range")).to_have_text("201–235 of 235")
    assert shown(other) == ("Note 1034.txt", "Note 1000.txt", 35)
    expect(other.get_by_role("radio", name="Indexed")).to_be_checked()
    find = other.locator("#kb-name-filter").locator("input, textarea")
    expect(find).to_have_value("note 1")
    # Letters that are added to a name are one step back together.
    find.press_sequentially("234")
    expect(other).to_have_url(f"{home}?status=indexed&name=note%201234&sort=-name")
    expect(other.locator(".kb-file-name")).to_have_text(["Note 1234.txt"])
    other.get_by_role("button", name="Size").click()
    expect(other).to_have_url(f"{home}?status=indexed&name=note%201234&sort=-size")
    other.go_back()
    expect(other).to_have_url(f"{home}?status=indexed&name=note%201234&sort=-name")
    # What an address can't name is passed over, and leaves it.
    other.goto(f"{home}?kind=nonsense&page=99&status=x")
    expect(other).to_have_url(f"{home}?page=7")
    expect(pager(other).locator(".kb-range")).to_have_text("1,201–1,237 of 1,237")
    other.close()
    for path in (server.library / "talks").iterdir():
        path.unlink()
    (server.library / "talks").rmdir()


def test_all_files_that_match_are_selected_beyond_the_page(library: Page, server: Server) -> None:
    bar = library.get_by_role("group", name="Selected files")
    row(library, "Note 0001.txt").get_by_role("checkbox").check()
    bar.get_by_role("button", name="Select all 1,235 that match").click()
    expect(bar).to_contain_text("1,235 selected")
    bar.get_by_role("button", name="Read again").click()
    dialog = library.get_by_role("dialog", name="Read 1,235 files again?")
    expect(dialog).to_contain_text("1,035 of them are not on this page.")
    dialog.get_by_role("button", name="Read again").click()
    expect(library.locator("#kb-notice")).to_contain_text("1,235 files will be read again.")
    expect(library.locator(".kb-summary")).to_contain_text("1,235 indexed", timeout=120_000)

    library.locator("#kb-name-filter").locator("input, textarea").fill("note 0")
    expect(pager(library).locator(".kb-range")).to_have_text("1–200 of 999")
    row(library, "Note 0001.txt").get_by_role("checkbox").check()
    bar.get_by_role("button", name="Select all 999 that match").click()
    expect(bar).to_contain_text("999 selected")
    number = pager(library).get_by_role("spinbutton", name="Page")
    number.fill("3")
    library.keyboard.press("Enter")
    expect(pager(library).locator(".kb-range")).to_have_text("401–600 of 999")
    expect(library.locator("tbody [data-pick]:checked")).to_have_count(200)
    row(library, "Note 0500.txt").get_by_role("checkbox").uncheck()
    expect(bar).to_contain_text("998 selected")
    bar.get_by_role("button", name="Delete").click()
    dialog = library.get_by_role("dialog", name="Delete 998 files?")
    expect(dialog).to_contain_text("and 986 more")
    expect(dialog).to_contain_text("799 of them are not on this page.")
    dialog.get_by_role("button", name="Delete").click()
    expect(library.locator(".kb-summary")).to_contain_text("237 files", timeout=60_000)
    left = {path.name for path in server.library.glob("Note 0*")}
    assert left == {"Note 0500.txt"}
    library.get_by_role("button", name="Undo").click()
    expect(library.locator(".kb-summary")).to_contain_text("1,235 indexed", timeout=120_000)
    assert (server.library / "Note 0001.txt").exists()


def test_a_held_sync_asks_on_every_page(library: Page, server: Server) -> None:
    for number in range(1, 701):
        (server.library / f"Note {number:04}.txt").unlink()
    go_to(library, "Chat")
    banner = library.get_by_role("region", name="Indexing waits for you")
    expect(banner).to_contain_text("700 files of the index are gone", timeout=60_000)
    banner.get_by_text("What would change").click()
    expect(banner).to_contain_text("Note 0001.txt")
    expect(banner).to_contain_text("and 500 more")
    assert violations(library) == []
    assert library.evaluate("document.documentElement.scrollWidth") == 1440
    banner.get_by_role("button", name="Keep them in the index").click()
    expect(banner).to_have_count(0)
    go_to(library, "Library")
    expect(library.locator(".kb-summary")).to_contain_text("1,235 files")
