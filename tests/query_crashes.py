"""What decoders do to their process, for workers to import."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["crash", "hang", "raise_what_nobody_foresaw"]


def crash(path: Path, config: object, memory_bytes: int) -> None:
    """As a decoder that writes where it must not."""
    os.abort()


def hang(path: Path, config: object, memory_bytes: int) -> None:
    """As a decoder that waits for its own threads."""
    time.sleep(600)


def raise_what_nobody_foresaw(path: Path, config: object, memory_bytes: int) -> None:
    """As a decoder with a bug."""
    from ingest.query_media import _limited

    _limited(_look_up, path, "picture", memory_bytes)


def _look_up() -> None:
    raise LookupError("no such table")
