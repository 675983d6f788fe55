"""What is said in a video or a recording, and its subtitles, as a player shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kb.tracks import Track
from kb.types import Chunk, Kind

__all__ = ["SpokenLine", "spoken_tracks", "web_vtt"]


class SpokenLine(NamedTuple):
    """Words that are said, or shown as a subtitle, from `start_s` to `end_s`."""

    start_s: float
    end_s: float
    text: str


def spoken_tracks(chunks: Iterable[Chunk]) -> Mapping[Track, tuple[SpokenLine, ...]]:
    """The text tracks of a document, in their order, each with its lines in order of time."""
    lines: dict[Track, set[SpokenLine]] = {}
    for chunk in chunks:
        if chunk.kind not in (Kind.AUDIO, Kind.VIDEO):
            continue
        for span in chunk.spans:
            place = span.locator
            track = Track.of(place.anchor)
            if track is not None and place.start_s is not None and place.end_s is not None:
                text = chunk.text[span.start : span.end]
                lines.setdefault(track, set()).add(SpokenLine(place.start_s, place.end_s, text))
    return {track: tuple(sorted(lines[track])) for track in sorted(lines)}


def web_vtt(lines: Iterable[SpokenLine]) -> str:
    """Lines as a WebVTT file (https://www.w3.org/TR/webvtt1/)."""
    cues = (
        f"{_time(line.start_s)} --> {_time(max(line.end_s, line.start_s + 0.1))}\n"
        f"{_escaped(line.text)}\n"
        for line in lines
    )
    return "WEBVTT\n\n" + "\n".join(cues)


def _time(seconds: float) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def _escaped(text: str) -> str:
    """`text` on one line, without what WebVTT takes for markup or for another cue's times."""
    plain = " ".join(text.split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
