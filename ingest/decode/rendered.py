"""A picture that was drawn here, with its pixels as they were before they were encoded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.types import EncodedImage

__all__ = ["RenderedImage", "halved"]

Pixels = NDArray[np.uint8]
"""``(height_px, width_px, 3)``, BGR as OpenCV has it."""

# Twice what a picture descriptor looks at.
_ENOUGH_PX = 120


@dataclass(frozen=True, slots=True, eq=False)
class RenderedImage(EncodedImage):
    """An encoded picture whose `pixels` are at hand, so that nobody decodes it again.

    Attributes:
        pixels: uint8 ``(h, w, 3)``, BGR: the picture, `halved`.
    """

    pixels: Pixels


def halved(pixels: Pixels) -> Pixels:
    """A copy, halved as often as both sides keep 120 px: an eighth of a page image."""
    import cv2  # slow to import, and a sync of unchanged files draws nothing

    n_halvings = max(0, math.floor(math.log2(min(pixels.shape[:2]) / _ENOUGH_PX)))
    # Reading the whole picture costs most: of a large one every second row says enough, and
    # the height is halved with it.
    is_large = n_halvings > 1
    small = pixels[::2] if is_large else pixels
    for n_left in range(n_halvings, 0, -1):
        # By whole pairs of pixels, which is ten times as fast as by fractions.
        n_rows = 1 if is_large and n_left == 1 else 2
        h, w = small.shape[0] // n_rows, small.shape[1] // 2
        pairs = small[: n_rows * h, : 2 * w]
        small = np.asarray(cv2.resize(pairs, (w, h), interpolation=cv2.INTER_AREA), np.uint8)
    return small if n_halvings else pixels.copy()
