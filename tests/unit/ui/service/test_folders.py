from __future__ import annotations

from kb import FolderCount
from ui.service.folders import open_folders

COUNTS = [
    FolderCount("/library", "", 2),
    FolderCount("/library", "a/", 1),
    FolderCount("/library", "a/deep/er/", 3),
    FolderCount("/library", "B/", 4),
]
DRIVE = FolderCount("/mnt/drive", "a/", 5)


def lines(root: str, path: str, *more: FolderCount) -> list[str]:
    return [
        f"{'  ' * one.depth}{one.name} {one.n_files}{'*' * one.is_chosen}{'+' * one.has_more}"
        for one in open_folders([*COUNTS, *more], root, path)
    ]


def test_tree_is_open_along_the_folder_that_is_looked_into() -> None:
    assert lines("", "") == ["a 4+", "B 4"]
    assert lines("/library", "a/") == ["a 4*+", "  deep 3+", "B 4"]
    assert lines("/library", "a/deep/er/") == ["a 4+", "  deep 3+", "    er 3*", "B 4"]
    # A folder that is gone meanwhile.
    assert lines("/library", "b/") == ["a 4+", "B 4"]


def test_of_several_roots_each_has_a_line() -> None:
    assert lines("", "", DRIVE) == ["library 10+", "drive 5+"]
    assert lines("/mnt/drive", "", DRIVE) == ["library 10+", "drive 5*+", "  a 5"]
    assert lines("/library", "a/", DRIVE) == [
        "library 10+",
        "  a 4*+",
        "    deep 3+",
        "  B 4",
        "drive 5+",
    ]


def test_without_folders_there_is_no_tree() -> None:
    assert open_folders(COUNTS[:1], "", "") == []
    assert open_folders([], "", "") == []
