"""Syncing in the background: when it is asked for, when files change, and again after a failure
that may pass."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from kb.errors import KnowledgeBaseError, ModelError, StoreUnavailableError
from kb.stopping import StoppedError

__all__ = ["BackgroundSync"]

_log = logging.getLogger(__name__)

# A server that starts anew is found soon, one that is down for the night is not asked all night.
_FIRST_DELAY_S: Final = 5.0
_LONGEST_DELAY_S: Final = 300.0
# A server that can't be reached or fails, memory that is short. What is wrong with the
# configuration or the folders waits for somebody to mend it.
_PASSING: Final = (ModelError, StoreUnavailableError)


class BackgroundSync:
    """Runs syncs one after the other, in a thread of its own.

    Args:
        sync: Syncs now. It takes the failed files to read again: all where empty, none where None.
        watch: Calls the first argument whenever files change, until the second is set.

    Attributes:
        alert: What stopped the last sync, or empty.
    """

    def __init__(
        self,
        sync: Callable[[frozenset[str] | None], object],
        watch: Callable[[Callable[[], None], threading.Event], None],
    ) -> None:
        self.alert = ""
        self._sync = sync
        self._watch = watch
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._retry: frozenset[str] | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Sync now and from now on."""
        self._wanted.set()
        for target, name in ((self._run, "sync"), (self._run_watch, "watch")):
            thread = threading.Thread(target=target, name=f"kb-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def soon(self, retry: frozenset[str] | None = None) -> None:
        """Sync when the running sync has ended.

        Args:
            retry: Failed files to read again; empty means all.
        """
        if retry is not None:
            self._retry = retry
        self._wanted.set()

    def warn(self, alert: str) -> None:
        """Have `alert` shown until a sync succeeds."""
        self.alert = alert

    def close(self, stop: Callable[[], None]) -> None:
        """Begin no other sync, and wait for the one that runs.

        Args:
            stop: Has it end soon.
        """
        self._closing.set()
        self._wanted.set()
        stop()
        for thread in self._threads:
            thread.join(timeout=30)

    def _run(self) -> None:
        n_failures = 0
        while True:
            # None waits until somebody wants a sync; else it is tried again unasked.
            self._wanted.wait(_delay_s(n_failures))
            self._wanted.clear()
            if self._closing.is_set():
                return
            retry, self._retry = self._retry, None
            try:
                self._sync(retry)
                n_failures = 0
            except StoppedError:
                return
            except _PASSING as error:
                n_failures += 1
                if self._retry is None:
                    self._retry = retry  # they are still to be read
                self.alert = f"{error} The sync is tried again by itself."
                _log.error("%s The sync is tried again in %.0f s.", error, _delay_s(n_failures))
            except KnowledgeBaseError as error:
                n_failures = 0
                self.alert = str(error)
                _log.error("%s", error)
            except Exception:
                n_failures = 0
                # The page and the API must live on; the traceback is for whoever mends it.
                self.alert = "The last sync ended with an unexpected error; see the log."
                _log.exception("The sync failed")

    def _run_watch(self) -> None:
        n_failures = 0
        while not self._closing.is_set():
            try:
                self._watch(self.soon, self._closing)
                return
            except Exception:
                # Without a watcher files are found by syncs at growing intervals.
                n_failures += 1
                if n_failures == 1:
                    _log.exception("The folders can't be watched; they are synced unasked instead")
            self.soon()
            self._closing.wait(_delay_s(n_failures))


def _delay_s(n_failures: int) -> float | None:
    """How long to wait after so many failures, one after the other; None after none."""
    if not n_failures:
        return None
    return min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(n_failures - 1, 30))
