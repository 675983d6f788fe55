"""Files that are part of another's content: how many bytes of them count, and their reading."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from kb.index.ledger import Companion

__all__ = ["open_regular", "read_beside", "split_by_size"]


def split_by_size(
    companions: Iterable[Companion], max_bytes: int
) -> tuple[list[Companion], list[Companion]]:
    """Those that are there, and those of them that are left out, since they or all before them
    together are over `max_bytes`."""
    taken, left_out = [], []
    total_bytes = 0
    for companion in companions:
        if companion.size_bytes is None:
            continue
        if total_bytes + companion.size_bytes > max_bytes:
            left_out.append(companion)
        else:
            total_bytes += companion.size_bytes
            taken.append(companion)
    return taken, left_out


def read_beside(path: Path, most_bytes: int) -> bytes:
    """A companion's bytes.

    Raises:
        OSError: It can't be read, is no regular file any more, or has more than `most_bytes`.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        if os.fstat(file.fileno()).st_size <= most_bytes:
            data = file.read(most_bytes + 1)
            if len(data) <= most_bytes:
                return data
    raise OSError(errno.EFBIG, f"it has more than {most_bytes:,} bytes")


def open_regular(path: Path) -> int:
    """A descriptor of a regular file; a pipe in its place would keep `open` from returning.

    Raises:
        OSError: It can't be opened, or is a folder, a pipe or a device.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no file any more, but a folder, a pipe or a device")
    return handle
