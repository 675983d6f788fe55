"""Videos that tests make: known colours and words at known seconds."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.subtitles.subtitle import SubtitleSet
from PIL import Image, ImageDraw, ImageFont

RED, GREEN, BLUE, WHITE, BLACK = (
    (220, 30, 30),
    (30, 200, 30),
    (30, 30, 220),
    (255, 255, 255),
    (0, 0, 0),
)
Colour = tuple[int, int, int]

CODECS = {
    "mp4": ("libx264", "yuv420p"),
    "mov": ("libx264", "yuv420p"),
    "mkv": ("libx264", "yuv420p"),
    "avi": ("mpeg4", "yuv420p"),
    "webm": ("libvpx", "yuv420p"),
    "gif": ("gif", "rgb8"),
}


def plain(colour: Colour, size: tuple[int, int] = (160, 96)) -> Image.Image:
    """A picture of one colour."""
    return Image.new("RGB", size, colour)


def card(words: str, ground: Colour = WHITE, size: tuple[int, int] = (640, 360)) -> Image.Image:
    """A picture with a line of large words."""
    image = Image.new("RGB", size, ground)
    ink = BLACK if sum(ground) > 380 else WHITE
    ImageDraw.Draw(image).text(
        (size[0] // 16, size[1] // 3), words, fill=ink, font=ImageFont.load_default(size[1] // 8)
    )
    return image


def make_video(
    path: Path,
    scenes: Sequence[tuple[Image.Image, float]],
    *,
    rate: int = 10,
    rotation: int = 0,
    first_pts_s: float = 0.0,
    aspect: Fraction | None = None,
    with_sound: bool = False,
    subtitles: Iterable[tuple[float, float, str]] = (),
    subtitle_language: str = "",
    options: dict[str, str] | None = None,
) -> Path:
    """Write `scenes`, each a picture and its seconds, as the format of `path`'s suffix."""
    codec, pixel_format = CODECS[path.suffix[1:]]
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream(codec, rate=rate)
        video.width, video.height = scenes[0][0].size
        video.pix_fmt = pixel_format
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if rotation:
            video.set_display_rotation(rotation)
        sound = container.add_stream("aac", rate=8000, layout="mono") if with_sound else None
        track = None
        cues = list(subtitles)
        if cues:
            track = container.add_stream("mov_text" if path.suffix == ".mp4" else "srt")
            track.codec_context.subtitle_header = _ASS_HEADER
            if subtitle_language:
                track.metadata["language"] = subtitle_language
        number = round(first_pts_s * rate)
        for image, length_s in scenes:
            frame = av.VideoFrame.from_image(image)
            for _ in range(round(length_s * rate)):
                frame.pts = number
                frame.time_base = Fraction(1, rate)
                container.mux(video.encode(frame))
                number += 1
        container.mux(video.encode(None))
        if sound:
            for packet in _sound(sound, number / rate):
                container.mux(packet)
        if track is not None:
            for start_s, end_s, words in cues:
                container.mux(_cue(track, start_s, end_s, words))
    return path


def make_sound(path: Path, length_s: float = 2.0) -> Path:
    """An audio track alone."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=8000, layout="mono")
        for packet in _sound(sound, length_s):
            container.mux(packet)
    return path


def as_bytes(image: Image.Image, format: str, **options: object) -> bytes:
    """A picture file."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


_ASS_HEADER = (
    b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n[V4+ Styles]\r\nFormat: Name, Fontname, "
    b"Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
    b"Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, "
    b"Alignment, MarginL, MarginR, MarginV, Encoding\r\nStyle: Default,Arial,16,&Hffffff,"
    b"&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\r\n\r\n[Events]\r\nFormat: "
    b"Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
)


def _sound(stream: av.AudioStream, length_s: float) -> Iterable[list[av.Packet]]:
    n_samples = 1024
    for i in range(int(length_s * 8000 / n_samples)):
        wave = np.sin(np.arange(n_samples) * 0.3).astype(np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, i * n_samples, Fraction(1, 8000)
        yield stream.encode(frame)
    yield stream.encode(None)


def _cue(track: av.Stream, start_s: float, end_s: float, words: str) -> av.Packet:
    text = f"0,0,Default,,0,0,0,,{words}".encode()
    packet = track.codec_context.encode_subtitle(
        SubtitleSet.create(text=text, start=0, end=round((end_s - start_s) * 1000))
    )
    packet.stream = track
    packet.time_base = Fraction(1, 1000)
    packet.pts = packet.dts = round(start_s * 1000)
    packet.duration = round((end_s - start_s) * 1000)
    return packet
