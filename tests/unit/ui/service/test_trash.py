from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from kb.errors import ConfigError
from ui.service.trash import KEPT_DAYS, Trash

SHA256 = "a" * 64


@pytest.fixture
def library(tmp_path: Path) -> Path:
    library = tmp_path / "library"
    (library / "talks").mkdir(parents=True)
    (library / "a.txt").write_text("first")
    (library / "talks" / "tour.mp4").write_text("frames")
    (library / "talks" / "tour.srt").write_text("words")
    return library


@pytest.fixture
def trash(tmp_path: Path, library: Path) -> Trash:
    return Trash(tmp_path / "trash", library)


def files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def put(trash: Trash, *sources: str) -> str:
    trash_id = trash.put(sources, SHA256)
    assert trash_id is not None
    return trash_id


def test_a_file_goes_and_comes_back_with_what_belongs_to_it(trash: Trash, library: Path) -> None:
    before = files(library)
    trash_id = put(trash, "talks/tour.mp4", "talks/tour.srt")
    assert files(library) == {"a.txt": "first"}
    (found,) = trash.find()
    assert (found.id, found.source, found.sha256) == (trash_id, "talks/tour.mp4", SHA256)
    assert found.size_bytes == len("frames") + len("words")
    (library / "talks").rmdir()
    assert trash.restore(trash_id) == "talks/tour.mp4"
    assert files(library) == before
    assert trash.find() == []


def test_what_has_its_name_by_now_is_not_touched(trash: Trash, library: Path) -> None:
    trash_id = put(trash, "a.txt")
    (library / "a.txt").write_text("second")
    assert trash.restore(trash_id) == "a (2).txt"
    assert files(library)["a.txt"] == "second"
    assert files(library)["a (2).txt"] == "first"


def test_the_same_name_can_be_deleted_twice(trash: Trash, library: Path) -> None:
    first = put(trash, "a.txt")
    (library / "a.txt").write_text("second")
    second = put(trash, "a.txt")
    assert [found.id for found in trash.find()] == sorted((first, second), reverse=True)
    trash.restore(first)
    assert files(library)["a.txt"] == "first"


def test_a_file_that_is_gone_already_leaves_nothing(trash: Trash, library: Path) -> None:
    (library / "a.txt").unlink()
    assert trash.put(["a.txt"], None) is None
    assert trash.find() == []


@pytest.mark.parametrize(
    "source", ["../outside.txt", "talks/../../outside.txt", "link/outside.txt"]
)
def test_only_files_of_the_library_are_moved(
    trash: Trash, library: Path, tmp_path: Path, source: str
) -> None:
    (tmp_path / "outside.txt").write_text("mine")
    (library / "link").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(ConfigError, match="does not lie in the library"):
        trash.put([source], None)
    assert (tmp_path / "outside.txt").read_text() == "mine"


def test_of_a_link_the_link_goes(trash: Trash, library: Path, tmp_path: Path) -> None:
    (tmp_path / "original.txt").write_text("mine")
    (library / "link.txt").symlink_to(tmp_path / "original.txt")
    trash_id = put(trash, "link.txt")
    assert not (library / "link.txt").is_symlink()
    assert trash.restore(trash_id) == "link.txt"
    assert (library / "link.txt").readlink() == tmp_path / "original.txt"
    trash.purge([put(trash, "link.txt")])
    assert (tmp_path / "original.txt").read_text() == "mine"


def test_a_trash_on_another_disk(
    trash: Trash, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = errno.EXDEV

    def rename(path: Path, target: Path) -> Path:
        if ("trash" in path.parts) != ("trash" in target.parts):
            raise OSError(other, os.strerror(other))
        return path.replace(target)

    def link(path: Path, target: Path) -> None:
        if ("trash" in path.parts) != ("trash" in Path(target).parts):
            raise OSError(other, os.strerror(other))
        real_link(path, target)

    real_link = os.link
    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(os, "link", link)
    before = files(library)
    trash_id = put(trash, "a.txt")
    assert "a.txt" not in files(library)
    assert trash.restore(trash_id) == "a.txt"
    assert files(library) == before


def test_a_file_that_can_not_be_moved_stays_where_it_was(
    trash: Trash, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name == "tour.srt":
            raise PermissionError(errno.EACCES, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    before = files(library)
    with pytest.raises(ConfigError, match="could not be deleted"):
        trash.put(["talks/tour.mp4", "talks/tour.srt"], None)
    assert files(library) == before
    assert trash.find() == []


def test_what_is_purged_is_gone(trash: Trash, tmp_path: Path) -> None:
    trash_id = put(trash, "a.txt")
    assert [found.sha256 for found in trash.purge([trash_id, trash_id[::-1], "../a.txt"])] == [
        SHA256
    ]
    assert files(tmp_path / "trash") == {}
    with pytest.raises(ConfigError, match="not in the trash any more"):
        trash.restore(trash_id)


def test_files_are_kept_for_so_many_days(trash: Trash, monkeypatch: pytest.MonkeyPatch) -> None:
    trash_id = put(trash, "a.txt")
    assert trash.old_ids() == []
    (found,) = trash.find()
    later_ns = found.deleted_ns + KEPT_DAYS * 86_400 * 10**9 + 1
    monkeypatch.setattr("ui.service.trash.time.time_ns", lambda: later_ns)
    assert trash.old_ids() == [trash_id]


def test_a_note_without_its_file_is_none(trash: Trash, tmp_path: Path) -> None:
    """As a crash leaves it: the file is where it was."""
    folder = tmp_path / "trash" / put(trash, "a.txt")
    next(folder.glob(".kb-0.part")).unlink()
    assert trash.find() == []
    (folder / ".kb-note.part").write_text("{}")
    (folder / ".kb-0.part").write_text("?")
    assert trash.find() == []
