"""Files that are on the disk itself when a call returns, and files that come and go."""

from __future__ import annotations

import functools
import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = [
    "move_whole",
    "settle_tree",
    "sha256_of",
    "size_bytes",
    "sync_folder",
    "tree_bytes",
    "write_whole",
]

_BLOCK_BYTES = 1 << 20
_MANY_FILES = 200


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


def write_whole(path: Path, content: bytes | str, *, mode: int = 0o600) -> None:
    """Have `path` hold `content`, in place of what it held: whoever reads it, also after a loss
    of power, finds the one or the other whole. Several may write at a time; the last one stands.

    Args:
        content: A str is written as UTF-8.
        mode: Of the file, less what the process's umask takes away; its owner's alone unless
            others are to read it.

    Raises:
        OSError: It can't be written; `path` is as it was.
    """
    # Hidden, for those who list the folder meanwhile.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(temporary, flags, mode), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        move_whole(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def move_whole(written: Path, path: Path) -> None:
    """Give the file `written`, which nobody writes any more, the name `path` in the same file
    system, in place of what has it. Its bytes are on the disk before the name is.

    Raises:
        OSError: It can't be moved.
    """
    with open(written, "r+b", buffering=0) as file:
        os.fsync(file.fileno())
    written.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the folder's names on the disk, where a folder can be opened."""
    if os.name == "nt":  # Windows can't open folders, and needs no flush of theirs.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def settle_tree(folder: Path) -> None:
    """Have all files below `folder`, which nobody writes any more, and their names on the disk.

    Raises:
        OSError: They can't be.
    """
    files = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    if len(files) > _MANY_FILES and sys.platform == "linux":
        # One by one they take a hundred times as long; elsewhere it does not wait for the disk.
        os.sync()
        return
    for path in files:
        with open(path, "r+b", buffering=0) as file:
            os.fsync(file.fileno())
    for place, _, _ in os.walk(folder):
        sync_folder(Path(place))


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
