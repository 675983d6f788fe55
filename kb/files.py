"""Files that are on the disk itself when a call returns, and files that come and go."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["size_bytes", "sync_folder", "tree_bytes"]


def size_bytes(path: Path) -> int | None:
    """The size of a file; None where none lies, which may be so since a moment ago.

    Raises:
        OSError: Its folder may not be looked into.
    """
    try:
        about = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return about.st_size if stat.S_ISREG(about.st_mode) else None


def tree_bytes(folder: Path) -> int:
    """The sizes of all files below a folder, in which others may write and delete meanwhile."""
    return sum(
        size_bytes(Path(place, name)) or 0 for place, _, names in os.walk(folder) for name in names
    )


def sync_folder(folder: Path) -> None:
    """Have the folder's names on the disk, where a folder can be opened."""
    if os.name == "nt":  # Windows can't open folders, and needs no flush of theirs.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
