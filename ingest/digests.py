"""What tells one content from another: sha256 of a file and of what belongs to it."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from ingest.companions import open_regular, split_by_size
from ingest.scan import Found, cannot_read
from kb.errors import SourceTooLargeError, SourceUnavailableError
from kb.index.ledger import Companion

__all__ = ["Digests", "StoppedError"]

_BLOCK_BYTES = 1 << 20
# In place of a digest: a page whose picture is too large is another than one without it.
_LEFT_OUT = "left out"


class StoppedError(Exception):
    """The sync is to end before everything was hashed."""


class Digests:
    """Hashes the files of one sync, in several threads; what many pages show is hashed once.

    Args:
        max_bytes: Of one file, and of all that belongs to one.
        is_stopped: Asked between blocks whether to go on.
    """

    def __init__(self, max_bytes: int, is_stopped: Callable[[], bool] = lambda: False) -> None:
        self._max_bytes = max_bytes
        self._is_stopped = is_stopped
        self._known: dict[Companion, Future[str]] = {}
        self._lock = threading.Lock()

    def content_sha256(self, found: Found, companions: Sequence[Companion]) -> str:
        """Hex sha256 of a file's bytes; with companions, of the digests of all of them.

        Companions that are not there, or over the limit, are not read.

        Raises:
            SourceTooLargeError: The file is over the limit.
            SourceUnavailableError: It, or a companion, can't be read.
            StoppedError: `is_stopped` said so.
        """
        if found.size_bytes > self._max_bytes:
            raise self._too_large(found.size_bytes, found.path)
        digests = [self._sha256(found.absolute, found.path)]
        taken, left_out = split_by_size(companions, self._max_bytes)
        digests += [self._of_companion(companion, found.path) for companion in taken]
        digests += [_LEFT_OUT] * len(left_out)
        if len(digests) == 1:
            return digests[0]
        return hashlib.sha256("".join(digests).encode()).hexdigest()

    def _of_companion(self, companion: Companion, source: str) -> str:
        with self._lock:
            known = self._known.get(companion)
            if known is None:
                own: Future[str] = Future()
                self._known[companion] = own
        if known is None:
            try:
                own.set_result(self._sha256(Path(companion.path), source))
            except BaseException as error:
                own.set_exception(error)
                raise
            return own.result()
        failure = known.exception()
        if isinstance(failure, SourceUnavailableError | SourceTooLargeError):
            raise type(failure)(str(failure), source=source)
        return known.result()

    def _sha256(self, path: Path, source: str) -> str:
        digest = hashlib.sha256()
        n_bytes = 0
        try:
            with os.fdopen(open_regular(path), "rb", buffering=0) as file:
                while True:
                    if self._is_stopped():
                        raise StoppedError
                    block = file.read(_BLOCK_BYTES)
                    if not block:
                        return digest.hexdigest()
                    digest.update(block)
                    n_bytes += len(block)
                    if n_bytes > self._max_bytes:  # it grows while it is read
                        raise self._too_large(n_bytes, source)
        except OSError as error:
            raise SourceUnavailableError(cannot_read(error), source=source) from error

    def _too_large(self, n_bytes: int, source: str) -> SourceTooLargeError:
        return SourceTooLargeError(
            f"The file has {n_bytes:,} bytes, over the limit of {self._max_bytes:,}. Split it, "
            "or raise `ingest.max_file_bytes` in kb.yaml.",
            source=source,
        )
