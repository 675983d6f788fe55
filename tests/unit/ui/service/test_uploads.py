from __future__ import annotations

import io
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ingest.scan import walk
from kb.config import IngestConfig
from kb.errors import ConfigError
from ui.service.uploads import add_file, safe_name, sweep_unfinished


@pytest.fixture
def content(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_text("content")
    return path


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.txt. . .", "a.txt"),
        ("a\u2028b\u202egpj.exe", "a bgpj.exe"),
        ("\ud800a.txt", "a.txt"),
        ("NUL.txt", "_NUL.txt"),
        ("com1", "_com1"),
        ("console.txt", "console.txt"),
        ("\u202e", "file"),
        ("a/..", "file"),
        ("/", "file"),
        ("manual.pdf", "manual.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\图 1.png", "图 1.png"),
        (".hidden.txt", "hidden.txt"),
        ("a\nb\x00c.txt", "abc.txt"),
        ("-rf.txt", "-rf.txt"),
        ('it\'s "q" 😀.md', 'it\'s "q" 😀.md'),
        ("...", "file"),
        ("", "file"),
    ],
)
def test_names_are_made_safe(tmp_path: Path, content: Path, given: str, kept: str) -> None:
    library = tmp_path / "library"
    assert add_file(library, given, content) == kept
    assert [path.name for path in library.iterdir()] == [kept]
    assert (library / kept).read_text() == "content"


def test_a_taken_name_gets_a_number(tmp_path: Path, content: Path) -> None:
    library = tmp_path / "library"
    names = [add_file(library, "a.txt", content) for _ in range(3)]
    assert names == ["a.txt", "a (2).txt", "a (3).txt"]


def test_a_long_name_is_cut_between_characters(tmp_path: Path, content: Path) -> None:
    name = add_file(tmp_path / "library", "长" * 300 + ".pdf", content)
    assert name.endswith("长.pdf")
    assert len(name.encode()) <= 200


def test_a_file_that_can_not_be_copied_leaves_nothing(tmp_path: Path) -> None:
    library = tmp_path / "library"
    with pytest.raises(ConfigError, match="could not be saved"):
        add_file(library, "a.txt", tmp_path / "nowhere")
    assert list(library.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["a" * 1_000_000 + ".pdf", "a." + "x" * 1_000_000, "." * 1_000_000, "é" * 500, "x. " * 500],
    ids=["stem", "suffix", "dots", "two bytes", "dots and spaces"],
)
def test_a_name_of_any_length_is_cut_at_once(name: str) -> None:
    start_s = time.perf_counter()
    kept = safe_name(name)
    assert time.perf_counter() - start_s < 0.5
    assert 0 < len(kept.encode()) <= 200
    assert kept == kept.rstrip(". ")


@pytest.mark.parametrize("has_links", [True, False], ids=["links", "no links"])
def test_files_of_one_name_at_once_are_all_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:

        def refused(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refused)
    library = tmp_path / "library"
    contents = [bytes([n]) * 100_000 for n in range(20)]
    with ThreadPoolExecutor(10) as pool:
        names = list(pool.map(lambda data: add_file(library, "a.txt", io.BytesIO(data)), contents))
    assert len(set(names)) == 20
    assert {(library / name).read_bytes() for name in names} == set(contents)
    assert len(list(library.iterdir())) == 20


def test_no_half_file_is_seen(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    done = threading.Event()
    sizes: set[int] = set()

    def look() -> None:
        while not done.is_set():
            sizes.update(found.size_bytes for found in walk(library, (), lambda *_: None))

    looker = threading.Thread(target=look)
    looker.start()
    for _ in range(5):
        add_file(library, "a.bin", io.BytesIO(b"x" * 5_000_000))
    done.set()
    looker.join()
    assert sizes <= {5_000_000}


def test_a_link_in_the_way_is_not_followed(tmp_path: Path, content: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "a.txt").symlink_to(tmp_path / "elsewhere")
    assert add_file(library, "a.txt", content) == "a (2).txt"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["x.part", "~$report.docx", "Thumbs.db", "a.tmp", "b.crdownload"])
def test_a_name_that_a_sync_passes_over_is_refused(
    tmp_path: Path, content: Path, name: str
) -> None:
    library = tmp_path / "library"
    with pytest.raises(ConfigError, match=r"is a name that is ignored.*ingest\.ignore"):
        add_file(library, name, content, IngestConfig().ignore)
    assert not library.exists() or not list(library.iterdir())


def test_what_a_killed_process_left_is_swept(tmp_path: Path, content: Path) -> None:
    library = tmp_path / "library"
    add_file(library, "a.part.txt", content)
    (library / ".kb-0123.part").write_text("half")
    sweep_unfinished(library)
    assert [path.name for path in library.iterdir()] == ["a.part.txt"]
