"""Temporary copies of what is uploaded, and their end."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kb.config import Home
from kb.private import private_folder

__all__ = ["Scratch"]

_SWEEP_S = 600.0


class Scratch:
    """The folder of a home where uploads lie until they are used.

    Args:
        keep_s: Until a page's upload that was not used is deleted.

    Attributes:
        root: The folder itself; it is there once `clear` was called.
    """

    def __init__(self, home: Home, keep_s: float) -> None:
        self.root = home.index / "uploads"
        self._keep_s = keep_s

    @property
    def page(self) -> Path:
        """Where Gradio keeps what a page uploaded."""
        return self.root / "page"

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder that is gone afterwards."""
        private_folder(self.root)
        with tempfile.TemporaryDirectory(dir=self.root, prefix="q-") as folder:
            yield Path(folder)

    def forget(self, path: str) -> None:
        """Delete a page's upload that was used. Another page may have uploaded the same: it is
        told to do so again."""
        place = Path(path)
        if place.parent.parent == self.page.resolve():
            with suppress(OSError):
                place.unlink()
                place.parent.rmdir()

    def clear(self) -> None:
        """Delete all that a former process left. Call it before anything is uploaded."""
        shutil.rmtree(self.root, ignore_errors=True)
        private_folder(self.page)

    def sweep(self) -> None:
        """Delete what is older than `keep_s`, and folders that hold nothing."""
        oldest_s = time.time() - self._keep_s
        for folder, _, names in os.walk(self.root, topdown=False):
            for name in names:
                path = Path(folder, name)
                with suppress(OSError):
                    if path.lstat().st_mtime < oldest_s:
                        path.unlink()
            with suppress(OSError):
                if Path(folder) not in (self.root, self.page) and (
                    Path(folder).stat().st_mtime < oldest_s
                ):
                    Path(folder).rmdir()

    def sweep_until(self, stop: threading.Event) -> None:
        """Sweep now and then, until `stop` is set."""
        while not stop.wait(min(_SWEEP_S, self._keep_s / 2)):
            self.sweep()
