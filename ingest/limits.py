"""How long, and with how much memory, one file may be read: the smaller it is, the less.

The configured limits are for the largest files. A small file that takes as much is a bomb, or
damaged: it must not keep a core for a quarter of an hour or fill the memory of the machine.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from kb.config import IngestConfig
from kb.types import Kind, Source

__all__ = [
    "Limits",
    "MemoryLimit",
    "data_bytes",
    "data_limit",
    "limit_data",
    "limits_of",
    "listening_limit_s",
]

_MIB = 1024 * 1024
_DATA_SIZE = re.compile(r"^VmData:\s+(\d{1,12}) kB", re.MULTILINE)
# Never less than this, or than what is configured: a loaded machine is slow.
_LEAST_S = 60.0
_LEAST_BYTES = 512 * _MIB


class Limits(NamedTuple):
    """What one file may take.

    Attributes:
        time_s: Seconds.
        memory_bytes: Memory that is added to what its worker had before.
    """

    time_s: float
    memory_bytes: int


class _Scale(NamedTuple):
    """Shares of the configured limits that an empty file of a kind has, and the size from
    which on a file has all of them."""

    time: float
    memory: float
    full_bytes: int


# Pictures and clips are bounded by their pixels, whatever the size of the file; a page may
# hold a picture, or be one that is read by OCR for seconds.
_SCALES: Mapping[Kind, _Scale] = {
    Kind.TEXT: _Scale(1 / 10, 1 / 8, 32 * _MIB),
    Kind.DATA: _Scale(1 / 10, 1 / 8, 32 * _MIB),
    Kind.HTML: _Scale(1 / 10, 1 / 8, 16 * _MIB),
    Kind.OFFICE: _Scale(1 / 10, 1 / 8, 8 * _MIB),
    Kind.PDF: _Scale(1 / 3, 1 / 4, 4 * _MIB),
    Kind.EBOOK: _Scale(1 / 3, 1 / 4, 4 * _MIB),
    Kind.IMAGE: _Scale(1 / 5, 1 / 2, 8 * _MIB),
    Kind.VIDEO: _Scale(1 / 3, 1 / 2, 8 * _MIB),
    Kind.AUDIO: _Scale(1 / 5, 1 / 4, 8 * _MIB),
}

# Speech takes a thousand bytes a second where it is packed well, and on a slow machine is heard no
# faster than it was spoken.
_LEAST_BYTES_PER_S = 1000.0
# Pictures take more beside it. What hangs holds its process for as long.
_LEAST_VIDEO_BYTES_PER_S = 10_000.0
# To which recordings are attached.
_MAIL = frozenset({"message/rfc822", "application/mbox", "application/vnd.ms-outlook"})


def limits_of(kind: Kind, size_bytes: int, config: IngestConfig) -> Limits:
    """What a file of this kind and size may take, at most what is configured."""
    scale = _SCALES[kind]
    grown = size_bytes / scale.full_bytes
    time_share, memory_share = min(1.0, scale.time + grown), min(1.0, scale.memory + grown)
    return Limits(
        min(config.time_limit_s, max(_LEAST_S, float(round(time_share * config.time_limit_s)))),
        min(
            config.memory_limit_bytes,
            max(_LEAST_BYTES, int(memory_share * config.memory_limit_bytes)),
        ),
    )


def listening_limit_s(source: Source, config: IngestConfig) -> float:
    """Seconds that may be spent on listening to a file, beside its `limits_of`."""
    holds_sound = source.kind in (Kind.AUDIO, Kind.VIDEO) or source.media_type in _MAIL
    if not holds_sound or not config.sound.enabled:
        return 0.0
    is_video = source.kind is Kind.VIDEO
    least_bytes_per_s = _LEAST_VIDEO_BYTES_PER_S if is_video else _LEAST_BYTES_PER_S
    needed_s = max(_LEAST_S, source.size_bytes / least_bytes_per_s)
    return min(config.sound.time_limit_s, float(round(needed_s)))


class MemoryLimit:
    """The process's memory limit while one file is read, where the system has one.

    Args:
        more_bytes: What may be added to the memory that the process has now.
        most_bytes: The limit of the process at all other times; None where the process is no
            worker, whose limits are its own.
    """

    def __init__(self, more_bytes: int, most_bytes: int | None) -> None:
        self._most_bytes = most_bytes
        if most_bytes is not None:
            self._limit_bytes = min(most_bytes, data_bytes() + more_bytes)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """While the file's own code runs."""
        if self._most_bytes is None:
            yield
            return
        with data_limit(self._limit_bytes):
            yield

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """While models of ours run: what they keep is not the file's."""
        if self._most_bytes is None:
            yield
            return
        before_bytes = data_bytes()
        limit_data(self._most_bytes)
        try:
            yield
        finally:
            kept_bytes = max(0, data_bytes() - before_bytes)
            self._limit_bytes = min(self._most_bytes, self._limit_bytes + kept_bytes)
            limit_data(self._limit_bytes)


def data_bytes() -> int:
    """What the system counts against the limit of this process's memory; 0 where it has none."""
    if sys.platform != "linux":
        return 0
    found = _DATA_SIZE.search(Path("/proc/self/status").read_text("ascii"))
    return int(found[1]) * 1024 if found else 0


def limit_data(n_bytes: int) -> None:
    """Limit the memory of this process, where the system can."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (n_bytes, hard))


@contextmanager
def data_limit(n_bytes: int) -> Iterator[None]:
    """Limit the memory of this process for a while, where the system can; then as before."""
    if sys.platform != "linux":
        yield
        return
    import resource

    before_bytes, _ = resource.getrlimit(resource.RLIMIT_DATA)
    limit_data(n_bytes)
    try:
        yield
    finally:
        limit_data(before_bytes)
