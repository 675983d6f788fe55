from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from made_videos import BLUE, GREEN, RED, WHITE, as_bytes, card, plain
from PIL import Image

from ingest.decode.pictures import (
    BOUND_PX,
    encode_jpeg,
    encode_picture,
    load_picture,
    normalise,
)
from kb.errors import ParseError, SourceTooLargeError, SourceUnavailableError

MAX_PX = 200_000_000


def photo(width_px: int, height_px: int) -> Image.Image:
    """Smooth gradients in all channels: many colours."""
    x, y = np.meshgrid(np.linspace(0, 255, width_px), np.linspace(0, 255, height_px))
    return Image.fromarray(np.stack([x, y, (x + y) / 2], axis=-1).astype(np.uint8))


def corners() -> Image.Image:
    """Red, green / blue, white, so that every turn and mirroring is seen."""
    image = plain(WHITE, (80, 40))
    image.paste(RED, (0, 0, 40, 20))
    image.paste(GREEN, (40, 0, 80, 20))
    image.paste(BLUE, (0, 20, 40, 40))
    return image


def near(found: tuple[int, ...], wanted: tuple[int, ...], tolerance: int = 12) -> bool:
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= tolerance


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF"])
def test_reads_every_format(tmp_path: Path, format: str) -> None:
    data = as_bytes(plain(RED, (64, 48)), format)
    path = tmp_path / "picture"
    path.write_bytes(data)

    for image in (load_picture(data, MAX_PX), load_picture(path, MAX_PX)):
        assert (image.mode, image.size) == ("RGB", (64, 48))
        assert near(image.getpixel((30, 20)), RED)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_turned_pictures_are_upright(orientation: int, format: str) -> None:
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = corners() if undo is None else corners().transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation

    image = load_picture(as_bytes(stored, format, exif=exif), MAX_PX)

    assert image.size == (80, 40)
    for place, colour in (((10, 5), RED), ((70, 5), GREEN), ((10, 35), BLUE), ((70, 35), WHITE)):
        assert near(image.getpixel(place), colour, 40)


@pytest.mark.parametrize(
    ("size", "fitted"),
    [
        ((100, 80), (100, 80)),
        ((1280, 1440), (1280, 1440)),
        ((2560, 1440), (1280, 720)),
        ((1440, 2880), (720, 1440)),
        ((5000, 3), (1280, 1)),
        ((2, 6000), (1, 1440)),
    ],
)
def test_fits_in_the_bound_and_is_never_enlarged(
    size: tuple[int, int], fitted: tuple[int, int]
) -> None:
    assert load_picture(as_bytes(plain(RED, size), "PNG"), MAX_PX).size == fitted


def test_a_picture_turned_sideways_fits_as_it_is_seen() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = plain(RED, (2880, 1440))

    assert load_picture(as_bytes(stored, "JPEG", exif=exif), MAX_PX).size == (720, 1440)


def test_large_jpeg_is_right_after_it_was_decoded_small() -> None:
    large = photo(290, 145).resize((5800, 2900), Image.Resampling.BILINEAR)

    image = load_picture(as_bytes(large, "JPEG"), MAX_PX)

    assert image.size == (1280, 640)
    assert near(image.getpixel((640, 320)), (127, 127, 127))
    assert near(image.getpixel((1275, 4)), (254, 1, 127))


def test_transparency_is_laid_on_white() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((200, 0, 0, 255), (10, 10, 30, 30))

    shown = load_picture(as_bytes(image, "PNG"), MAX_PX)

    assert shown.getpixel((2, 2)) == (255, 255, 255)
    assert shown.getpixel((20, 20)) == (200, 0, 0)


def test_light_drawing_on_nothing_is_laid_on_black() -> None:
    image = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (10, 10, 30, 30))

    shown = load_picture(as_bytes(image, "PNG"), MAX_PX)

    assert shown.getpixel((2, 2)) == (0, 0, 0)
    assert shown.getpixel((20, 20)) == (255, 255, 255)


def test_transparent_palette() -> None:
    image = Image.new("P", (20, 20), 0)
    image.putpalette([255, 0, 255, *RED])
    image.paste(1, (5, 5, 15, 15))

    shown = load_picture(as_bytes(image, "PNG", transparency=0), MAX_PX)

    assert shown.getpixel((1, 1)) == (255, 255, 255)
    assert shown.getpixel((10, 10)) == RED


def test_cmyk() -> None:
    shown = load_picture(as_bytes(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG"), MAX_PX)

    assert near(shown.getpixel((10, 10)), (255, 0, 0))


def test_16_bit_keeps_the_high_byte() -> None:
    values = np.full((20, 20), 0x8000, np.uint16)
    values[:10] = 0x4000

    shown = load_picture(as_bytes(Image.fromarray(values), "PNG"), MAX_PX)

    assert shown.getpixel((5, 5)) == (0x40,) * 3
    assert shown.getpixel((5, 15)) == (0x80,) * 3


def test_float_greys_are_stretched() -> None:
    values = np.linspace(-2.0, 6.0, 400, dtype=np.float32).reshape(20, 20)

    shown = load_picture(as_bytes(Image.fromarray(values), "TIFF"), MAX_PX)

    assert shown.getpixel((0, 0)) == (0, 0, 0)
    assert shown.getpixel((19, 19)) == (255, 255, 255)


def test_black_and_white_shrinks_smoothly() -> None:
    image = Image.fromarray((np.indices((2000, 2600)).sum(axis=0) % 2).astype(bool))

    shown = load_picture(as_bytes(image, "TIFF"), MAX_PX)

    assert shown.size == (1280, 985)
    assert near(shown.getpixel((640, 500)), (127, 127, 127), 30)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation(format: str) -> None:
    data = as_bytes(
        plain(RED), format, save_all=True, append_images=[plain(BLUE), plain(GREEN)], duration=100
    )

    assert near(load_picture(data, MAX_PX).getpixel((10, 10)), RED)


def png_header(width_px: int, height_px: int) -> bytes:
    def part(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", header)
        + part(b"IDAT", zlib.compress(b""))
        + part(b"IEND", b"")
    )


def test_a_bomb_is_refused_by_its_header() -> None:
    saved = Image.MAX_IMAGE_PIXELS

    with pytest.raises(SourceTooLargeError, match=r"60,000 x 60,000 = 3,600,000,000.*max_image_px"):
        load_picture(png_header(60_000, 60_000), MAX_PX)

    assert saved == Image.MAX_IMAGE_PIXELS


def test_the_cap_is_the_callers_not_pillows() -> None:
    data = as_bytes(Image.new("1", (14_000, 13_000)), "PNG")

    assert load_picture(data, MAX_PX).size == (1280, 1189)
    with pytest.raises(SourceTooLargeError):
        load_picture(data, 14_000 * 13_000 - 1)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF"])
def test_truncated_pictures_are_refused(format: str) -> None:
    data = as_bytes(photo(300, 200), format)

    with pytest.raises(ParseError, match=r"[Ss]ave it"):
        load_picture(data[: len(data) // 2], MAX_PX)


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "0 bytes"), (b"not a picture at all", "not a picture")]
)
def test_what_is_no_picture_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ParseError, match=says):
        load_picture(data, MAX_PX)


def test_a_vanished_picture_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError):
        load_picture(tmp_path / "gone.png", MAX_PX)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_take_the_picture_with_it() -> None:
    data = as_bytes(plain(RED), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")

    assert load_picture(data, MAX_PX).size == plain(RED).size


def test_drawings_stay_exact_and_photographs_become_jpeg() -> None:
    drawing, photograph = normalise(plain(RED)), normalise(photo(400, 300))

    assert encode_picture(drawing).media_type == "image/png"
    assert encode_picture(photograph).media_type == "image/jpeg"
    decoded = Image.open(io.BytesIO(encode_picture(drawing).data))
    assert np.array_equal(np.asarray(decoded), np.asarray(drawing))


def test_the_smaller_of_both_is_kept() -> None:
    random = np.random.default_rng(3)
    noisy_grey = Image.fromarray(random.integers(0, 255, (300, 300), dtype=np.uint8)).convert("RGB")

    encoded = encode_picture(noisy_grey)

    assert encoded.media_type == "image/jpeg"
    assert encoded.data == encode_jpeg(noisy_grey).data
    assert (encoded.width_px, encoded.height_px) == (300, 300)


def test_the_bound_is_the_models_largest_picture() -> None:
    # Qwen3-VL takes pictures of at most 1,843,200 px.
    assert BOUND_PX[0] * BOUND_PX[1] == 1_843_200
    assert card("x").size == normalise(card("x")).size
