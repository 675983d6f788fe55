"""What every `FrameReader` must do: the same pictures at the same seconds."""

from __future__ import annotations

import numpy as np
import pytest
from made_videos import BLUE, GREEN, RED, Colour, make_video, plain

from ingest.decode.containers import VideoInfo, probe
from ingest.decode.frames import FrameReader, n_samples, read_with_decord, read_with_pyav

pytest.importorskip("decord", reason="decord has no wheel for this machine")

MAX_PX = 10_000_000
FORMATS = ("mp4", "mov", "mkv", "avi", "webm")
# 3 s red, 3 s green, 3.3 s blue: 9.3 s in all.
SCENES = ((RED, 3.0), (GREEN, 3.0), (BLUE, 3.3))


@pytest.fixture(scope="module", params=[read_with_pyav, read_with_decord], ids=["pyav", "decord"])
def reader(request: pytest.FixtureRequest) -> FrameReader:
    return request.param


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, VideoInfo]:
    folder = tmp_path_factory.mktemp("videos")
    scenes = [(plain(colour), length_s) for colour, length_s in SCENES]
    made = {suffix: make_video(folder / f"made.{suffix}", scenes) for suffix in FORMATS}
    made["late"] = make_video(folder / "late.mp4", scenes, first_pts_s=2.5, with_sound=True)
    made["shifted"] = make_video(folder / "shifted.mkv", scenes, first_pts_s=5.0)
    made["fast"] = make_video(folder / "fast.mp4", scenes, rate=30)
    made["slow"] = make_video(folder / "slow.mp4", scenes[:2], rate=1)
    made["large"] = make_video(folder / "large.mp4", [(plain(RED, (1600, 900)), 1.0)], rate=2)
    return {name: probe(path, MAX_PX) for name, path in made.items()}


def colour_of(picture: object) -> Colour:
    red, green, blue = np.asarray(picture).reshape(-1, 3).mean(axis=0)
    near = {
        name: np.abs(np.subtract(name, (red, green, blue))).max() for name in (RED, GREEN, BLUE)
    }
    nearest = min(near, key=lambda name: near[name])
    assert near[nearest] < 12
    return nearest


@pytest.mark.parametrize("name", FORMATS)
def test_shows_what_is_on_screen_at_each_second(
    reader: FrameReader, videos: dict[str, VideoInfo], name: str
) -> None:
    samples = list(reader(videos[name], 1.0, 0.0))

    assert [sample.time_s for sample in samples] == [float(k) for k in range(9)]
    assert [colour_of(sample.picture) for sample in samples] == [RED] * 3 + [GREEN] * 3 + [BLUE] * 3
    assert all(sample.picture.mode == "RGB" for sample in samples)


def test_finds_a_cut_to_within_half_a_second(
    reader: FrameReader, videos: dict[str, VideoInfo]
) -> None:
    samples = list(reader(videos["fast"], 4.0, 0.0))

    colours = [colour_of(sample.picture) for sample in samples]
    assert len(samples) == n_samples(videos["fast"], 4.0) == 37
    assert abs(samples[colours.index(GREEN)].time_s - 3.0) < 0.5
    assert abs(samples[colours.index(BLUE)].time_s - 6.0) < 0.5


def test_times_count_from_the_start_of_the_sound(
    reader: FrameReader, videos: dict[str, VideoInfo]
) -> None:
    colours = [colour_of(sample.picture) for sample in reader(videos["late"], 1.0, 0.0)]

    # The pictures begin at 2.5 s: the first stands for what comes before it.
    assert colours == [RED] * 6 + [GREEN] * 3 + [BLUE] * 3


def test_times_count_from_0_where_the_container_does_not(
    reader: FrameReader, videos: dict[str, VideoInfo]
) -> None:
    colours = [colour_of(sample.picture) for sample in reader(videos["shifted"], 1.0, 0.0)]

    assert colours == [RED] * 3 + [GREEN] * 3 + [BLUE] * 3


def test_a_frame_that_is_held_is_shown_again(
    reader: FrameReader, videos: dict[str, VideoInfo]
) -> None:
    samples = list(reader(videos["slow"], 2.0, 0.0))

    assert [sample.time_s for sample in samples] == [k / 2 for k in range(12)]
    assert samples[0].picture is samples[1].picture
    assert [colour_of(sample.picture) for sample in samples] == [RED] * 6 + [GREEN] * 6


def test_goes_on_from_a_given_second(reader: FrameReader, videos: dict[str, VideoInfo]) -> None:
    samples = list(reader(videos["mp4"], 1.0, 5.0))

    assert [sample.time_s for sample in samples] == [5.0, 6.0, 7.0, 8.0]
    assert [colour_of(sample.picture) for sample in samples] == [GREEN, BLUE, BLUE, BLUE]


def test_shrinks_large_pictures(reader: FrameReader, videos: dict[str, VideoInfo]) -> None:
    (sample,) = reader(videos["large"], 1.0, 0.0)

    assert sample.picture.size == (1280, 720)
