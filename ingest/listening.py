"""Listening to one file: with a limit of time, outside the file's own limit of memory; and how far
it has come, for other processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ingest.limits import MemoryLimit, listening_limit_s
from ingest.parsers.base import Heard, Listen, Samples
from kb.config import IngestConfig
from kb.text.humanize import timestamp
from kb.types import Source

__all__ = ["Listener", "heard_s"]


class Listener:
    """Hears one file; `listen` serves as `ParseContext.listen`.

    Attributes:
        spent_s: Seconds that it took so far.

    Args:
        hear: As `ingest.decode.speech.SpeechReader.hear`.
        warn: Told where not all could be heard in time.
        notes: The folder in which `heard_s` looks.
    """

    def __init__(
        self,
        hear: Listen,
        source: Source,
        config: IngestConfig,
        memory: MemoryLimit,
        warn: Callable[[str], None],
        notes: Path,
    ) -> None:
        self._hear = hear
        self._limit_s = listening_limit_s(source, config)
        self._memory = memory
        self._warn = warn
        self._note = _note(notes, source)
        self.spent_s = 0.0

    def listen(self, blocks: Iterable[Samples]) -> Iterator[Heard]:
        """What is said, until the time is up.

        Raises:
            ModelError: What hears is not installed, or fails.
        """
        heard = self._hear(blocks)
        try:
            while (piece := self._next(heard)) is not None:
                # How far it is matters less than that it goes on.
                with suppress(OSError):
                    self._note.write_text(f"{piece.until_s:.1f}", "ascii")
                yield piece
                if self.spent_s > self._limit_s:
                    self._warn(
                        f"Its sound was listened to up to {timestamp(piece.until_s)}: that took "
                        f"{self.spent_s:.0f} s, over the limit of {self._limit_s:g} s. `kb sync "
                        "--retry` goes on from there; `ingest.sound.time_limit_s` in kb.yaml is "
                        "the most that a large file has."
                    )
                    return
        finally:
            self._note.unlink(missing_ok=True)

    def _next(self, heard: Iterator[Heard]) -> Heard | None:
        start_s = time.monotonic()
        try:
            with self._memory.lifted():
                return next(heard, None)
        finally:
            self.spent_s += time.monotonic() - start_s


def heard_s(notes: Path, source: Source) -> float | None:
    """Up to which second a file was listened to by now; None where none is listened to."""
    try:
        return float(_note(notes, source).read_text("ascii"))
    except (OSError, ValueError):  # none yet, or half of one
        return None


def _note(notes: Path, source: Source) -> Path:
    return notes / f"heard-{source.sha256}"
