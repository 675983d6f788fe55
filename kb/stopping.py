"""Work that ends when whoever asked for it has gone.

What takes long calls `check` between its steps, and says with `interrupted_by` how it is woken
where it waits for somebody else. Both do nothing unless the work runs within `stoppable`, whose
`Stop` somebody sets.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

__all__ = ["Stop", "StoppedError", "check", "hang_up", "interrupted_by", "pause", "stoppable"]


class StoppedError(Exception):
    """Nobody waits for the result any more. No `KnowledgeBaseError`: there is nobody to tell."""


class Stop:
    """Whether some work is to end. It may be set in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._interrupt: Callable[[], None] | None = None

    def set(self) -> None:
        """Have the work end."""
        with self._lock:
            self._is_set = True
            interrupt, self._interrupt = self._interrupt, None
        if interrupt is not None:
            interrupt()

    def is_set(self) -> bool:
        """Whether it is to end."""
        return self._is_set

    @contextmanager
    def _interrupted_by(self, interrupt: Callable[[], None]) -> Iterator[None]:
        with self._lock:
            is_late = self._is_set
            before, self._interrupt = self._interrupt, interrupt
        if is_late:
            raise StoppedError
        try:
            yield
        finally:
            with self._lock:
                self._interrupt = before


_stop: ContextVar[Stop | None] = ContextVar("stop", default=None)


@contextmanager
def stoppable(stop: Stop) -> Iterator[None]:
    """Have `check` end what runs here, in this thread, once `stop` is set."""
    token = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(token)


def check() -> None:
    """Go on, if the result is still wanted.

    Raises:
        StoppedError: It is not.
    """
    stop = _stop.get()
    if stop is not None and stop.is_set():
        raise StoppedError


def pause(delay_s: float) -> None:
    """Wait so long, unless the result is no longer wanted.

    Raises:
        StoppedError: It is not.
    """
    if _stop.get() is None:
        time.sleep(delay_s)
        return
    woken = threading.Event()
    with interrupted_by(woken.set):
        woken.wait(delay_s)
    check()


@contextmanager
def interrupted_by(interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt`, in the thread that stops the work, when it is to end meanwhile.

    Raises:
        StoppedError: It is to end already.
    """
    stop = _stop.get()
    if stop is None:
        yield
        return
    with stop._interrupted_by(interrupt):
        yield


def hang_up(response: Any) -> None:
    """Wake the thread that reads `response`, one of httpx: closing the socket alone would leave it
    waiting. What it is reading fails there."""
    with suppress(AttributeError, KeyError, OSError):
        stream = response.extensions["network_stream"]
        stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
