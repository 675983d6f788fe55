"""A few connections for any number of threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

__all__ = ["ConnectionPool"]


class _Closeable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closeable)


class ConnectionPool(Generic[C]):
    """Lends connections, each to one at a time, and opens no more than are needed at once.

    A connection for each thread would stay open when its thread has ended: a server has
    threads that come and go for as long as it runs.

    Args:
        connect: Opens one, which any thread may use.
        n_most: So many are open at most; who asks for another waits for one to come back.
    """

    def __init__(self, connect: Callable[[], C], n_most: int) -> None:
        self._connect = connect
        self._unlent = threading.BoundedSemaphore(n_most)
        self._idle: list[C] = []
        self._changing = threading.Lock()
        self._is_closed = False

    @contextmanager
    def lend(self) -> Iterator[C | None]:
        """A connection; None once the pool was closed."""
        with self._unlent:
            with self._changing:
                is_closed = self._is_closed
                lent = self._idle.pop() if self._idle else None
            if is_closed:
                yield None
                return
            connection = lent or self._connect()
            try:
                yield connection
            finally:
                with self._changing:
                    is_closed = self._is_closed
                    if not is_closed:
                        self._idle.append(connection)
                if is_closed:
                    connection.close()

    def close(self) -> None:
        """Close what is not lent now, and the others as they come back."""
        with self._changing:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
