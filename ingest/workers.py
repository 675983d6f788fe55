"""The processes in which files are looked at and read."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from pebble import ProcessPool

from ingest.worker import WorkerSettings, initialise_worker
from kb.errors import KnowledgeBaseError

__all__ = ["Workers", "broken"]


class Workers:
    """A pool that starts with the first task; use it in a ``with`` block, after which no process
    is left.

    Args:
        n_most: Processes at most; 0 means one a core.
        settings: Of a process, by how many threads its native code may use.
        is_stopped: Whether what still runs is to be ended, not waited for.
    """

    def __init__(
        self,
        n_most: int,
        settings: Callable[[int], WorkerSettings],
        is_stopped: Callable[[], bool],
    ) -> None:
        self._n_cores = os.cpu_count() or 1
        self._n_most = n_most or self._n_cores
        self._settings = settings
        self._is_stopped = is_stopped
        self._pool: ProcessPool | None = None
        self.n = 0

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is None:
            return
        if kind is not None or self._is_stopped():
            self._pool.stop()
        else:
            self._pool.close()
        self._pool.join()

    def begin(self, n_tasks: int) -> None:
        """Prepare for so many tasks; what has begun stays as it is."""
        if self._pool is not None or not n_tasks:
            return
        self.n = min(self._n_most, n_tasks)
        # spawn: a fork of a process with threads and native libraries can deadlock.
        self._pool = ProcessPool(
            max_workers=self.n,
            initializer=initialise_worker,
            initargs=(self._settings(max(1, self._n_cores // self.n)),),
            context=multiprocessing.get_context("spawn"),
        )

    def schedule(
        self, task: Callable[..., bytes], args: tuple[Any, ...], limit_s: float
    ) -> Future[bytes]:
        """Run `task` in a process, which is ended after `limit_s`.

        Raises:
            KnowledgeBaseError: No process can be started.
        """
        self.begin(1)
        assert self._pool is not None
        try:
            future: Future[bytes] = self._pool.schedule(task, args=args, timeout=limit_s)
        except RuntimeError as error:
            raise broken() from error
        return future


def broken() -> KnowledgeBaseError:
    """What is raised where processes end before they have done anything."""
    return KnowledgeBaseError(
        "The processes that read files ended, all of them, before they had read anything: the "
        "machine may lack memory, or allow this user too few processes. Free some, or set "
        "`ingest.workers` lower in kb.yaml, and sync again; what was read is kept."
    )
