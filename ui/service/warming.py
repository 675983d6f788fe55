"""What the first question would wait for, made ready while a person still reads the page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from kb.errors import KnowledgeBaseError

__all__ = ["Warmer"]

_LOG = logging.getLogger(__name__)


class Warmer:
    """Does it once, in a thread.

    Args:
        warm: What is to be done.
    """

    def __init__(self, warm: Callable[[], None]) -> None:
        self._warm = warm
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if that was not done; does not wait."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="kb-warm", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Until what was begun is done."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            self._warm()
        except KnowledgeBaseError as error:
            # Whoever asks is told.
            _LOG.info("Models could not be made ready: %s", error)
