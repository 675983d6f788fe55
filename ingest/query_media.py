"""Pictures and clips that are asked with, decoded in processes of their own.

A decoder can hang, crash, or turn half a megabyte into gigabytes. Here that ends one question,
with a reason, and neither the server nor the questions of others. The processes start with the
first picture, or with `QueryMedia.warm`, and stay: a question then waits some milliseconds more
than the decoding itself takes.
"""

from __future__ import annotations

import gc
import multiprocessing
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pebble import ProcessExpired, ProcessPool

from ingest.failures import says_out_of_memory
from ingest.limits import data_bytes, data_limit
from kb.config import IngestConfig
from kb.errors import IngestError, ParseError, ParseTimeoutError, SourceTooLargeError
from kb.types import EncodedImage, Frame

__all__ = ["QueryLimits", "QueryMedia"]

T = TypeVar("T")

_MIB = 1024 * 1024
_N_WORKERS = 2
# A worker is replaced after so many: what a library loses of its memory is then lost no longer.
_MAX_TASKS = 500
_MAX_WAITING = 16
_SMALLER = "Ask with a smaller one, or with the part of it that matters."


class QueryLimits(NamedTuple):
    """What one picture or clip of a question may take.

    Attributes:
        max_px: Pixels of a picture. Phones take up to 50 million; from larger pictures people
            cut what they mean.
        picture_bytes: Memory of its worker beyond what that has anyway.
        clip_bytes: Likewise.
        picture_s: Seconds, once it is its turn.
        clip_s: Likewise.
    """

    max_px: int = 64_000_000
    picture_bytes: int = 1024 * _MIB
    clip_bytes: int = 2048 * _MIB
    picture_s: float = 30.0
    clip_s: float = 120.0


_LIMITS = QueryLimits()


class QueryMedia:
    """Reads pictures and clips of questions, two at once and one clip at most.

    Args:
        config: How files are read.
        limits: What a question may take; files may take more.
    """

    def __init__(self, config: IngestConfig, limits: QueryLimits = _LIMITS) -> None:
        max_px = min(limits.max_px, config.max_image_px)
        self._config = config.model_copy(update={"max_image_px": max_px})
        self._limits = limits
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._room = threading.BoundedSemaphore(_N_WORKERS + _MAX_WAITING)
        # A long clip must not keep the pictures waiting.
        self._clip_turn = threading.Lock()

    def warm(self) -> None:
        """Start the processes, without waiting for them."""
        for _ in range(_N_WORKERS):
            self._schedule(_warm, (), self._limits.picture_s)

    def close(self) -> None:
        """End the processes, whatever they do."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()
            pool.join()

    def read_picture(self, path: Path) -> EncodedImage:
        """The picture in a file, made as those that are indexed.

        Raises:
            ParseError: It is no picture, or is damaged.
            ParseTimeoutError: Reading it took too long, or too many others are being read.
            SourceTooLargeError: It has too many pixels, or takes too much memory.
            SourceUnavailableError: The file vanished or may not be read.
        """
        return self._run(
            _read_picture, path, "picture", self._limits.picture_bytes, self._limits.picture_s
        )

    def read_clip(self, path: Path) -> tuple[Frame, ...]:
        """At most ``config.video.max_frames`` frames across a clip.

        Raises:
            ParseError, ParseTimeoutError, SourceTooLargeError, SourceUnavailableError: As
                `read_picture`.
        """
        if not self._clip_turn.acquire(timeout=self._limits.clip_s):
            raise _busy(path)
        try:
            return self._run(_read_clip, path, "clip", self._limits.clip_bytes, self._limits.clip_s)
        finally:
            self._clip_turn.release()

    def _run(
        self,
        read: Callable[[Path, IngestConfig, int], T],
        path: Path,
        what: str,
        memory_bytes: int,
        limit_s: float,
    ) -> T:
        if not self._room.acquire(blocking=False):
            raise _busy(path)
        try:
            result: T = self._schedule(read, (path, self._config, memory_bytes), limit_s).result()
        except TimeoutError as error:
            raise ParseTimeoutError(
                f"Reading the {what} took more than {limit_s:g} s and was stopped. {_SMALLER}",
                source=path.name,
            ) from error
        except ProcessExpired as error:
            raise ParseError(
                f"The {what} is damaged: its decoder crashed. Save it anew and try again.",
                source=path.name,
            ) from error
        finally:
            self._room.release()
        return result

    def _schedule(self, function: Callable[..., T], args: tuple[Any, ...], limit_s: float) -> Any:
        with self._lock:
            if self._pool is None or not self._pool.active:
                # spawn: a fork of a process with threads and native libraries can deadlock.
                self._pool = ProcessPool(
                    _N_WORKERS, _MAX_TASKS, context=multiprocessing.get_context("spawn")
                )
            return self._pool.schedule(function, args=args, timeout=limit_s)


def _busy(path: Path) -> ParseTimeoutError:
    return ParseTimeoutError(
        "Too many pictures and clips are being read at once. Ask again in a moment.",
        source=path.name,
    )


# -- in the worker --------------------------------------------------------------------------


def _warm() -> None:
    import ingest.decode.pictures  # noqa: F401


def _read_picture(path: Path, config: IngestConfig, memory_bytes: int) -> EncodedImage:
    from ingest.confined import confined
    from ingest.decode.pictures import encode_picture, load_picture

    def decode() -> EncodedImage:
        return encode_picture(load_picture(path, config.max_image_px, advice=_SMALLER))

    return _limited(lambda: confined(decode, path), path, "picture", memory_bytes)


def _read_clip(path: Path, config: IngestConfig, memory_bytes: int) -> tuple[Frame, ...]:
    from ingest.confined import confined
    from ingest.decode.frames import frames_of_clip

    def read() -> tuple[Frame, ...]:
        return confined(lambda: frames_of_clip(path, config, _SMALLER), path)

    return _limited(read, path, "clip", memory_bytes)


def _limited(read: Callable[[], T], path: Path, what: str, memory_bytes: int) -> T:
    """What `read` gives with at most so much memory more than the process had at first.

    Raises:
        IngestError: Whatever went wrong.
    """
    limit = _own_bytes() + memory_bytes
    try:
        with data_limit(limit):
            return read()
    except Exception as error:
        failure = _failure(error, path, what, memory_bytes)
    # The pictures that an error's frames hold are gone before the next one is read.
    gc.collect()
    raise failure


def _failure(error: Exception, path: Path, what: str, memory_bytes: int) -> IngestError:
    """A new error, which holds nothing of the old one."""
    # Pillow tells of lacking memory in words, and calls the picture damaged.
    if isinstance(error, MemoryError) or says_out_of_memory(f"{error} {error.__cause__}"):
        return SourceTooLargeError(
            f"Reading the {what} took more than {memory_bytes // _MIB:,} MiB of memory and was "
            f"stopped. {_SMALLER}",
            source=path.name,
        )
    if isinstance(error, IngestError):
        return type(error)(str(error), source=path.name)
    return ParseError(
        f"The {what} can't be read ({type(error).__name__}: {error}). Save it anew and try again.",
        source=path.name,
    )


@cache
def _own_bytes() -> int:
    """What counts against the limit in a process that has read nothing yet."""
    return data_bytes()
