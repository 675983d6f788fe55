"""Pictures that keep their pixels at a small size."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.decode.rendered import halved


def shaded(height: int, width: int) -> np.ndarray:
    """Darker to the right and to the bottom, and each colour of its own."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return np.stack([200 * x, 200 * y, 100 + 50 * (x + y)], axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1440, 1018), (180, 127)),
        ((1280, 720), (320, 180)),
        ((480, 480), (120, 120)),
        ((481, 243), (240, 121)),
        ((239, 900), (239, 900)),
        ((1, 5), (1, 5)),
    ],
)
def test_both_sides_keep_120_px(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert halved(np.zeros((*size, 3), np.uint8)).shape == (*expected, 3)


@pytest.mark.parametrize("size", [(1440, 1018), (300, 400), (481, 243), (30, 40)])
def test_it_shows_the_same(size: tuple[int, int]) -> None:
    small = halved(shaded(*size))
    difference = small.astype(int) - shaded(*small.shape[:2])
    assert abs(difference).max() <= 4


def test_it_is_a_copy() -> None:
    # A renderer frees its own pixels.
    for size in ((30, 40), (1000, 1000)):
        pixels = np.zeros((*size, 3), np.uint8)
        small = halved(pixels)
        pixels[:] = 255
        assert not small.any()
