from __future__ import annotations

from pathlib import Path

import pytest

from kb.errors import ConfigError
from ui.service.renaming import checked_target, move_file, renamed_beside

IGNORE = (".*", "~$*")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    library = tmp_path / "library"
    (library / "sub").mkdir(parents=True)
    (library / "a.txt").write_text("first")
    (library / "sub" / "b.txt").write_text("second")
    return library


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("b.txt", "b.txt"),
        (" /notes\\2026// b.txt ", "notes/2026/b.txt"),
        ("备忘/b\u202e.txt", "备忘/b.txt"),
        (".hidden/b.txt", "hidden/b.txt"),
    ],
)
def test_names_are_made_safe(written: str, target: str) -> None:
    assert checked_target(written, IGNORE) == target


@pytest.mark.parametrize("written", ["", " / ", "..", "../b.txt", "a/../../b.txt", "./b.txt"])
def test_what_is_no_name_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match="no name of a file"):
        checked_target(written, IGNORE)


def test_names_that_a_sync_passes_over_are_refused() -> None:
    with pytest.raises(ConfigError, match="that is ignored"):
        checked_target("notes/~$b.docx", IGNORE)


def test_a_file_is_moved_into_a_new_folder(library: Path) -> None:
    move_file(library, "a.txt", "new/deep/a 2.txt")
    assert not (library / "a.txt").exists()
    assert (library / "new" / "deep" / "a 2.txt").read_text() == "first"


def test_no_other_file_is_overwritten(library: Path) -> None:
    with pytest.raises(ConfigError, match="is there already"):
        move_file(library, "a.txt", "sub/b.txt")
    with pytest.raises(ConfigError, match="is there already"):
        move_file(library, "a.txt", "sub")
    with pytest.raises(ConfigError, match="could not be moved"):
        move_file(library, "sub/b.txt", "a.txt/b.txt")
    assert (library / "a.txt").read_text() == "first"
    assert (library / "sub" / "b.txt").read_text() == "second"


def test_only_the_case_may_change(library: Path) -> None:
    move_file(library, "a.txt", "A.txt")
    assert [path.name for path in library.glob("*.txt")] == ["A.txt"]


def test_nothing_leaves_the_library_or_comes_from_elsewhere(library: Path, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("mine")
    (library / "link").symlink_to(tmp_path, target_is_directory=True)
    for source, target in (("link/c.txt", "c.txt"), ("a.txt", "link/a.txt")):
        with pytest.raises(ConfigError, match="does not lie in the library"):
            move_file(library, source, target)
    with pytest.raises(ConfigError, match="not there any more"):
        move_file(library, "gone.txt", "new.txt")
    assert (tmp_path / "c.txt").exists()
    assert (library / "a.txt").exists()


def test_subtitles_are_named_after_their_film() -> None:
    assert renamed_beside("t/tour.en.srt", "t/tour.mp4", "walk 2.mp4") == "walk 2.en.srt"
    assert renamed_beside("tour.srt", "tour.mp4", "t/tour.mp4") == "t/tour.srt"
