from __future__ import annotations

import wave as wave_files
from pathlib import Path

import numpy as np
import pytest
from made_sound import RATE_HZ, add_sound, as_int16, music, tone, write_sound
from made_videos import RED, make_sound, make_video, plain

from ingest.decode.sound import BLOCK_S, has_sound, is_sound_alone, read_sound
from ingest.parsers.base import Samples
from kb.errors import ParseError
from kb.types import Kind


def read(path: Path) -> tuple[Samples, list[str]]:
    warnings: list[str] = []
    blocks = list(read_sound(path, Kind.AUDIO, warnings.append))
    assert all(len(block) <= BLOCK_S * RATE_HZ for block in blocks)
    return np.concatenate(blocks), warnings


def pitch_hz(samples: Samples) -> float:
    """The loudest frequency."""
    power = np.abs(np.fft.rfft(samples.astype(float)))
    return float(np.argmax(power) * RATE_HZ / len(samples))


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "layout", "format"),
    [
        ("a.mp3", "libmp3lame", 44_100, "stereo", None),
        ("a.m4a", "aac", 22_050, "mono", "ipod"),
        ("a.wav", "pcm_u8", 8_000, "stereo", None),
        ("a.wav", "pcm_s16le", 11_025, "mono", None),
        ("a.wav", "pcm_s24le", 96_000, "5.1", None),
        ("a.flac", "flac", 48_000, "stereo", None),
        ("a.ogg", "flac", 32_000, "stereo", None),
        ("a.opus", "libopus", 48_000, "stereo", "ogg"),
        ("a.aac", "aac", 16_000, "mono", "adts"),
    ],
)
def test_every_format_becomes_the_same_samples(
    tmp_path: Path, name: str, codec: str, rate_hz: int, layout: str, format: str | None
) -> None:
    path = write_sound(
        tmp_path / name, tone(3.0), codec, rate_hz=rate_hz, layout=layout, format=format
    )

    samples, warnings = read(path)

    assert len(samples) / RATE_HZ == pytest.approx(3.0, abs=0.15)
    assert pitch_hz(samples) == pytest.approx(440.0, abs=1.0)
    assert warnings == []


def test_long_sound_comes_in_blocks(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.flac", tone(BLOCK_S * 2.5), "flac")

    blocks = list(read_sound(path, Kind.AUDIO, lambda _: None))

    assert [len(block) / RATE_HZ for block in blocks] == [BLOCK_S, BLOCK_S, BLOCK_S / 2]
    assert np.abs(np.concatenate(blocks) - as_int16(tone(BLOCK_S * 2.5)).astype(int)).max() <= 2


def test_sound_that_begins_late_stands_at_its_time(tmp_path: Path) -> None:
    silent = make_video(tmp_path / "silent.mp4", [(plain(RED), 4.0)])
    path = add_sound(silent, tone(1.0), tmp_path / "late.mp4", first_s=2.0)

    samples, _ = read(path)

    assert np.abs(samples[: round(1.8 * RATE_HZ)]).max() < 100
    assert np.abs(samples[round(2.2 * RATE_HZ) :]).max() > 5000
    assert len(samples) / RATE_HZ == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("name", ["a.flac", "a.wav", "a.mp3", "a.ogg"])
def test_what_is_left_of_a_file_that_is_cut_short_is_read(tmp_path: Path, name: str) -> None:
    codec = {"flac": "flac", "wav": "pcm_s16le", "mp3": "libmp3lame", "ogg": "flac"}
    path = write_sound(tmp_path / name, music(10.0), codec[name[2:]])
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 5])

    samples, warnings = read(path)

    assert 2.0 < len(samples) / RATE_HZ < 6.0
    if name != "a.ogg":  # Ogg promises no length.
        assert "before the end that the file promises" in warnings[0]


def test_damage_in_the_middle_is_told_and_left_out(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.m4a", music(10.0), "aac", format="ipod")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(range(250)) * 12
    path.write_bytes(data)

    samples, warnings = read(path)

    assert len(samples) / RATE_HZ > 8.0
    assert any("damaged in" in warning for warning in warnings)


def test_a_video_without_sound_has_none(tmp_path: Path) -> None:
    silent = make_video(tmp_path / "silent.mp4", [(plain(RED), 0.5)])
    loud = make_video(tmp_path / "loud.mp4", [(plain(RED), 0.5)], with_sound=True)

    assert not has_sound(silent)
    assert has_sound(loud)
    assert not is_sound_alone(loud)
    assert is_sound_alone(make_sound(tmp_path / "talk.mp4"))
    with pytest.raises(ParseError, match="no sound in the video"):
        list(read_sound(silent, Kind.VIDEO, lambda _: None))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The recording is empty"),
        (b"RIFF\x24\x10\0\0WAVEfmt \x10\0\0\0", "can't be opened|No sound"),
        (bytes(range(256)) * 20, "can't be opened.*convert it to MP3 or FLAC"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)

    with pytest.raises(ParseError, match=message):
        read(path)


def test_an_unknown_codec_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave_files.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(as_int16(tone(0.5)).tobytes())
    data = bytearray(path.read_bytes())
    data[20:22] = b"\xee\xee"  # wFormatTag
    path.write_bytes(data)

    with pytest.raises(ParseError, match=r"codec .* not known here. Convert it to MP3 or FLAC"):
        read(path)


@pytest.mark.parametrize("rate_hz", [1, 4_000_000])
def test_a_rate_that_no_sound_has_is_refused(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "a.wav"
    with wave_files.open(str(path), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(as_int16(tone(2.0)).tobytes())

    with pytest.raises(ParseError, match=f"{rate_hz:,} samples a second"):
        read(path)
