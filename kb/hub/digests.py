"""Digests of files of gigabytes, with progress."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from kb.hub.listing import RemoteFile

__all__ = ["OnProgress", "digested"]

OnProgress = Callable[[str, int], None]
"""Gets what is done now and the bytes that were loaded or read since the last call."""


def digested(file: RemoteFile, path: Path, on_bytes: Callable[[int], None]) -> RemoteFile:
    """`file` as it is at `path`: with its size and sha256, and its git id if `file` has one.

    Args:
        on_bytes: Gets the bytes that were read since the last call.
    """
    n_bytes = path.stat().st_size
    git_sha1 = None
    if file.git_sha1:
        # Git's id of a blob: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
        blob = hashlib.sha1(f"blob {n_bytes}\0".encode(), usedforsecurity=False)
        with path.open("rb") as opened:
            git_sha1 = hashlib.file_digest(opened, lambda: blob).hexdigest()
    with path.open("rb") as opened:
        sha256 = hashlib.file_digest(_Told(opened, on_bytes), "sha256").hexdigest()
    return replace(file, size_bytes=n_bytes, sha256=sha256, git_sha1=git_sha1)


@dataclass(frozen=True, slots=True)
class _Told:
    """A file that tells how much of it is read."""

    file: BinaryIO
    on_bytes: Callable[[int], None]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray, /) -> int:
        n_bytes: int = self.file.readinto(buffer)  # type: ignore[attr-defined]
        self.on_bytes(n_bytes)
        return n_bytes
