"""Long, narrow pictures as pages: no ink is lost, no word is cut, and places come back."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.decode.reading_order import Rect
from ingest.decode.strips import is_strip, strip_pages, strip_side_px

SIZES = [(12_000, 60), (8000, 100), (60, 6000), (100, 8000), (20_000, 20), (4000, 12), (900, 9000)]


def words(width_px: int, height_px: int) -> tuple[NDArray[np.uint8], list[Rect]]:
    """White, with a black bar of its own length every 150 px along the strip."""
    pixels = np.full((height_px, width_px, 3), 255, np.uint8)
    places = []
    for n, start in enumerate(range(20, max(width_px, height_px) - 100, 150)):
        end, low, high = start + 60 + n % 30, 3, min(width_px, height_px) - 3
        place = Rect(start, low, end, high) if width_px > height_px else Rect(low, start, high, end)
        pixels[int(place.y0) : int(place.y1), int(place.x0) : int(place.x1)] = 0
        places.append(place)
    return pixels, places


def bars(page: NDArray[np.uint8]) -> list[Rect]:
    import cv2

    ink = (page[..., 0] < 128).astype(np.uint8)
    _, _, found, _ = cv2.connectedComponentsWithStats(ink)
    return [Rect(x, y, x + w, y + h) for x, y, w, h, _ in found[1:].tolist()]


@pytest.mark.parametrize("size", SIZES)
def test_every_word_is_whole_on_one_page_and_finds_its_place(size: tuple[int, int]) -> None:
    pixels, places = words(*size)
    found = []
    for page in strip_pages(pixels):
        on_page = [page.in_strip(bar) for bar in bars(page.pixels)]
        # From piece to piece they follow each other as in the strip.
        along = [place for _, place in sorted(on_page)]
        found += along
    assert len(found) == len(places)
    for place, wanted in zip(found, places, strict=True):
        assert place == pytest.approx(wanted, abs=1)


@pytest.mark.parametrize("size", SIZES)
def test_pages_cost_what_pages_cost(size: tuple[int, int]) -> None:
    pages = [page.pixels.shape[:2] for page in strip_pages(words(*size)[0])]
    for height, width in pages:
        # RapidOCR enlarges until the shorter side has 736 px.
        scale = max(1.0, 736 / min(height, width))
        assert scale * max(height, width) <= 3000
        assert scale * scale * height * width <= 2_300_000
    if min(size) <= 100:
        assert sum(height * width for height, width in pages) < 5_000_000


def test_a_strip_of_one_colour_is_cut_all_the_same() -> None:
    pages = list(strip_pages(np.zeros((9000, 900, 3), np.uint8)))
    assert all(max(page.pixels.shape) <= 1280 + 32 for page in pages)
    assert not any(page.pixels.any() for page in pages)


def test_which_pictures_are_strips() -> None:
    assert is_strip(4000, 12)
    assert is_strip(100, 8000)
    assert not is_strip(1280, 1440)
    assert not is_strip(1080, 2400)  # a phone's screen
    assert not is_strip(1, 1)


def test_a_strip_is_read_at_its_own_size_within_bounds() -> None:
    assert strip_side_px(12_000, 60) == 12_000
    assert strip_side_px(1080, 100_000) == pytest.approx(27_217, abs=1)
    assert strip_side_px(100_000, 10) == 65_000
