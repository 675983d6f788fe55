from __future__ import annotations

from pathlib import Path

import pytest

from kb.errors import ConfigError
from ui.library_files import add_file, delete_file


@pytest.fixture
def content(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_text("content")
    return path


@pytest.mark.parametrize(
    ("given", "kept"),
    [
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


def test_only_files_of_the_library_are_deleted(tmp_path: Path, content: Path) -> None:
    library = tmp_path / "library"
    add_file(library, "a.txt", content)
    with pytest.raises(ConfigError, match="does not lie in the library"):
        delete_file(library, "../upload")
    assert content.exists()
    delete_file(library, "a.txt")
    assert not (library / "a.txt").exists()
    delete_file(library, "a.txt")
