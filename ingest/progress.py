"""How far a sync has come, for a terminal and for a page."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Progress", "ProgressMeter"]

# Rates over a shorter time than this jump about.
_MIN_ELAPSED_S = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at a sync.

    Attributes:
        stage: ``scan``, ``read``, ``tidy``, or ``idle``.
        n_done: Files read.
        n_total: Files to read.
        current: A file being read, relative to its root.
        rate_per_s: Files read per second, or None while too little is known.
        eta_s: Seconds left, from the bytes left, or None.
        heard_s: Up to which second `current` was listened to, or None.
    """

    stage: str = "idle"
    n_done: int = 0
    n_total: int = 0
    current: str = ""
    rate_per_s: float | None = None
    eta_s: float | None = None
    heard_s: float | None = None

    @property
    def running(self) -> bool:
        """Whether a sync is under way."""
        return self.stage != "idle"


class ProgressMeter:
    """Counts files and bytes and tells whoever listens."""

    def __init__(self, listen: Callable[[Progress], None]) -> None:
        self._listen = listen
        self._start_s = time.monotonic()
        self._n_done = self._n_total = 0
        self._bytes_done = self._bytes_total = 0

    def stage(self, name: str) -> None:
        """Tell that a stage without a count began."""
        self._listen(Progress(stage=name, n_done=self._n_done, n_total=self._n_total))

    def begin(self, sizes_bytes: list[int]) -> None:
        """Tell that files of these sizes are to be read."""
        self._start_s = time.monotonic()
        self._n_done = self._bytes_done = 0
        self._n_total, self._bytes_total = len(sizes_bytes), sum(sizes_bytes)
        self._tell("")

    def reading(self, current: str, heard_s: float | None = None) -> None:
        """Tell that a file is being read, and up to which second it was listened to."""
        self._tell(current, heard_s)

    def done(self, current: str, size_bytes: int) -> None:
        """Tell that a file was read."""
        self._n_done += 1
        self._bytes_done += size_bytes
        self._tell(current)

    def _tell(self, current: str, heard_s: float | None = None) -> None:
        elapsed_s = time.monotonic() - self._start_s
        rate = eta = None
        if self._n_done and elapsed_s > _MIN_ELAPSED_S:
            rate = self._n_done / elapsed_s
            left = self._bytes_total - self._bytes_done
            eta = elapsed_s * left / self._bytes_done if self._bytes_done else None
        self._listen(Progress("read", self._n_done, self._n_total, current, rate, eta, heard_s))
