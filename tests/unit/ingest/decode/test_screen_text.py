from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest
from made_videos import card
from PIL import Image

from ingest.decode.screen_text import ScreenReading, ScreenText, is_same_line
from ingest.decode.subtitles import Cue
from ingest.parsers.base import OcrText
from kb.types import EncodedImage


class Reads:
    """Stands for OCR: gives prepared readings in turn, and counts."""

    def __init__(self, readings: Sequence[str]) -> None:
        self._readings = iter(readings)
        self.n_read = 0

    def __call__(self, image: EncodedImage) -> OcrText:
        self.n_read += 1
        return OcrText(next(self._readings), ())


def moving(n: int) -> list[Image.Image]:
    random = np.random.default_rng(5)
    blocks = random.integers(0, 255, (n, 9, 16, 3), dtype=np.uint8)
    return [Image.fromarray(block).resize((320, 180), Image.Resampling.NEAREST) for block in blocks]


def collected(pictures: Sequence[Image.Image], reads: Reads, end_s: float) -> tuple[Cue, ...]:
    screen = ScreenText(reads)
    for time_s, picture in enumerate(pictures):
        screen.add(float(time_s), picture)
    return screen.finish(end_s)


def test_a_still_picture_is_read_once() -> None:
    reads = Reads(["Unpacking"])

    assert collected([card("Unpacking")] * 10, reads, 10.0) == (Cue(0.0, 10.0, "Unpacking"),)
    assert reads.n_read == 1


def test_each_card_has_its_seconds() -> None:
    reads = Reads(["Unpacking", "Reset", "The end"])
    pictures = [card("Unpacking")] * 4 + [card("Reset")] * 3 + [card("The end")]

    assert collected(pictures, reads, 8.0) == (
        Cue(0.0, 4.0, "Unpacking"),
        Cue(4.0, 7.0, "Reset"),
        Cue(7.0, 8.0, "The end"),
    )


def test_one_small_line_that_changes_is_seen() -> None:
    reads = Reads(["Step 1", "Step 2"])
    scene = moving(1)[0].resize((640, 360))
    with_caption = scene.copy()
    with_caption.paste(card("Step 2").crop((0, 100, 200, 180)).resize((100, 40)), (20, 300))

    cues = collected([scene] * 3 + [with_caption] * 3, reads, 6.0)

    assert [cue.start_s for cue in cues] == [0.0, 3.0]


def test_moving_pictures_are_read_now_and_then() -> None:
    reads = Reads([""] * 64)

    assert collected(moving(64), reads, 64.0) == ()
    assert reads.n_read == 16


def test_a_line_that_stays_is_one_line() -> None:
    reads = Reads(["ACME\nStep one", "ACME\nStep  two", "ACME."])
    pictures = [card("1")] * 2 + [card("22")] * 2 + [card("333")] * 2

    assert collected(pictures, reads, 6.0) == (
        Cue(0.0, 6.0, "ACME"),
        Cue(0.0, 2.0, "Step one"),
        Cue(2.0, 4.0, "Step two"),
    )


def test_a_lone_letter_is_no_word() -> None:
    assert collected([card("x")], Reads(["T\n. 1 .\n复位\nOK"]), 1.0) == (
        Cue(0.0, 1.0, "复位"),
        Cue(0.0, 1.0, "OK"),
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Press the reset button", "Press the rese1 button", True),
        ("HELLO", "hello", True),
        ("Step 1", "Step 2", False),
        ("长按复位键十秒钟", "长按复位键十秒钟", True),
        ("第一步:开机", "第二步:关机", False),
        ("", "x", False),
    ],
)
def test_lines_that_are_the_same_but_for_a_misread_letter(one: str, other: str, same: bool) -> None:
    assert is_same_line(one, other) is same


def test_reading_ends_when_its_time_is_up() -> None:
    reads = Reads(["one"])

    def slowly(image: EncodedImage) -> OcrText:
        time.sleep(0.001)
        return reads(image)

    # The first reading takes all of the time there is.
    reading = ScreenReading(slowly, limit_s=0.0)
    image = EncodedImage(b"", "image/jpeg", 1, 1)
    assert (reading.read(image).text, reading.is_over) == ("one", False)
    assert (reading.read(image).text, reading.is_over) == ("", True)
    assert reads.n_read == 1
    assert reading.spent_s >= 0.001
