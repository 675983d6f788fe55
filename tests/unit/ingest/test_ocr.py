"""OCR with the real models on pictures that the tests draw."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from ingest.ocr import OcrReader
from kb.config import OcrConfig
from kb.errors import InferenceError
from kb.types import EncodedImage


def encoded(picture: Image.Image) -> EncodedImage:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return EncodedImage(file.getvalue(), "image/png", picture.width, picture.height)


def drawn(*lines: tuple[float, float, str]) -> Image.Image:
    page = pymupdf.open().new_page(width=400, height=200)
    for x, y, text in lines:
        font = "helv" if text.isascii() else "china-s"
        page.insert_text((x, y), text, fontsize=18, fontname=font)
    return page.get_pixmap(dpi=110, alpha=False).pil_image()


@pytest.fixture(scope="module")
def picture() -> EncodedImage:
    return encoded(
        drawn((30, 120, "如何重置空气净化器"), (30, 50, "Reset the device in 7 seconds"))
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ocr")


@pytest.fixture(scope="module")
def reader(cache: Path) -> OcrReader:
    return OcrReader(cache, OcrConfig())


def test_english_and_chinese_in_reading_order(reader: OcrReader, picture: EncodedImage) -> None:
    words = reader.read_words(picture)
    assert words.text.split("\n") == ["Reset the device in 7 seconds", "如何重置空气净化器"]
    assert [words.text[span.start : span.end] for span in words.spans] == words.text.split("\n")


def test_boxes_hold_the_ink_of_their_line(reader: OcrReader, picture: EncodedImage) -> None:
    with Image.open(io.BytesIO(picture.data)) as opened:
        ink = opened.convert("L").point(lambda value: 255 * (value < 128))
    scale = 110 / 72
    for span, baseline in zip(reader.read_words(picture).spans, (50, 120), strict=True):
        (box,) = span.locator.boxes
        assert box.y0 < (baseline - 5) * scale < box.y1
        left, top, right, bottom = ink.crop((0, int(box.y0), ink.width, int(box.y1))).getbbox()
        assert box.x0 <= left + 4
        assert box.x1 >= right - 4
        assert top >= 0
        assert bottom > 8


def test_what_was_read_is_taken_from_the_cache(
    reader: OcrReader, picture: EncodedImage, cache: Path
) -> None:
    reader.read_words(picture)
    (path,) = cache.glob("*/*.json")
    before = path.read_bytes()
    lines = json.loads(before)
    lines[0][0] = "kept"
    path.write_text(json.dumps(lines), "utf-8")
    assert "kept" in OcrReader(cache, OcrConfig()).read_words(picture).text
    path.write_bytes(before)


def test_a_broken_cache_file_is_read_anew(
    reader: OcrReader, picture: EncodedImage, cache: Path
) -> None:
    words = reader.read_words(picture)
    (path,) = cache.glob("*/*.json")
    path.write_bytes(path.read_bytes()[:20])
    assert reader.read_words(picture) == words
    assert json.loads(path.read_bytes())


def test_lines_of_low_confidence_are_dropped_without_reading_again(
    picture: EncodedImage, reader: OcrReader, cache: Path
) -> None:
    words = reader.read_words(picture)
    (path,) = cache.glob("*/*.json")
    before = path.read_bytes()
    lines = json.loads(before)
    lines[0][1] = 0.3
    path.write_text(json.dumps(lines), "utf-8")
    fewer = OcrReader(cache, OcrConfig(min_confidence=0.5)).read_words(picture)
    assert len(fewer.spans) == len(words.spans) - 1
    assert OcrReader(cache, OcrConfig(min_confidence=0.2)).read_words(picture) == words
    path.write_bytes(before)


def test_a_picture_without_words(reader: OcrReader) -> None:
    words = reader.read_words(encoded(Image.new("RGB", (64, 48), "white")))
    assert words.text == ""
    assert words.spans == ()


def test_a_page_on_its_head_is_read(reader: OcrReader, picture: EncodedImage) -> None:
    with Image.open(io.BytesIO(picture.data)) as opened:
        turned = encoded(opened.rotate(180))
    words, upright = reader.read_words(turned), reader.read_words(picture)
    assert words.text == upright.text
    for span, right_way_up in zip(words.spans, upright.spans, strict=True):
        (box,), (other,) = span.locator.boxes, right_way_up.locator.boxes
        assert box.x0 == pytest.approx(turned.width_px - other.x1, abs=5)
        assert box.y0 == pytest.approx(turned.height_px - other.y1, abs=5)


def test_bytes_that_are_no_picture(reader: OcrReader) -> None:
    with pytest.raises(InferenceError, match="can't be decoded"):
        reader.read_words(EncodedImage(b"no picture", "image/png", 10, 10))


def test_nothing_is_logged(
    picture: EncodedImage, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    OcrReader(tmp_path, OcrConfig()).read_words(picture)
    assert capfd.readouterr() == ("", "")
