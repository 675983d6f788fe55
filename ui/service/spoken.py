"""What was heard in a video or a recording, as a player shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kb.types import Chunk, Kind, Modality

__all__ = ["SpokenLine", "spoken_lines", "web_vtt"]

# Lines of speech follow one another; where one begins so long before the end of the last, it is
# one that was read on screen.
_OVERLAP_S = 0.2


class SpokenLine(NamedTuple):
    """Words that are said from `start_s` to `end_s`."""

    start_s: float
    end_s: float
    text: str


def spoken_lines(chunks: Iterable[Chunk]) -> tuple[SpokenLine, ...]:
    """The lines of a document's chunks that were heard, in order of time."""
    lines = {
        line
        for chunk in chunks
        # What was heard stands below a heading with its language.
        if chunk.headings and chunk.kind in (Kind.AUDIO, Kind.VIDEO)
        for line in _heard(chunk)
    }
    return tuple(sorted(lines))


def web_vtt(lines: Iterable[SpokenLine]) -> str:
    """Lines as a WebVTT file (https://www.w3.org/TR/webvtt1/)."""
    cues = (
        f"{_time(line.start_s)} --> {_time(max(line.end_s, line.start_s + 0.1))}\n"
        f"{_escaped(line.text)}\n"
        for line in lines
    )
    return "WEBVTT\n\n" + "\n".join(cues)


def _heard(chunk: Chunk) -> Iterator[SpokenLine]:
    """The lines of a chunk up to those that were read on the screen of a video, which follow."""
    until_s = 0.0
    for span in chunk.spans:
        start_s, end_s = span.locator.start_s, span.locator.end_s
        if start_s is None or end_s is None:
            return
        if chunk.modality is Modality.VIDEO and start_s < until_s - _OVERLAP_S:
            return
        until_s = end_s
        yield SpokenLine(start_s, end_s, chunk.text[span.start : span.end])


def _time(seconds: float) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def _escaped(text: str) -> str:
    """`text` on one line, without what WebVTT takes for markup or for another cue's times."""
    plain = " ".join(text.split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
