from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_videos import BLUE, RED, as_bytes, card, plain
from parsing import parse as parse_with
from PIL import Image

from ingest.decode.media import sniff
from ingest.decode.pictures import PictureOfFile
from ingest.parsers.base import OcrText, ParseContext
from ingest.parsers.image import ImageParser, capture_date_ns
from kb.config import IngestConfig
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Box, EncodedImage, Locator, Modality, Segment, Source, Span


def parse(
    path: Path, *, words: OcrText | None = None, config: IngestConfig | None = None
) -> list[Segment]:
    found = sniff(path)
    assert found
    source = Source(path.parent, path.name, *found, "0" * 64, path.stat().st_size, 0)

    def read_words(image: EncodedImage) -> OcrText:
        assert words
        return words

    def warn(reason: str) -> None:
        pytest.fail(reason)

    context = ParseContext(config or IngestConfig(), read_words if words else None, warn)
    return list(ImageParser().parse(source, context))


def test_one_atomic_segment(tmp_path: Path) -> None:
    path = tmp_path / "kettle.v2.png"
    path.write_bytes(as_bytes(plain(RED, (2560, 1440)), "PNG"))

    (segment,) = parse(path)

    assert segment.modality is Modality.IMAGE
    assert segment.title == "kettle.v2"
    assert segment.locator == Locator()
    assert (segment.text, segment.spans) == ("", ())
    assert segment.atomic
    assert segment.image
    assert (segment.image.width_px, segment.image.height_px) == (1280, 720)


def test_words_with_their_boxes(tmp_path: Path) -> None:
    path = tmp_path / "sign.png"
    card("Open").save(path)
    words = OcrText("Open", (Span(0, 4, Locator(boxes=(Box(1, 2, 30, 40),))),))

    (segment,) = parse(path, words=words)

    assert (segment.text, segment.spans) == (words.text, words.spans)


@pytest.mark.parametrize(("size", "shown"), [((12_000, 60), (1280, 6)), ((100, 8000), (18, 1440))])
def test_the_words_of_a_strip_are_read_before_it_is_shrunk(
    tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]
) -> None:
    path = tmp_path / "strip.png"
    path.write_bytes(as_bytes(plain(RED, size), "PNG"))
    read: list[EncodedImage] = []

    def read_words(image: EncodedImage) -> OcrText:
        read.append(image)
        whole = Box(0, 0, image.width_px, image.height_px)
        return OcrText("Open", (Span(0, 4, Locator(boxes=(whole,))),))

    (segment,), warnings = parse_with(ImageParser(), path, "image/png", read_words=read_words)

    assert (read[0].width_px, read[0].height_px) == size
    assert segment.image
    assert (segment.image.width_px, segment.image.height_px) == shown
    assert segment.spans == (Span(0, 4, Locator(boxes=(Box(0, 0, *shown),))),)
    assert warnings == []


def test_what_is_read_knows_the_size_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(as_bytes(plain(RED, (2560, 1440)), "PNG"))
    read: list[EncodedImage] = []

    def read_words(image: EncodedImage) -> OcrText:
        read.append(image)
        return OcrText("", ())

    parse_with(ImageParser(), path, "image/png", read_words=read_words)

    (image,) = read
    assert isinstance(image, PictureOfFile)
    assert (image.own_width_px, image.own_height_px) == (2560, 1440)
    assert (image.width_px, image.height_px) == (1280, 720)


def test_a_gif_that_is_a_clip_is_read_by_time(tmp_path: Path) -> None:
    path = tmp_path / "clip.gif"
    pictures = [plain(RED)] + [plain((i, i, 255)) for i in range(11)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=500)

    (segment,) = parse(path)

    assert segment.modality is Modality.VIDEO
    assert [frame.time_s for frame in segment.frames] == [0, 1, 2, 3, 4, 5]
    assert (segment.locator.start_s, segment.locator.end_s) == (0.0, pytest.approx(6.0, abs=0.1))


def test_refusals(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(as_bytes(plain(RED), "PNG"))
    with pytest.raises(SourceTooLargeError):
        parse(path, config=IngestConfig(max_image_px=100))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ParseError):
        parse(path)
    path.write_bytes(b"")
    with pytest.raises(ParseError, match="0 bytes"):
        parse(path)


def taken(path: Path, when: str, offset: str | None = None) -> int | None:
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    ifd = exif.get_ifd(0x8769)
    ifd[0x9003] = when
    if offset is not None:
        ifd[0x9011] = offset
    plain(RED).save(path, exif=exif)
    return capture_date_ns(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_the_date_a_picture_was_taken(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    moment = datetime(2021, 7, 4, 12, 30, 15, tzinfo=UTC)

    assert taken(path, "2021:07:04 12:30:15") == int(moment.timestamp()) * 10**9
    assert taken(path, "2021:07:04 20:30:15", "+08:00") == int(moment.timestamp()) * 10**9


@pytest.mark.parametrize("when", ["0000:00:00 00:00:00", "", "yesterday", "2021:13:04 12:30:15"])
def test_a_date_that_is_none(tmp_path: Path, when: str) -> None:
    assert taken(tmp_path / "a.jpg", when) is None


def test_files_without_a_date(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    plain(RED).save(path)
    assert capture_date_ns(path) is None
    path.write_bytes(b"no picture")
    assert capture_date_ns(path) is None
    assert capture_date_ns(tmp_path / "gone.jpg") is None


def pages(path: Path, colours: list[tuple[int, int, int]], **options: object) -> list[Segment]:
    pictures = [plain(colour, (90, 60)) for colour in colours]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **options)
    return parse(path, words=OcrText("Open", (Span(0, 4, Locator(boxes=(Box(1, 2, 30, 40),))),)))


def test_each_page_of_a_tiff(tmp_path: Path) -> None:
    found = pages(tmp_path / "fax.tiff", [RED, BLUE, (0, 99, 0)], compression="tiff_deflate")

    assert [s.locator.page for s in found] == [1, 2, 3]
    assert [s.spans[0].locator.page for s in found] == [1, 2, 3]
    assert len({s.image.data for s in found if s.image}) == 3


def test_previews_in_a_tiff_are_no_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    whole, small = plain(RED, (900, 600)), plain(RED, (90, 60))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    whole.save(path, save_all=True, append_images=[small])

    assert [s.locator.page for s in parse(path)] == [None]


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.gif"])
def test_the_different_pictures_of_an_animation(name: str, tmp_path: Path) -> None:
    found = pages(tmp_path / name, [RED, BLUE, RED], duration=100, lossless=True)

    assert [s.locator.page for s in found] == [1, 2]


def test_a_long_animation_is_sampled(tmp_path: Path) -> None:
    colours = [(i * 5, 0, 0) for i in range(50)]

    assert 2 <= len(pages(tmp_path / "a.png", colours)) <= 16


def test_a_damaged_page_of_a_tiff_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    noise = [Image.effect_noise((300, 300), 90 - i) for i in range(3)]
    noise[0].save(path, save_all=True, append_images=noise[1:], compression="tiff_adobe_deflate")
    with Image.open(path) as image:
        image.seek(1)
        at = image.tag_v2[273][0]
    data = bytearray(path.read_bytes())
    data[at : at + 64] = b"\xff" * 64
    path.write_bytes(data)
    found, warnings = parse_with(ImageParser(), path, "image/tiff")

    assert [s.locator.page for s in found] == [1, 3]
    assert [w.split(":")[0] for w in warnings] == ["Page 2 was left out"]
