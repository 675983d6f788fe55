from __future__ import annotations

import time
from pathlib import Path

import pytest
from made_videos import BLACK, BLUE, GREEN, RED, card, make_sound, make_video, plain

from ingest.decode.media import sniff
from ingest.parsers.base import OcrText, ParseContext
from ingest.parsers.video.parser import VideoParser
from ingest.parsers.video.windows import OVERVIEW_ANCHOR
from kb.config import IngestConfig, VideoConfig
from kb.errors import ParseError
from kb.types import EncodedImage, Locator, Modality, Segment, Source

WINDOWS_OF_4 = IngestConfig(video=VideoConfig(max_frames=4))


class Parsed:
    def __init__(
        self,
        path: Path,
        config: IngestConfig | None = None,
        companions: tuple[Path, ...] = (),
        words: list[str] | None = None,
        reading_s: float = 0.0,
    ) -> None:
        found = sniff(path)
        assert found
        source = Source(path.parent, path.name, *found, "0" * 64, 0, 0, companions)
        readings = iter(words or ())
        self.warnings: list[str] = []

        def read_words(image: EncodedImage) -> OcrText:
            time.sleep(reading_s)
            return OcrText(next(readings), ())

        context = ParseContext(
            config or IngestConfig(),
            read_words if words is not None else None,
            self.warnings.append,
        )
        self.segments = list(VideoParser().parse(source, context))


def places(segments: list[Segment]) -> list[tuple[float | None, float | None, str | None]]:
    return [(s.locator.start_s, s.locator.end_s, s.locator.anchor) for s in segments]


def quoted(segment: Segment) -> dict[str, Locator]:
    return {segment.text[span.start : span.end]: span.locator for span in segment.spans}


def test_a_short_video_is_one_window(tmp_path: Path) -> None:
    parsed = Parsed(make_video(tmp_path / "how to.mp4", [(plain(RED), 2.0), (plain(BLUE), 1.6)]))

    (segment,) = parsed.segments
    assert segment.modality is Modality.VIDEO
    assert segment.title == "how to"
    assert segment.atomic
    assert places([segment]) == [(0.0, pytest.approx(3.6), None)]
    assert [frame.time_s for frame in segment.frames] == [0.0, 1.0, 2.0, 3.0]
    assert segment.text == ""
    assert not parsed.warnings


def test_a_long_video_is_windows_and_an_overview(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4", [(plain(RED), 4.0), (plain(GREEN), 4.0), (plain(BLUE), 2.2)]
    )

    segments = Parsed(path, WINDOWS_OF_4).segments

    assert places(segments) == [
        (0.0, 4.0, None),
        (4.0, 8.0, None),
        (8.0, pytest.approx(10.2), None),
        (0.0, pytest.approx(10.2), OVERVIEW_ANCHOR),
    ]
    assert [[frame.time_s for frame in segment.frames] for segment in segments] == [
        [0.0, 1.0, 2.0, 3.0],
        [4.0, 5.0, 6.0, 7.0],
        [8.0, 9.0],
        [0.0, 3.0, 5.0, 8.0],
    ]
    frames = {frame.time_s: frame.image for segment in segments[:3] for frame in segment.frames}
    assert all(frames[frame.time_s] == frame.image for frame in segments[3].frames)


@pytest.mark.parametrize(("length_s", "n_windows"), [(64.0, 1), (64.4, 1), (64.6, 2), (130.0, 3)])
def test_windows_of_64_seconds(tmp_path: Path, length_s: float, n_windows: int) -> None:
    path = make_video(tmp_path / "a.mp4", [(plain(RED, (32, 32)), length_s)], rate=5)

    segments = Parsed(path).segments
    windows = [segment for segment in segments if segment.locator.anchor is None]

    assert len(windows) == n_windows
    assert len(segments) == n_windows + (n_windows > 1)
    for segment in segments:
        assert len(segment.frames) <= 64
    for segment in windows:
        assert segment.locator.start_s is not None
        assert segment.locator.end_s is not None
        assert segment.locator.end_s - segment.locator.start_s <= 64
    if n_windows > 1:
        assert len(segments[-1].frames) == 64


def test_a_video_is_read_window_by_window(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [(plain(RED), 12.0)])
    found = sniff(path)
    assert found
    source = Source(tmp_path, path.name, *found, "0" * 64, 0, 0)
    n_read = 0

    def read_words(image: EncodedImage) -> OcrText:
        nonlocal n_read
        n_read += 1
        return OcrText("", ())

    segments = VideoParser().parse(source, ParseContext(WINDOWS_OF_4, read_words, print))
    next(segments)

    assert n_read == 1


def test_held_frames_are_one_picture(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mkv", [(plain(RED), 4.0)], rate=1)

    (segment,) = Parsed(path, IngestConfig(video=VideoConfig(fps=4.0))).segments

    assert len(segment.frames) == 16
    assert segment.frames[0].image is segment.frames[3].image
    assert len({frame.image.data for frame in segment.frames}) <= 4


def test_subtitles_of_each_window_with_their_seconds(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mkv",
        [(plain(RED), 9.0)],
        subtitles=[(0.5, 2.0, "Hold the button."), (3.9, 5.0, "Let it go."), (8.0, 9.0, "Done.")],
    )
    beside = tmp_path / "a.zh.srt"
    beside.write_text("1\n00:00:05,000 --> 00:00:06,000\n长按按钮。\n", "gb18030")

    first, second, third, overview = Parsed(path, WINDOWS_OF_4, companions=(beside,)).segments

    assert first.text == "Hold the button.\nLet it go."
    assert quoted(first) == {
        "Hold the button.": Locator(start_s=0.5, end_s=2.0, anchor="subtitles:"),
        "Let it go.": Locator(start_s=3.9, end_s=5.0, anchor="subtitles:"),
    }
    assert quoted(second) == {
        "长按按钮。": Locator(start_s=5.0, end_s=6.0, anchor="subtitles:zh"),
    }
    assert third.text == "Done."
    assert overview.text == ""


def test_a_subtitle_after_the_end_is_kept(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [(plain(RED), 2.0)])
    beside = tmp_path / "a.vtt"
    beside.write_text("WEBVTT\n\n00:30.000 --> 00:31.000\nToo late.\n", "utf-8")

    (segment,) = Parsed(path, companions=(beside,)).segments

    assert segment.text == "Too late."


def test_words_on_screen_follow_the_subtitles(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mkv",
        [(card("1. Unpack"), 3.0), (card("2. Reset", BLACK), 3.0)],
        subtitles=[(1.0, 2.0, "Open the box."), (4.0, 5.0, "Hold the button.")],
    )

    # The second card shows its subtitle too: it is not said twice.
    (segment,) = Parsed(path, words=["1. Unpack", "2. Reset\nHold the buttom."]).segments

    assert segment.text == "Open the box.\nHold the button.\n1. Unpack\n2. Reset"
    assert quoted(segment)["1. Unpack"] == Locator(start_s=0.0, end_s=3.0)
    assert quoted(segment)["2. Reset"] == Locator(start_s=3.0, end_s=6.0)
    starts = [span.start for span in segment.spans]
    assert starts == sorted(starts)


def test_words_are_not_read_where_that_is_off(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [(card("Words"), 2.0)])

    (segment,) = Parsed(path, IngestConfig(video=VideoConfig(ocr=False)), words=[]).segments

    assert segment.text == ""


def test_subtitles_that_are_none_make_it_partial(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [(plain(RED), 2.0)])
    empty, gone = tmp_path / "a.srt", tmp_path / "a.en.srt"
    empty.write_text("nothing")

    parsed = Parsed(path, companions=(empty, gone, tmp_path / "a.txt"))

    assert len(parsed.segments) == 1
    assert len(parsed.warnings) == 2
    assert "a.srt" in parsed.warnings[0]
    assert "a.en.srt" in parsed.warnings[1]


def test_sound_alone_and_zero_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="no pictures"):
        Parsed(make_sound(tmp_path / "a.mp4"))
    empty = tmp_path / "empty.mkv"
    empty.touch()
    with pytest.raises(ParseError, match="0 bytes"):
        Parsed(empty)


def test_of_a_video_of_sound_alone_the_subtitles_are_read_by_window(tmp_path: Path) -> None:
    path = make_sound(tmp_path / "talk.mp4")
    subtitles = tmp_path / "talk.srt"
    subtitles.write_text(
        "1\n00:00:01,000 --> 00:00:02,500\nOpen the lid.\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\nLift the filter.\n\n"
        "3\n00:00:09,000 --> 00:00:10,000\nClose the lid.\n"
    )
    parsed = Parsed(path, WINDOWS_OF_4, companions=(subtitles,))

    assert [segment.modality for segment in parsed.segments] == [Modality.TEXT] * 2
    assert places(parsed.segments) == [(1.0, 4.0, None), (9.0, 10.0, None)]
    place = Locator(start_s=3.0, end_s=4.0, anchor="subtitles:")
    assert quoted(parsed.segments[0])["Lift the filter."] == place
    assert "Only the subtitles" in parsed.warnings[0]


def test_where_reading_words_takes_too_long_the_pictures_are_found_to_the_end(
    tmp_path: Path,
) -> None:
    scenes = [(card(str(i) * 9, BLACK if i % 2 else RED), 4.0) for i in range(4)]
    path = make_video(tmp_path / "a.mp4", scenes, rate=2)
    # A reading takes longer than all the time there is for them.
    config = IngestConfig(video=VideoConfig(max_frames=4), time_limit_s=0.002)

    parsed = Parsed(path, config, words=["first words"], reading_s=0.002)

    assert [segment.text for segment in parsed.segments] == ["first words", "", "", "", ""]
    assert [len(segment.frames) for segment in parsed.segments] == [4, 4, 4, 4, 4]
    (warning,) = parsed.warnings
    assert warning.startswith("Words on its screen were read up to about 0:04: that took 0 s")
