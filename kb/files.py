"""Files that are on the disk itself when a call returns."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["sync_folder"]


def sync_folder(folder: Path) -> None:
    """Have the folder's names on the disk, where a folder can be opened."""
    if os.name == "nt":  # Windows can't open folders, and needs no flush of theirs.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
