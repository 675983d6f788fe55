from __future__ import annotations

import builtins
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from made_videos import BLUE, GREEN, RED, make_sound, make_video, plain
from PIL import Image

from ingest.decode.containers import probe
from ingest.decode.frames import (
    FRAME_PX,
    Sample,
    frames_of_clip,
    n_samples,
    read_with_pyav,
    sample_frames,
)
from kb.config import IngestConfig, VideoConfig
from kb.errors import ParseError, SourceTooLargeError, SourceUnavailableError

MAX_PX = 10_000_000
CONFIG = IngestConfig()


def noise(n: int) -> list[tuple[Image.Image, float]]:
    """Scenes that do not compress, so that bytes are spread over the file's length."""
    random = np.random.default_rng(7)
    pixels = random.integers(0, 255, (n, 96, 160, 3), dtype=np.uint8)
    return [(Image.fromarray(picture), 1.0) for picture in pixels]


def times_s(samples: list[Sample]) -> list[float]:
    return [sample.time_s for sample in samples]


def read(path: Path, config: IngestConfig = CONFIG) -> tuple[list[Sample], list[str]]:
    warnings: list[str] = []
    info = probe(path, MAX_PX)
    return list(sample_frames(info, config, 1.0, warnings.append)), warnings


def test_probe_says_what_the_packets_say(tmp_path: Path) -> None:
    info = probe(make_video(tmp_path / "a.mp4", [(plain(RED), 2.5)]), MAX_PX)

    assert info.duration_s == pytest.approx(2.5)
    assert (info.width_px, info.height_px, info.rotation) == (160, 96, 0)
    assert info.frame_rate == pytest.approx(10)
    assert info.missing_s == 0
    assert info.is_healthy


def test_turned_video_is_upright(tmp_path: Path) -> None:
    # As a telephone held upright records: the left of what is stored is the top of what is shown.
    stored = plain(RED)
    stored.paste(BLUE, (0, 0, 80, 96))
    path = make_video(tmp_path / "turned.mp4", [(stored, 1.0)], rotation=-90)

    (sample,), _ = read(path)

    assert sample.picture.size == (96, 160)
    assert sample.picture.getpixel((48, 20))[2] > 180
    assert sample.picture.getpixel((48, 140))[0] > 180


def test_pixels_that_are_not_square_are_made_square(tmp_path: Path) -> None:
    path = make_video(tmp_path / "wide.mp4", [(plain(RED), 1.0)], aspect=Fraction(2, 1))

    (sample,), _ = read(path)

    assert sample.picture.size == (320, 96)


@pytest.mark.parametrize("wanted", ["auto", "decord", "pyav"])
def test_all_settings_read_the_same(tmp_path: Path, wanted: Any) -> None:
    path = make_video(tmp_path / "a.mp4", [(plain(RED), 2.0), (plain(GREEN), 2.0)])

    samples, warnings = read(path, IngestConfig(video=VideoConfig(reader=wanted)))

    assert times_s(samples) == [0.0, 1.0, 2.0, 3.0]
    assert not warnings


def test_what_decord_refuses_goes_to_pyav(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.gif", [(plain(RED), 2.0), (plain(GREEN), 1.0)])

    samples, _ = read(path, IngestConfig(video=VideoConfig(reader="decord")))

    assert times_s(samples) == [0.0, 1.0, 2.0]


PNG_AFTER_VIDEO = """
import sys
from pathlib import Path

from ingest.decode.containers import probe
from ingest.decode.frames import read_with_decord

assert list(read_with_decord(probe(Path(sys.argv[1]), 10**8), 1.0, 0.0))
import cv2

assert cv2.imread(sys.argv[2]) is not None
"""


def test_pictures_are_decoded_after_a_video(tmp_path: Path) -> None:
    pytest.importorskip("decord")
    path = make_video(tmp_path / "a.mp4", [(plain(RED), 2.0)])
    plain(BLUE).save(picture := tmp_path / "a.png")

    # In a process of its own: what was loaded before decides.
    result = subprocess.run(
        [sys.executable, "-c", PNG_AFTER_VIDEO, str(path), str(picture)],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert result.returncode == 0, result.stderr


def test_missing_decord_is_passed_over_unless_demanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video(tmp_path / "a.mp4", [(plain(RED), 2.0)])
    real_import = builtins.__import__

    def without_decord(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "decord":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_decord)

    assert times_s(read(path)[0]) == [0.0, 1.0]
    with pytest.raises(ParseError, match=r"video\.reader: auto"):
        read(path, IngestConfig(video=VideoConfig(reader="decord")))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm"])
def test_truncated_video_keeps_what_decodes(tmp_path: Path, suffix: str) -> None:
    whole = make_video(tmp_path / f"whole.{suffix}", noise(12), options=_front_index(suffix))
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])

    samples, warnings = read(cut)

    assert 4 <= len(samples) <= 9
    assert "cut short" in warnings[0]


def test_damaged_middle_is_passed_over(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", noise(10), options=_front_index("mp4"))
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : third + third // 2] = bytes(third // 2)
    path.write_bytes(data)

    samples, warnings = read(path)

    assert times_s(samples) == [float(k) for k in range(10)]
    assert "damaged" in warnings[0]


@pytest.mark.parametrize("declared_s", [0.5, 900.0])
def test_lying_header_is_not_believed(tmp_path: Path, declared_s: float) -> None:
    path = make_video(tmp_path / "a.mkv", [(plain(RED), 3.0), (plain(BLUE), 3.0)])
    data = bytearray(path.read_bytes())
    at = data.index(b"\x44\x89\x88") + 3  # Matroska's Duration, a float64 in ms
    data[at : at + 8] = np.array(declared_s * 1000, dtype=">f8").tobytes()
    path.write_bytes(data)

    samples, warnings = read(path)

    assert times_s(samples) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert samples[4].picture.getpixel((80, 48))[2] > 180
    assert bool(warnings) == (declared_s > 6)


def test_no_duration_in_the_header(tmp_path: Path) -> None:
    path = make_video(tmp_path / "live.webm", [(plain(RED), 3.0)], options={"live": "1"})

    samples, warnings = read(path)

    assert times_s(samples) == [0.0, 1.0, 2.0]
    assert not warnings


def test_a_jump_of_hours_is_not_filled(tmp_path: Path) -> None:
    early = make_video(tmp_path / "early.mkv", [(plain(RED), 1.0)])
    info = probe(early, MAX_PX)
    assert n_samples(info, 1.0) == 1
    jumping = make_jumping(tmp_path / "jump.mkv", gap_s=7200)

    samples = list(read_with_pyav(probe(jumping, MAX_PX), 1.0, 0.0))

    assert samples[0].time_s == 0.0
    assert samples[-1].time_s >= 7200
    assert len(samples) < 650


def make_jumping(path: Path, gap_s: float) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=1, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        for pts in (0, 1, round(gap_s), round(gap_s) + 1):
            frame = av.VideoFrame.from_image(plain(RED))
            frame.pts, frame.time_base = pts, Fraction(1, 1)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("empty.webm", b"", "0 bytes"),
        ("garbage.mp4", bytes(range(256)) * 40, "can't be opened"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)

    with pytest.raises(ParseError, match=says):
        probe(path, MAX_PX)


def test_a_list_of_other_files_is_refused(tmp_path: Path) -> None:
    make_video(tmp_path / "other.mp4", [(plain(RED), 1.0)])
    path = tmp_path / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile other.mp4\n", "utf-8")
    with av.open(str(path)) as container:
        assert container.streams.video, "FFmpeg itself follows the list"

    with pytest.raises(ParseError, match="can't be opened"):
        probe(path, MAX_PX)


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="no pictures"):
        probe(make_sound(tmp_path / "sound.mp4"), MAX_PX)


def test_missing_and_too_large(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError):
        probe(tmp_path / "gone.mp4", MAX_PX)
    path = make_video(tmp_path / "a.mp4", [(plain(RED), 0.5)])
    with pytest.raises(SourceTooLargeError, match="15,360 pixels"):
        probe(path, 160 * 96 - 1)


@pytest.mark.parametrize("name", ["-dash.mp4", "a:b.mp4", "100%d.mp4", "new\nline 'q' é 🎬.mp4"])
def test_names_mean_nothing(tmp_path: Path, name: str) -> None:
    path = make_video(tmp_path / "a.mp4", [(plain(RED), 1.0)]).rename(tmp_path / name)

    assert times_s(read(path)[0]) == [0.0]


def test_frames_of_a_short_clip(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [(plain(RED, (1600, 900)), 2.0)], rate=2)

    frames = frames_of_clip(path, CONFIG)

    assert [frame.time_s for frame in frames] == [0.0, 1.0]
    assert frames[0].image.media_type == "image/jpeg"
    assert (frames[0].image.width_px, frames[0].image.height_px) == (FRAME_PX, 432)


def test_frames_of_a_long_clip_are_spread_over_it(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [(plain(RED), 30.0), (plain(BLUE), 30.0)], rate=2)

    frames = frames_of_clip(path, IngestConfig(video=VideoConfig(max_frames=6)))

    assert [frame.time_s for frame in frames] == pytest.approx([0, 10, 20, 30, 40, 50])


def _front_index(suffix: str) -> dict[str, str]:
    return {"movflags": "+faststart"} if suffix == "mp4" else {}
