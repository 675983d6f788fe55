"""Files that are on the disk itself when a call returns, and files that come and go."""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

__all__ = ["sha256_of", "size_bytes", "sync_folder", "tree_bytes"]

_BLOCK_BYTES = 1 << 20


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


def sha256_of(files: Sequence[Path]) -> str:
    """The hex digest over the bytes of files, one after the other. Files that have the size and
    the time of change that they had before are not read again by this process.

    Raises:
        OSError: One can't be read.
    """
    states = []
    for path in files:
        about = path.stat()
        states.append((path, about.st_size, about.st_mtime_ns))
    return _sha256(tuple(states))


@functools.lru_cache(maxsize=64)
def _sha256(states: tuple[tuple[Path, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _, _ in states:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()
