"""The sound of a file as samples: whatever its codec, rate and channels are, one channel at the
rate that the speech model hears."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from ingest.decode.containers import open_container, origin_s
from ingest.parsers.base import Samples
from kb.errors import ParseError
from kb.models.speech import SAMPLE_RATE_HZ
from kb.types import Kind

__all__ = ["BLOCK_S", "has_sound", "is_sound_alone", "read_sound"]

BLOCK_S = 30
"""Seconds of a block, at most."""

_REMEDY = "MP3 or FLAC"
_BLOCK = BLOCK_S * SAMPLE_RATE_HZ
# Of sound that is recorded. To change from or to others takes hours and gigabytes, whatever the
# size of the file.
_LEAST_RATE_HZ, _MOST_RATE_HZ = 1_000, 768_000
# Sound that begins so much later than it should stands where its time says; longer gaps are
# taken for damaged times.
_GAP_S, _MAX_GAP_S = 0.5, 3600.0
# What streams write for a size that they can't know.
_UNKNOWN_BYTES = 0x7FFFFFFF
_MISSING_END_S, _MISSING_SHARE = 2.0, 0.02


def has_sound(path: Path) -> bool:
    """Whether a video has a track of sound that can be decoded.

    Raises:
        ParseError: It is no video that can be read.
        SourceUnavailableError: The file vanished or may not be read.
    """
    with open_container(path) as container:
        return any(stream.codec_context is not None for stream in container.streams.audio)


def is_sound_alone(path: Path) -> bool:
    """Whether a video has tracks of sound, and none of pictures.

    Raises:
        ParseError, SourceUnavailableError: As `has_sound`.
    """
    with open_container(path) as container:
        return bool(container.streams.audio) and not any(
            not stream.disposition & av.stream.Disposition.attached_pic
            for stream in container.streams.video
        )


def read_sound(path: Path, kind: Kind, warn: Callable[[str], None]) -> Iterator[Samples]:
    """Blocks of at most `BLOCK_S` s, from the second on that players call 0; what is damaged is
    silence or left out.

    Args:
        kind: AUDIO or VIDEO: what people call the file.
        warn: Told when the sound is cut short or damaged.

    Raises:
        ParseError: There is no sound, or none of it can be decoded.
        SourceUnavailableError: The file vanished or may not be read.
    """
    what = "recording" if kind is Kind.AUDIO else "video"
    with open_container(path, what, _REMEDY) as container:
        decoder = _Decoder(path, container, _stream(container, what))
        blocks = _Blocks()
        for start_s, samples in decoder.pieces():
            yield from blocks.add(start_s, samples)
        if blocks.n_all == 0:
            raise ParseError(
                f"No sound of the {what} can be decoded: it is damaged, cut short, or protected "
                f"against copying. Copy it again from where it came, or convert it to {_REMEDY}."
            )
        yield from blocks.rest()
        end_s = blocks.n_all / SAMPLE_RATE_HZ
        promised_s = decoder.promised_s
        if promised_s - end_s > max(_MISSING_END_S, _MISSING_SHARE * promised_s):
            warn(
                f"The sound ends {promised_s - end_s:.0f} s before the end that the file promises: "
                "it is cut short, or its header is wrong. What is there was indexed; copy it again "
                "if more should be."
            )
        if decoder.n_damaged:
            places = "place" if decoder.n_damaged == 1 else "places"
            warn(
                f"The sound is damaged in {decoder.n_damaged:,} {places}, which were left out. "
                "Copy the file again from where it came."
            )


def _stream(container: Any, what: str) -> Any:
    """The first track of sound that can be decoded.

    Raises:
        ParseError: There is none.
    """
    for stream in container.streams.audio:
        if stream.codec_context is not None:
            return stream
    if container.streams.audio:
        raise ParseError(
            f"The codec of the {what}'s sound is not known here. Convert it to {_REMEDY}."
        )
    raise ParseError(f"There is no sound in the {what}. Copy it again from where it came.")


class _Decoder:
    """Decodes one track.

    Attributes:
        promised_s: Length of the track as its header says; 0 where it says none.
        n_damaged: Packets that could not be decoded.
    """

    def __init__(self, path: Path, container: Any, stream: Any) -> None:
        self._container, self._stream = container, stream
        self._zero_s = origin_s(container)
        length = stream.duration
        self.promised_s = float(length * stream.time_base) if length else 0.0
        if not length and container.duration:
            self.promised_s = container.duration / av.time_base
        if container.format.name == "wav":
            # FFmpeg takes the end of the file for the end of the sound.
            self.promised_s *= _riff_bytes(path) / max(1, path.stat().st_size)
        self.n_damaged = 0

    def pieces(self) -> Iterator[tuple[float | None, Samples]]:
        """Samples with the second at which they are heard, where the container says it."""
        resampler: av.AudioResampler | None = None
        form: tuple[object, ...] = ()
        for frame in self._frames():
            found = (frame.format.name, frame.layout.name, frame.sample_rate)
            if not _LEAST_RATE_HZ <= frame.sample_rate <= _MOST_RATE_HZ:
                raise ParseError(
                    f"The sound is said to have {frame.sample_rate:,} samples a second, where "
                    f"{_LEAST_RATE_HZ:,} to {_MOST_RATE_HZ:,} are read: it is damaged, or no "
                    f"sound. Copy it again from where it came, or convert it to {_REMEDY}."
                )
            if resampler is None or found != form:
                # Rates and channels may change on the way.
                resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
                form = found
            start_s = None if frame.time is None else max(0.0, frame.time - self._zero_s)
            try:
                parts = resampler.resample(frame)
            except (av.FFmpegError, ValueError):
                self.n_damaged += 1
                resampler = None
                continue
            for part in parts:
                yield start_s, part.to_ndarray().reshape(-1)
                start_s = None
        if resampler is not None:
            for part in resampler.resample(None):
                yield None, part.to_ndarray().reshape(-1)

    def _frames(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except av.EOFError:
                return
            except av.FFmpegError:
                self.n_damaged += 1
                continue
            yield from frames


def _riff_bytes(path: Path) -> int:
    """Size of a WAV file as its header says; its own where it was written without knowing."""
    n_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
    said = int.from_bytes(head[4:8], "little") + 8
    return said if head.startswith(b"RIFF") and n_bytes < said < _UNKNOWN_BYTES else n_bytes


class _Blocks:
    """Gathers samples into blocks, with silence where a track has none.

    Attributes:
        n_all: Samples so far.
    """

    def __init__(self) -> None:
        self._parts: list[Samples] = []
        self._n_held = 0
        self.n_all = 0

    def add(self, start_s: float | None, samples: Samples) -> Iterator[Samples]:
        """Take samples that are heard at `start_s`; gives the blocks that are full."""
        gap_s = start_s - self.n_all / SAMPLE_RATE_HZ if start_s is not None else 0.0
        if _GAP_S < gap_s <= _MAX_GAP_S:
            left = round(gap_s * SAMPLE_RATE_HZ)
            while left:
                n = min(left, _BLOCK)
                yield from self._put(np.zeros(n, np.int16))
                left -= n
        yield from self._put(samples)

    def rest(self) -> Iterator[Samples]:
        """What fills no block."""
        if self._n_held:
            yield np.concatenate(self._parts)
            self._parts, self._n_held = [], 0

    def _put(self, samples: Samples) -> Iterator[Samples]:
        self._parts.append(samples)
        self._n_held += len(samples)
        self.n_all += len(samples)
        if self._n_held < _BLOCK:
            return
        held = np.concatenate(self._parts)
        n_full = len(held) // _BLOCK * _BLOCK
        for start in range(0, n_full, _BLOCK):
            yield held[start : start + _BLOCK]
        rest = held[n_full:].copy()
        self._parts, self._n_held = [rest], len(rest)
