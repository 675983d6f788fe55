"""Who may use the device: questions go before ingest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["DeviceScheduler"]


class DeviceScheduler:
    """One batch at a time on the device; questions go before ingest.

    Ingest takes a turn for each batch, so a question waits for one batch at most, and ingest
    rests while an answer is written.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_taken = False
        self._n_questions = 0

    @contextmanager
    def turn(self, *, is_query: bool) -> Iterator[None]:
        """Hold the device."""
        with self._changed:
            self._n_questions += is_query
            try:
                self._changed.wait_for(
                    lambda: not self._is_taken and (is_query or not self._n_questions)
                )
                self._is_taken = True
            finally:
                self._n_questions -= is_query
                # Where the wait was interrupted, ingest may go on.
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Keep ingest off the device, word by word, without holding up other questions."""
        with self._changed:
            self._n_questions += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_questions -= 1
                self._changed.notify_all()
