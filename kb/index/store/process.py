"""The parent's end of a `worker`: start it, ask it, end it."""

from __future__ import annotations

import logging
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, cast

from kb.errors import StoreError, StoreInUseError, StoreUnavailableError
from kb.index.store.messages import Failure, Order, ShardCounts
from kb.index.store.schema import PayloadLimits
from kb.protocols import DocumentLabels, Point, ScoredId, VectorQuery

__all__ = ["ShardProcess"]

_log = logging.getLogger(__name__)

_EXIT_TIMEOUT_S = 30.0
# Far more than any request takes on a slow disk; what has not answered by then never will.
_ANSWER_TIMEOUT_S = 120.0
# A shard that was not flushed applies its log again.
_OPEN_TIMEOUT_S = 600.0
# Kept of what the child says on stderr.
_MAX_LAST_LINES = 40
_MAX_TOLD_CHARS = 300


class ShardProcess:
    """A shard that is open in a child process. Safe to use from several threads, whose
    requests are answered one at a time.

    Raises:
        StoreInUseError: Another process has this shard open.
        StoreUnavailableError: The shard can't be opened.
    """

    def __init__(self, order: Order) -> None:
        self._directory = order.directory
        self._pipe = threading.Lock()
        # -P: a folder named `kb` where the command was started must not be imported.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kb.index.store.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stderr is not None
        self._last_lines: deque[str] = deque(maxlen=_MAX_LAST_LINES)
        self._listener = threading.Thread(
            target=_keep, args=(self._process.stderr, self._last_lines), daemon=True
        )
        self._listener.start()
        try:
            opened = self._exchange(pickle.dumps(order), _OPEN_TIMEOUT_S)
        except StoreError as error:
            self.kill()
            raise StoreUnavailableError(str(error), collection=str(self._directory)) from error
        if isinstance(opened, Failure):
            self.kill()
            if opened.reason == "in_use":
                raise StoreInUseError(
                    f"The vector store in {self._directory.parent} is still open in another "
                    "process, which has not ended in time. Wait a moment and try again.",
                    collection=str(self._directory),
                )
            raise StoreUnavailableError(
                f"The vector store in {self._directory} can't be opened: {opened.text}. Its "
                "files are damaged or missing. Run `kb sync --rebuild` to make it anew from "
                "the library.",
                collection=str(self._directory),
            )

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def upsert(self, points: Sequence[Point]) -> None:
        self._call("upsert", points)

    def delete(self, ids: Sequence[str]) -> None:
        self._call("delete", ids)

    def set_labels(self, labels: Sequence[tuple[str, DocumentLabels]]) -> None:
        self._call("set_labels", labels)

    def search(self, queries: Sequence[VectorQuery], limits: PayloadLimits) -> list[list[ScoredId]]:
        return cast(list[list[ScoredId]], self._call("search", queries, limits))

    def page(self, offset: str | None, limit: int) -> tuple[list[str], str | None]:
        return cast(tuple[list[str], str | None], self._call("page", offset, limit))

    def counts(self) -> ShardCounts:
        return cast(ShardCounts, self._call("counts"))

    def flush(self) -> None:
        self._call("flush")

    def optimize(self) -> bool:
        # As long as it takes: it grows with the shard, and whoever closes the store ends it.
        return bool(self._request(None, "optimize"))

    def close(self) -> None:
        """Close the shard, so that it opens quickly next time, and end the child."""
        try:
            self._call("close")
        finally:
            self._release()

    def kill(self) -> None:
        """End the child at once. What it acknowledged is in the shard's log."""
        self._process.kill()
        self._release()

    def _release(self) -> None:
        try:
            self._process.wait(_EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(_EXIT_TIMEOUT_S)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # What was left in its buffer has no reader any more.
                    continue

    def _call(self, method: str, *arguments: object) -> object:
        return self._request(_ANSWER_TIMEOUT_S, method, *arguments)

    def _request(self, limit_s: float | None, method: str, *arguments: object) -> object:
        result = self._exchange(pickle.dumps((method, arguments)), limit_s)
        if isinstance(result, Failure):
            raise StoreError(
                f"The vector store in {self._directory} failed to {method}: {result.text}",
                collection=str(self._directory),
            )
        return result

    def _exchange(self, request: bytes, limit_s: float | None) -> object:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        is_late = threading.Event()
        try:
            with self._pipe, self._ended_after(limit_s, is_late):
                try:
                    stdin.write(request)
                    stdin.flush()
                    return pickle.load(stdout)  # noqa: S301 - from our own child
                except KeyboardInterrupt:
                    # Its answer would be taken for the next request's.
                    self._process.kill()
                    self._process.wait()
                    raise
        except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
            ending = self._ending()
            if is_late.is_set():
                ending = f"it did not answer within {limit_s:g} s, and was stopped"
            raise StoreError(
                f"The process that keeps the vector store in {self._directory} ended "
                f"({ending}). What was acknowledged before is safe. See that the disk "
                "is not full and memory is not short, then try again.",
                collection=str(self._directory),
            ) from error

    @contextmanager
    def _ended_after(self, limit_s: float | None, is_late: threading.Event) -> Iterator[None]:
        """The child is killed where the block takes longer, which ends the wait for its answer."""
        if limit_s is None:
            yield
            return

        def end() -> None:
            is_late.set()
            self._process.kill()

        timer = threading.Timer(limit_s, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _ending(self) -> str:
        """How it ended, and the last it said."""
        try:
            code = self._process.wait(_EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return "it does not answer"
        self._listener.join(_EXIT_TIMEOUT_S)
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        said = [line for line in tuple(self._last_lines) if line.strip()]
        if not said:
            return how
        _log.error("The engine in %s said at its end:\n%s", self._directory, "\n".join(said))
        return f"{how}; it said: {said[0][:_MAX_TOLD_CHARS]}"


def _keep(stderr: IO[bytes], lines: deque[str]) -> None:
    """Keep the last of what the child says, so that its pipe never fills."""
    for line in stderr:
        lines.append(line.decode("utf-8", "replace").rstrip())
