"""Frames of a video at given seconds, by decord or PyAV.

decord comes first, but on broken containers it can wait for ever, and it has no wheel for some
machines. So PyAV looks at the container before it; decord gets the healthy ones, and PyAV
the rest, and what decord failed on. decord seeks, so it is the faster one for frames many
seconds apart (a long clip that is asked with); PyAV decodes all in order, and is the faster
one at a frame a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from ingest.decode.containers import ADVICE, VideoInfo, open_container, probe, video_stream
from ingest.decode.pictures import encode_jpeg, fit
from kb.config import IngestConfig
from kb.errors import ParseError
from kb.types import EncodedImage, Frame

__all__ = [
    "FRAME_PX",
    "FrameReader",
    "Sample",
    "encode_frame",
    "frames_of_clip",
    "n_samples",
    "read_with_decord",
    "read_with_pyav",
    "sample_frames",
]

FRAME_PX = 768
"""Longer side of the frames that are stored, at most."""

# A frame that begins so little after a second is the one shown at that second: containers
# round their times.
_EPSILON_S = 0.002
# Longer holds of one frame are taken for damaged timestamps and not filled with copies.
_MAX_HOLD_S = 600.0
# Frames that no other refers to (half of H.264's, mostly) need not be decoded where so many
# frames pass between two samples; the one before is at most some tenths of a second older.
_SKIP_FROM_FRAMES = 10
_DECORD_BATCH = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """What is shown at a second: an upright RGB picture, at most `READ_PX` on its longer side.

    The same picture object is given again while the video holds it.
    """

    time_s: float
    picture: Image.Image


FrameReader = Callable[[VideoInfo, float, float], Iterator[Sample]]
"""``reader(info, fps, from_s)``: what is shown at each 1/fps s from `from_s` on, in order.

There are `n_samples` from 0 on, unless the pictures end before the packets do.
"""


def n_samples(info: VideoInfo, fps: float) -> int:
    """Samples of a video: those of whose 1/fps s at least a half lies before its end; one
    at least."""
    return max(1, math.floor(info.duration_s * fps + 0.5))


def sample_frames(
    info: VideoInfo, config: IngestConfig, fps: float, warn: Callable[[str], None]
) -> Iterator[Sample]:
    """What is shown at each 1/fps s, by the reader that `config` names or that is safe.

    Args:
        warn: Told when the video is cut short or damaged.

    Raises:
        ParseError: decord is demanded and not installed.
    """
    if info.missing_s:
        warn(
            f"The video ends {info.missing_s:.0f} s before the end that its header promises: it "
            "is cut short, or its header is wrong. What is there was indexed; copy it again if "
            "more should be."
        )
    next_s = 0.0
    wanted = config.video.reader
    # decord knows nothing of turned pictures.
    if not info.rotation and (wanted == "decord" or (wanted == "auto" and info.is_healthy)):
        try:
            for sample in read_with_decord(info, fps, 0.0):
                yield sample
                next_s = sample.time_s + 1 / fps
            return
        except ImportError as error:
            if wanted == "decord":
                raise ParseError(
                    "The video reader decord is not installed; it has no wheel for some machines. "
                    "Set `ingest.video.reader: auto` in kb.yaml."
                ) from error
        except _decord_errors():
            pass  # PyAV goes on from where decord stopped.
    yield from read_with_pyav(info, fps, next_s, warn)


def frames_of_clip(path: Path, config: IngestConfig, advice: str = ADVICE) -> tuple[Frame, ...]:
    """At most ``config.video.max_frames`` frames spread over a whole clip, for a query.

    Args:
        advice: What to do with a clip whose pictures have too many pixels.

    Raises:
        ParseError, SourceTooLargeError, SourceUnavailableError: As `probe`.
    """
    info = probe(path, config.max_image_px, advice)
    fps = min(config.video.fps, config.video.max_frames / info.duration_s)
    frames: list[Frame] = []
    for sample in sample_frames(info, config, fps, lambda _: None):
        frames.append(Frame(sample.time_s, encode_frame(sample.picture)))
        if len(frames) == config.video.max_frames:
            break
    return tuple(frames)


def encode_frame(picture: Image.Image) -> EncodedImage:
    """A JPEG of at most `FRAME_PX` on its longer side."""
    return encode_jpeg(fit(picture, FRAME_PX, FRAME_PX))


def read_with_pyav(
    info: VideoInfo,
    fps: float,
    from_s: float,
    warn: Callable[[str], None] = lambda _: None,
) -> Iterator[Sample]:
    """A `FrameReader` that decodes all in order and passes over what is damaged.

    Args:
        warn: Told in how many places the video is damaged, if any.
    """
    with open_container(info.path) as container:
        stream = video_stream(container)
        stream.thread_type = "AUTO"
        if info.frame_rate >= _SKIP_FROM_FRAMES * fps:
            stream.codec_context.skip_frame = "NONREF"
        decoded = _Decoded(container, stream, info)
        k, n_all = _first(from_s, fps), n_samples(info, fps)
        shown: _Shown | None = None
        for frame, time_s in decoded:
            if shown is not None:
                held_until_s = shown.time_s + _MAX_HOLD_S
                while k < n_all and k / fps < min(time_s - _EPSILON_S, held_until_s):
                    yield Sample(k / fps, shown.picture(info))
                    k += 1
                if time_s > held_until_s:
                    k = max(k, math.ceil((time_s - _EPSILON_S) * fps))
            shown = _Shown(frame, time_s)
        if shown is None:
            return
        # After damage, nobody knows how long the last picture that decodes was meant to stand.
        hold_s = 1 / fps if decoded.n_damaged else _MAX_HOLD_S
        while k < n_all and k / fps < shown.time_s + hold_s:
            yield Sample(k / fps, shown.picture(info))
            k += 1
    if decoded.n_damaged:
        warn(
            f"Parts of the video are damaged ({decoded.n_damaged} in number) and were passed over. "
            "Copy the file again from where it came, if it is whole there."
        )


def read_with_decord(info: VideoInfo, fps: float, from_s: float) -> Iterator[Sample]:
    """A `FrameReader` for healthy containers that are not turned.

    Raises:
        ImportError: decord is not installed.
        decord.DECORDError: decord can't read the container, or a frame of it.
    """
    decord = _decord()
    decord.logging.set_level(decord.logging.QUIET)
    reader = decord.VideoReader(
        str(info.path), ctx=decord.cpu(0), width=info.width_px, height=info.height_px
    )
    starts_s = np.asarray(reader.get_frame_timestamp(range(len(reader))))[:, 0]
    # decord counts from the first picture, even where sound begins before it.
    starts_s = starts_s - starts_s[0] + info.first_s
    times_s = np.arange(_first(from_s, fps), n_samples(info, fps)) / fps
    indexes = np.maximum(np.searchsorted(starts_s, times_s + _EPSILON_S, "right") - 1, 0)
    last_index, picture = -1, Image.new("RGB", (1, 1))
    for begin in range(0, len(indexes), _DECORD_BATCH):
        batch = indexes[begin : begin + _DECORD_BATCH]
        needed = np.unique(batch[batch != last_index])
        pixels = (
            dict(zip(needed, reader.get_batch(needed).asnumpy(), strict=True))
            if len(needed)
            else {}
        )
        for time_s, index in zip(times_s[begin : begin + _DECORD_BATCH], batch, strict=True):
            if index != last_index:
                last_index, picture = index, Image.fromarray(pixels[index])
            yield Sample(float(time_s), picture)


class _Shown:
    """A decoded frame, turned into a picture once and only when it is asked for."""

    def __init__(self, frame: av.VideoFrame, time_s: float) -> None:
        self.time_s = time_s
        self._frame = frame
        self._picture: Image.Image | None = None

    def picture(self, info: VideoInfo) -> Image.Image:
        if self._picture is None:
            image = self._frame.to_image(width=info.width_px, height=info.height_px)
            self._picture = image.rotate(info.rotation, expand=True) if info.rotation else image
        return self._picture


class _Decoded:
    """Frames of a stream with their times in seconds; damaged packets are passed over."""

    def __init__(self, container: Any, stream: Any, info: VideoInfo) -> None:
        self.n_damaged = 0
        self._packets = container.demux(stream)
        self._info = info

    def __iter__(self) -> Iterator[tuple[Any, float]]:
        time_s = 0.0
        while True:
            try:
                packet = next(self._packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except av.FFmpegError:
                self.n_damaged += 1
                continue
            for frame in frames:
                self.n_damaged += frame.is_corrupt
                if frame.time is None:
                    time_s += 1 / self._info.frame_rate
                else:
                    time_s = frame.time - self._info.origin_s
                yield frame, time_s


def _first(from_s: float, fps: float) -> int:
    return math.ceil(from_s * fps - _EPSILON_S)


def _decord() -> Any:
    """The package decord.

    Raises:
        ImportError: It is not installed.
    """
    # decord brings a zlib of 2005, and all that is loaded after it is linked to that one. OpenCV
    # decodes no PNG with it, so OpenCV comes first.
    import cv2  # noqa: F401
    import decord

    return decord


def _decord_errors() -> tuple[type[Exception], ...]:
    try:
        decord = _decord()
    except ImportError:
        return ()
    return (decord.DECORDError, RuntimeError, IndexError)
