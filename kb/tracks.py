"""Which text track a line of a video or a recording is of: what is said in it, or subtitles.

A line's span keeps it as the anchor of its locator: ``speech:en``, ``subtitles:zh-Hans``,
``subtitles:`` of a language that is not told. Lines that were read on screen have none.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Self

__all__ = ["Track", "TrackKind"]


class TrackKind(StrEnum):
    """Where the words of a track are from."""

    SPEECH = "speech"
    SUBTITLES = "subtitles"


class Track(NamedTuple):
    """A text track.

    Attributes:
        language: As BCP 47 writes it: ``en``, ``zh-Hans``; empty where nothing tells.
    """

    kind: TrackKind
    language: str = ""

    @property
    def anchor(self) -> str:
        """As a locator keeps it."""
        return f"{self.kind}:{self.language}"

    @classmethod
    def of(cls, anchor: str | None) -> Self | None:
        """The track that an anchor names; None where it names none."""
        kind, colon, language = (anchor or "").partition(":")
        if not colon or kind not in set(TrackKind):
            return None
        return cls(TrackKind(kind), language)
