"""Real pictures and videos: each is indexed, or refused with its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from made_videos import BLUE, card, make_video

from ingest.decode.frames import FRAME_PX, frames_of_clip
from ingest.decode.media import sniff
from ingest.decode.ocr import OcrReader
from ingest.parsers import image
from ingest.parsers.base import OcrText, ParseContext
from ingest.parsers.video import parser as video
from kb.config import IngestConfig, OcrConfig
from kb.errors import ParseError
from kb.types import EncodedImage, Kind, Locator, Modality, Segment, Source

FILES = Path(__file__).parents[2].parent / "shared" / "files"

pytestmark = pytest.mark.skipif(
    not FILES.is_dir(), reason="the folder shared/files beside the repository is not there"
)

# Seconds, frames of all windows, windows.
VIDEOS = {
    "-video-with-dash-.mp4": (5.0, 5, 1),
    "big_buck_bunny_0_30.webm": (30.0, 30, 1),
    "bottle-detection.mp4": (39.85, 40, 1),
    "chaplin.mp4": (9.64, 10, 1),
    "fire2.mp4": (2.38, 2, 1),
    "no_duration.webm": (4.94, 5, 1),
    "one-by-one-person-detection.mp4": (139.4, 139, 3),
    "pigs_in_a_polka.gif": (3.0, 3, 1),
    "video_with_failing_audio.mp4": (11.2, 11, 1),
}
PICTURES = {
    "0.jpeg": (275, 183),
    "1.jpg": (403, 256),
    "ch_en_num.jpg": (323, 430),
    "empty_black.jpg": (756, 448),
    "en.jpg": (709, 132),
    "img_exif_orientation.jpg": (752, 306),
    "japan.jpg": (976, 424),
    "korean.jpg": (1280, 165),
    "text_vertical_words.png": (590, 1440),
    "white_font_color_transparent.png": (1280, 341),
}


def parse(
    path: Path, read_words: Callable[[EncodedImage], OcrText] | None = None
) -> tuple[list[Segment], list[str]]:
    found = sniff(path)
    assert found
    source = Source(path.parent, path.name, *found, "0" * 64, path.stat().st_size, 0)
    parser = image.ImageParser() if found[0].startswith("image/") else video.VideoParser()
    warnings: list[str] = []
    context = ParseContext(IngestConfig(), read_words, warnings.append)
    return list(parser.parse(source, context)), warnings


def test_the_list_is_complete() -> None:
    assert {path.name for path in (FILES / "video").iterdir()} == {*VIDEOS, "result.webm"}
    assert {path.name for path in (FILES / "picture").iterdir()} == set(PICTURES)


@pytest.mark.parametrize("name", VIDEOS)
def test_videos(name: str) -> None:
    length_s, n_frames, n_windows = VIDEOS[name]
    found = sniff(FILES / "video" / name)
    assert found
    assert found[1] is Kind.VIDEO

    segments, warnings = parse(FILES / "video" / name)

    windows = [segment for segment in segments if segment.locator.anchor is None]
    assert not warnings
    assert len(windows) == n_windows
    assert len(segments) == n_windows + (n_windows > 1)
    assert sum(len(segment.frames) for segment in windows) == n_frames
    assert windows[-1].locator.end_s == pytest.approx(length_s, abs=0.05)
    for segment in segments:
        assert segment.modality is Modality.VIDEO
        assert all(max(f.image.width_px, f.image.height_px) <= FRAME_PX for f in segment.frames)


def test_a_video_of_no_bytes_says_so() -> None:
    with pytest.raises(ParseError, match="0 bytes"):
        parse(FILES / "video" / "result.webm")


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(name: str) -> None:
    (segment,), warnings = parse(FILES / "picture" / name)

    assert not warnings
    assert segment.image
    assert (segment.image.width_px, segment.image.height_px) == PICTURES[name]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> OcrReader:
    return OcrReader(tmp_path_factory.mktemp("ocr"), OcrConfig())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("en.jpg", "MovieShots, a large-scale"),
        ("img_exif_orientation.jpg", "我是中国人"),
        ("white_font_color_transparent.png", "我是中国人"),
        ("ch_en_num.jpg", "强力去污"),
    ],
)
def test_words_in_pictures_have_boxes_on_the_stored_picture(
    reader: OcrReader, name: str, words: str
) -> None:
    (segment,), _ = parse(FILES / "picture" / name, reader.read_words)

    assert words in segment.text
    assert segment.image
    for span in segment.spans:
        (box,) = span.locator.boxes
        assert 0 <= box.x0 < box.x1 <= segment.image.width_px
        assert 0 <= box.y0 < box.y1 <= segment.image.height_px


def test_words_on_screen_open_at_their_second(reader: OcrReader, tmp_path: Path) -> None:
    scenes = [(card("Unpacking the kettle"), 5.0), (card("Reset in ten seconds", BLUE), 4.0)]
    path = make_video(tmp_path / "kettle.mp4", scenes)

    (segment,), _ = parse(path, reader.read_words)

    assert [segment.text[span.start : span.end] for span in segment.spans] == [
        "Unpacking the kettle",
        "Reset in ten seconds",
    ]
    assert [span.locator for span in segment.spans] == [
        Locator(start_s=0.0, end_s=5.0),
        Locator(start_s=5.0, end_s=9.0),
    ]


def test_frames_of_a_clip_that_is_asked_with() -> None:
    frames = frames_of_clip(FILES / "video" / "one-by-one-person-detection.mp4", IngestConfig())

    assert len(frames) == 64
    assert frames[0].time_s == 0
    assert frames[-1].time_s == pytest.approx(139.4 * 63 / 64)
