"""Subtitles: SubRip and WebVTT files, and the text tracks inside a video."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from ingest.decode.charset import decode
from ingest.decode.containers import open_container, origin_s
from ingest.decode.languages import language_tag
from kb.tracks import Track, TrackKind

__all__ = ["Cue", "parse_subtitles", "read_embedded"]

# SubRip has hours and a comma; WebVTT may leave out the hours and has a point.
_TIMING = re.compile(
    r"^\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})\s*-->"
    r"\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
)
# <i>, </b>, <c.yellow>, <v Speaker>, <00:01.000>; and {\an8}, {\i1} of SubStation Alpha.
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}")
_ROLL_GAP_S = 0.1

# Start and end in seconds, lines.
_Lines = tuple[float, float, list[str]]


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that are spoken or shown from `start_s` to `end_s`, on one line.

    Attributes:
        track: What they are part of; None where they were read on screen.
    """

    start_s: float
    end_s: float
    text: str
    track: Track | None = None


def parse_subtitles(data: bytes, language: str = "") -> tuple[Cue, ...]:
    """The cues of a SubRip or WebVTT file in order of time; none where it holds none.

    Tags, cue numbers, notes and styles are left out. Captions that roll (each repeats the
    last line of the one before) are unrolled.

    Args:
        language: Of the file, as BCP 47 writes it; empty where nothing tells.
    """
    cues: list[_Lines] = []
    lines: list[str] | None = None
    for line in decode(data)[0].splitlines():
        timing = _TIMING.match(line)
        if timing:
            if lines and lines[-1].strip().isdigit():
                lines.pop()  # The next cue's number, where the blank line between is missing.
            lines = []
            cues.append((_seconds(*timing.groups()[:4]), _seconds(*timing.groups()[4:]), lines))
        elif not line.strip():
            lines = None
        elif lines is not None:
            lines.append(line)
    cleaned = [(start_s, end_s, _clean(lines)) for start_s, end_s, lines in cues]
    return _unrolled(cleaned, Track(TrackKind.SUBTITLES, language))


def read_embedded(path: Path) -> tuple[Cue, ...]:
    """The cues of every text track in a video in order of time.

    Tracks made of pictures are passed over, and so is what can't be decoded.

    Raises:
        ParseError: Empty, or not a video that can be read.
        SourceUnavailableError: The file vanished or may not be read.
    """
    with open_container(path) as container:
        tracks = container.streams.subtitles
        cues: dict[int, list[_Lines]] = {track.index: [] for track in tracks}
        told = {
            track.index: Track(TrackKind.SUBTITLES, language_tag(track.language or ""))
            for track in tracks
        }
        zero_s = origin_s(container)
        try:
            for packet in container.demux(tracks) if tracks else ():
                if packet.pts is None:
                    continue
                start_s = max(0.0, float(packet.pts * packet.time_base) - zero_s)
                end_s = start_s + float((packet.duration or 0) * packet.time_base)
                cues[packet.stream_index].append((start_s, end_s, _clean(_shown(packet))))
        except av.FFmpegError:
            pass  # The container is cut short: what came before stands.
    return tuple(
        sorted(
            (cue for index, found in cues.items() for cue in _unrolled(found, told[index])),
            key=lambda cue: (cue.start_s, cue.end_s),
        )
    )


def _shown(packet: Any) -> list[str]:
    try:
        shown = packet.decode()
    except av.FFmpegError:
        return []
    return [
        line
        for rectangle in shown
        if rectangle.type == b"ass"
        for line in rectangle.dialogue.decode("utf-8", "replace").splitlines()
    ]


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return (
        int(hours or 0) * 3600
        + int(minutes) * 60
        + int(seconds)
        + int(fraction.ljust(3, "0")) / 1e3
    )


def _clean(lines: list[str]) -> list[str]:
    plain = (" ".join(html.unescape(_TAG.sub("", line)).split()) for line in lines)
    return [line for line in plain if line]


def _unrolled(cues: list[_Lines], track: Track) -> tuple[Cue, ...]:
    result: list[Cue] = []
    last_line, last_end_s = "", float("-inf")
    for start_s, end_s, lines in sorted(cues, key=lambda cue: cue[:2]):
        new = (
            lines[1:] if lines[:1] == [last_line] and start_s <= last_end_s + _ROLL_GAP_S else lines
        )
        if new:
            result.append(Cue(start_s, max(start_s, end_s), " ".join(new), track))
        if lines:
            last_line, last_end_s = lines[-1], end_s
    return tuple(result)
