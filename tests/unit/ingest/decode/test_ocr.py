"""OCR with the real models on pictures that the tests draw."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pymupdf
import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.decode.ocr import OcrReader
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


def strip(width_px: int, height_px: int, size_px: int, words: list[str]) -> Image.Image:
    """`words` from end to end: side by side in a wide strip, one below the other in a tall one."""
    picture = Image.new("RGB", (width_px, height_px), (240, 240, 230))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size_px)
    step = (max(width_px, height_px) - 10) // len(words)
    for n, word in enumerate(words):
        place = (8 + n * step, (height_px - 1.2 * size_px) / 2)
        if height_px > width_px:
            place = (4, 8 + n * step)
        draw.text(place, word, "black", font)
    return picture


NAMES = ["harbour", "museum", "lantern", "orchard", "pelican", "thimble", "walnut", "zephyr"]


@pytest.mark.parametrize(
    ("width_px", "height_px", "size_px"),
    [(12_000, 60, 36), (8000, 100, 60), (60, 6000, 13), (20_000, 20, 14), (4000, 12, 10)],
)
def test_words_in_a_strip_are_read_in_order_with_their_places(
    reader: OcrReader, width_px: int, height_px: int, size_px: int
) -> None:
    is_wide = width_px > height_px
    words = reader.read_words(encoded(strip(width_px, height_px, size_px, NAMES)))
    assert words.text.split("\n") == NAMES
    step = (max(width_px, height_px) - 10) // len(NAMES)
    for n, span in enumerate(words.spans):
        (box,) = span.locator.boxes
        start, end = (box.x0, box.x1) if is_wide else (box.y0, box.y1)
        assert start == pytest.approx(8 + n * step, abs=size_px)
        assert start + size_px / 2 < end < start + 6 * size_px
        assert 0 <= box.x0 < box.x1 <= width_px
        assert 0 <= box.y0 < box.y1 <= height_px


@pytest.mark.parametrize("size", [(1280, 4), (4000, 7), (7, 1440), (1, 1)])
def test_what_is_too_narrow_for_a_line_is_not_looked_at(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    reader = OcrReader(tmp_path, OcrConfig())
    started = time.perf_counter()
    assert reader.read_words(encoded(Image.new("RGB", size, "navy"))).text == ""
    # Loading the models alone takes longer.
    assert time.perf_counter() - started < 0.5


def test_a_strip_on_its_head_is_read(reader: OcrReader) -> None:
    turned = strip(8000, 100, 60, NAMES).rotate(180)
    assert reader.read_words(encoded(turned)).text.split("\n") == NAMES


OUT_OF_MEMORY = """
import resource, sys
from pathlib import Path
from PIL import Image
from ingest.decode.ocr import OcrReader
from ingest.decode.pictures import PictureOfFile, encode_picture
from kb.config import OcrConfig
from kb.errors import InferenceError

reader = OcrReader(Path(sys.argv[1]), OcrConfig())
reader.read_words(encode_picture(Image.new("RGB", (64, 64), "white")))
used = 1024 * int(Path("/proc/self/status").read_text().split("VmData:")[1].split()[0])
limit = used + (int(sys.argv[2]) << 20)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
image = encode_picture(Image.new("RGB", (1280, 1440), "white"))
own = PictureOfFile(image.data, image.media_type, 1280, 1440, own_width_px=8000, own_height_px=9000)
try:
    reader.read_words(own)
except InferenceError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory")
@pytest.mark.parametrize("n_mib", [30, 150])
def test_too_little_memory_is_told_in_one_line_with_the_size_of_the_file(
    tmp_path: Path, n_mib: int
) -> None:
    result = subprocess.run(
        [sys.executable, "-c", OUT_OF_MEMORY, str(tmp_path), str(n_mib)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    told = result.stdout.strip()
    assert told.startswith("Reading the words of a picture of 8,000 x 9,000 px failed: ")
    assert "alloc" in told or "memory" in told.lower()
    assert "\n" not in told
    assert "Traceback" not in told
    assert "`ingest.ocr.enabled: false`" in told
