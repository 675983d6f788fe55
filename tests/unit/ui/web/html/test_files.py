"""The list of files, a page at a time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kb.index.ledger import DocumentRecord, DocumentStatus, FileQuery, Ledger, PathRecord
from kb.types import Document, Kind
from ui.service.library import FilesPage, list_files, list_page
from ui.web.html.files import files_html

N_FILES = 450


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library"
    path.mkdir()
    return path


@pytest.fixture
def ledger(tmp_path: Path, library: Path) -> Ledger:
    made = Ledger(tmp_path / "ledger.sqlite3")
    document = Document("aa", Kind.TEXT, "text/plain", "Note", 10, (), 1, 1)
    files = [PathRecord(str(library), f"{i:03}.txt", "aa", 10, 5, 9) for i in range(N_FILES)]
    made.commit([(DocumentRecord(document, "v1", DocumentStatus.INDEXED), [], files)])
    return made


def range_of(page: FilesPage) -> str:
    found = re.search(r'class="kb-range">([^<]*)<', files_html(page))
    return found[1] if found else ""


def off(page: FilesPage) -> list[str]:
    """The controls at the top that lead nowhere."""
    return re.findall(r'data-focus="top (\w+)"[^>]* disabled', files_html(page))


def test_pages_hold_every_file_once(ledger: Ledger, library: Path) -> None:
    pages = [list_page(ledger, library, FileQuery(), number) for number in (1, 2, 3)]
    assert [range_of(page) for page in pages] == [
        "1–200 of 450",
        "201–400 of 450",
        "401–450 of 450",
    ]
    sources = [file.source for page in pages for file in page.files]
    assert sources == [f"{i:03}.txt" for i in range(N_FILES)]
    assert [off(page) for page in pages] == [["first", "previous"], [], ["next", "last"]]


@pytest.mark.parametrize(("asked", "given"), [(0, 1), (-5, 1), (4, 3), (10**9, 3)])
def test_page_beyond_the_list_is_the_nearest(
    ledger: Ledger, library: Path, asked: int, given: int
) -> None:
    page = list_page(ledger, library, FileQuery(), asked)
    assert (page.page, page.n_pages) == (given, 3)


def test_search_goes_over_all_pages(ledger: Ledger, library: Path) -> None:
    page = list_page(ledger, library, FileQuery(name="44"), 1)
    assert [file.source for file in page.files] == ["044.txt", "144.txt", "244.txt", "344.txt"] + [
        f"44{i}.txt" for i in range(10)
    ]
    assert page.n_matching == 14
    assert range_of(page) == ""  # All are shown: there is nothing to turn.
    assert "450 files · 450 indexed" in files_html(page)
    nothing = files_html(list_page(ledger, library, FileQuery(status="failed"), 2))
    assert "No file matches" in nothing


def test_empty_library_says_what_to_do(tmp_path: Path, library: Path) -> None:
    page = list_page(Ledger(tmp_path / "empty.sqlite3"), library, FileQuery(), 1)
    assert "No files yet" in files_html(page)


def test_waiting_file_has_its_size_from_the_disk(ledger: Ledger, library: Path) -> None:
    (library / "new.txt").write_text("12345")
    waiting = {(str(library), "new.txt"), (str(library), "vanished.txt")}
    files = list_files(ledger, library, waiting, "new.txt")
    assert len(files) == N_FILES + 1
    (new,) = (file for file in files if file.source == "new.txt")
    assert (new.status, new.size_bytes, new.document_sha256) == ("indexing", 5, None)


def test_names_are_escaped(tmp_path: Path, library: Path) -> None:
    ledger = Ledger(tmp_path / "evil.sqlite3")
    evil = '"><img src=x>.txt'
    ledger.put_paths([PathRecord(str(library), evil, None, 1, 1, 1, (), evil)])
    assert "<img" not in files_html(list_page(ledger, library, FileQuery(), 1))
