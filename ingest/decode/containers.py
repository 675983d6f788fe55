"""Containers of video and sound: opening them safely, and what their packets say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from kb.errors import ParseError, SourceTooLargeError, SourceUnavailableError

__all__ = ["ADVICE", "READ_PX", "VideoInfo", "open_container", "origin_s", "probe", "video_stream"]

READ_PX = 1280
"""Longer side of the pictures that readers give, at most: enough for OCR."""

ADVICE = "Save it in a smaller size, or raise `ingest.max_image_px` in kb.yaml."
"""What to do with a video whose pictures have too many pixels."""

# The demuxers of the formats that are read. Others (playlists) would open more files, even
# over the network.
_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mp3,wav,flac,ogg,aac"
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS}
# What the FFmpeg of 2018 within decord may be given: a container of these, all of whose tracks are
# of these. Anything else, however sound, is PyAV's.
_DECORD_DEMUXERS = frozenset({"mp4", "matroska", "avi"})
_DECORD_CODECS = frozenset(
    "h264 hevc vp8 vp9 av1 mpeg4 mjpeg aac mp3 opus vorbis flac pcm_s16le mov_text subrip "
    "webvtt ass".split()
)
_SHORTEST_S = 0.001
_MISSING_END_S = 2.0

av.logging.set_level(None)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What the packets of a video say.

    Attributes:
        origin_s: Time of the container's start; all other times count from it.
        first_s: Start of the first picture; sound may begin before it.
        duration_s: End of the last picture, as found, whatever the header says.
        missing_s: Seconds that the header promises and the file does not hold.
        width_px: Of the pictures that are read, as displayed before they are turned.
        height_px: Likewise.
        rotation: Degrees counterclockwise that make the pictures upright.
        frame_rate: Pictures a second, as found.
        is_healthy: The header and the packets agree, nothing is damaged, and container and
            codecs are common ones.
    """

    path: Path
    origin_s: float
    first_s: float
    duration_s: float
    missing_s: float
    width_px: int
    height_px: int
    rotation: int
    frame_rate: float
    is_healthy: bool


def probe(path: Path, max_px: int, advice: str = ADVICE) -> VideoInfo:
    """Read all packets of a video and decode its first picture.

    Raises:
        ParseError: Empty, damaged from its start, or without pictures.
        SourceTooLargeError: Its pictures have more than `max_px` pixels.
        SourceUnavailableError: The file vanished or may not be read.
    """
    with open_container(path) as container:
        stream = video_stream(container)
        n_px = stream.codec_context.width * stream.codec_context.height
        if n_px > max_px:
            raise SourceTooLargeError(
                f"The pictures of the video have {n_px:,} pixels, over the limit of "
                f"{max_px:,}. {advice}"
            )
        zero_s = origin_s(container)
        packets = _Packets(container, stream)
        first = packets.first_frame
        if first is None:
            raise ParseError(
                "No picture of the video can be decoded: it is damaged or cut short. Copy it "
                "again from where it came, or convert it to MP4 (H.264)."
            )
        width_px, height_px = _displayed_size(first, stream)
        duration_s = max(packets.end_s - zero_s, _SHORTEST_S)
        declared_s = container.duration / av.time_base if container.duration else None
        # Matroska declares the time of its end, where MP4 declares a length; they differ only
        # in containers that do not begin at 0, and there the doubt is in the file's favour.
        missing_s = declared_s - packets.last_end_s if declared_s else 0.0
        return VideoInfo(
            path=path,
            origin_s=zero_s,
            first_s=max(0.0, packets.start_s - zero_s),
            duration_s=duration_s,
            missing_s=missing_s if missing_s > _MISSING_END_S else 0.0,
            width_px=width_px,
            height_px=height_px,
            rotation=first.rotation,
            frame_rate=packets.n_pictures / duration_s,
            is_healthy=(
                packets.is_clean
                and declared_s is not None
                and abs(missing_s) <= _MISSING_END_S
                and not _DECORD_DEMUXERS.isdisjoint(container.format.name.split(","))
                and _DECORD_CODECS.issuperset(map(_codec, container.streams))
            ),
        )


@contextmanager
def open_container(path: Path, what: str = "video", remedy: str = "MP4 (H.264)") -> Iterator[Any]:
    """PyAV's container of a file: the formats that are read, local files only.

    Args:
        what: What people call such a file.
        remedy: A format that is read.

    Raises:
        ParseError: Empty, or none that can be read.
        SourceUnavailableError: The file vanished or may not be read.
    """
    try:
        if path.stat().st_size == 0:
            raise ParseError(
                f"The {what} is empty: the file has 0 bytes. Copy it again from where it came."
            )
        # The protocol keeps colons and leading dashes in names from meaning anything.
        container = av.open(f"file:{path}", options=_OPTIONS, metadata_errors="replace")
    except (FileNotFoundError, PermissionError) as error:
        raise SourceUnavailableError(
            f"The {what} can't be read ({error.strerror}). Give this user permission to read it, "
            "or put it back, then sync again."
        ) from error
    except av.FFmpegError as error:
        raise ParseError(
            f"The {what} can't be opened ({error.strerror}): it is damaged, cut short, or no "
            f"{what}. Copy it again from where it came, or convert it to {remedy}."
        ) from error
    with container:
        yield container


def origin_s(container: Any) -> float:
    """The container's time, in seconds, that players call 0.

    Sound may begin a little before 0 (its encoder's priming); players begin at 0 then.
    """
    return max(0.0, (container.start_time or 0) / float(av.time_base))


def video_stream(container: Any) -> Any:
    """The stream of the pictures.

    Raises:
        ParseError: There is none that can be decoded.
    """
    for stream in container.streams.video:
        is_cover = stream.disposition & av.stream.Disposition.attached_pic
        if not is_cover and stream.codec_context is not None:
            return stream
    if container.streams.video or container.streams.audio:
        raise ParseError(
            "There are no pictures in the video, only sound. Put its subtitles beside it under the "
            "same name (.srt or .vtt), and they will be indexed."
        )
    raise ParseError(
        "There are no pictures in the video that can be decoded. Convert it to MP4 (H.264)."
    )


class _Packets:
    """One pass over all packets of a container.

    Attributes:
        first_frame: The first picture that decodes.
        n_pictures: Packets of the video stream.
        start_s: Start of the pictures, by the container's clock.
        end_s: Their end.
        last_end_s: End of all streams.
        is_clean: Nothing is marked as damaged.
    """

    def __init__(self, container: Any, stream: Any) -> None:
        self.first_frame: Any = None
        self.n_pictures = 0
        self.start_s, self.end_s, self.last_end_s = math.inf, 0.0, 0.0
        self.is_clean = True
        try:
            for packet in container.demux():
                self._add(packet, packet.stream_index == stream.index)
        except av.FFmpegError:
            self.is_clean = False

    def _add(self, packet: Any, is_picture: bool) -> None:
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None:
            start_s = float(time * packet.time_base)
            end_s = start_s + float((packet.duration or 0) * packet.time_base)
            self.last_end_s = max(self.last_end_s, end_s)
            if is_picture:
                self.start_s = min(self.start_s, start_s)
                self.end_s = max(self.end_s, end_s)
        if not is_picture:
            return
        self.n_pictures += packet.size > 0
        self.is_clean &= not packet.is_corrupt
        if self.first_frame is None:
            try:
                self.first_frame = next(iter(packet.decode()), None)
            except av.FFmpegError:
                self.is_clean = False


def _codec(stream: Any) -> str:
    """The codec of a track; empty where there is none that FFmpeg knows."""
    context = stream.codec_context
    return str(context.codec.canonical_name) if context is not None else ""


def _displayed_size(first: av.VideoFrame, stream: Any) -> tuple[int, int]:
    """Width and height in px with square pixels, at most `READ_PX` on the longer side."""
    aspect = float(stream.sample_aspect_ratio or 1)
    width, height = first.width * aspect, float(first.height)
    scale = min(1.0, READ_PX / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
