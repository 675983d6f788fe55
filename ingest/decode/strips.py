"""Long, narrow pictures, cut into pieces that are laid out as pages to be read.

RapidOCR enlarges a picture until its shorter side has 736 px (``limit_side_len`` in its
config.yaml), and pads a wide one to a quarter of its width: 60 x 6,000 px become 736 x 73,600,
and 1,280 x 4 px become 10,240 x 2,560, which take minutes and gigabytes. A page of pieces takes
what any page takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ingest.decode.reading_order import Rect

__all__ = ["MIN_LINE_PX", "StripPage", "is_strip", "strip_pages", "strip_side_px"]

MIN_LINE_PX = 8
"""A line of text can't stand in less: the letters of a 5 x 7 font and a pixel between lines."""

# A phone's screenshot of such a shape, shrunk to be stored, has letters of under 10 px.
_RATIO = 5
_MAX_STRIP_PX = 8_000_000
_MAX_SIDE_PX = 65_000  # JPEG ends at 65,535.
_PAGE_PX = 1280
# Pieces are this part of a page on average, so that each cut may move by an eighth of a page.
_MEAN_PIECE, _MOVE = 0.75, 0.125
# Lower pieces are enlarged, and stand as far apart: letters side by side must not become a
# line across two columns, nor a column of signs.
_MIN_PIECE_PX = 32
# As RapidOCR pads wide pictures.
_MIN_PAGE_RATIO = 4


def is_strip(width_px: int, height_px: int) -> bool:
    """Whether a picture is so long and narrow that it is read in pieces."""
    return max(width_px, height_px) > _RATIO * min(width_px, height_px)


def strip_side_px(width_px: int, height_px: int) -> int:
    """Length of the longer side at which a strip is read: its own, or less where that would
    take minutes."""
    scale = min(1.0, math.sqrt(_MAX_STRIP_PX / (width_px * height_px)))
    return min(_MAX_SIDE_PX, max(1, round(scale * max(width_px, height_px))))


@dataclass(frozen=True, slots=True)
class StripPage:
    """Pieces of a strip, one below the other (of a tall strip: side by side).

    Attributes:
        pixels: uint8 ``(height, width, 3)``.
    """

    pixels: NDArray[np.uint8]
    _cuts: tuple[tuple[int, int], ...]  # Start and end of each piece along the strip.
    _breadth_px: int  # Of the strip.
    _scale: int
    _gap_px: int
    _is_wide: bool

    def in_strip(self, place: Rect) -> tuple[int, Rect]:
        """Which piece of the page `place` is on, from 0, and where it stands in the strip."""
        x0, y0, x1, y1 = place.x0, place.y0, place.x1, place.y1
        if not self._is_wide:
            x0, y0, x1, y1 = y0, x0, y1, x1
        step = self._breadth_px * self._scale + self._gap_px
        n = min(max(0, int((y0 + y1) / 2 / step)), len(self._cuts) - 1)
        start, end = self._cuts[n]
        x0, x1 = (start + (x - self._gap_px / 2) / self._scale for x in (x0, x1))
        y0, y1 = ((y - n * step - self._gap_px / 2) / self._scale for y in (y0, y1))
        x0, x1 = (min(max(start, x), end) for x in (x0, x1))
        y0, y1 = (min(max(0, y), self._breadth_px) for y in (y0, y1))
        return n, Rect(x0, y0, x1, y1) if self._is_wide else Rect(y0, x0, y1, x1)


def strip_pages(pixels: NDArray[np.uint8]) -> Iterator[StripPage]:
    """The strip `pixels`, uint8 ``(height, width, 3)``, as pages of ordinary size.

    It is cut where the least ink is: between words, or between lines in a tall one.
    """
    is_wide = pixels.shape[1] >= pixels.shape[0]
    along = pixels if is_wide else pixels.swapaxes(0, 1)
    breadth = along.shape[0]
    scale = -(-_MIN_PIECE_PX // breadth)
    pieces = list(pairwise(_cuts(along, _PAGE_PX // scale)))
    gap = max(_MIN_PIECE_PX, scale * breadth)
    n_on_page = (_PAGE_PX + gap) // (2 * gap)
    if n_on_page < 2:  # Alone on its page it only needs a margin.
        n_on_page, gap = 1, _MIN_PIECE_PX
    ground = np.median(along[:, :: max(1, along.shape[1] // 4096)], axis=(0, 1)).astype(np.uint8)
    for first in range(0, len(pieces), n_on_page):
        cuts = tuple(pieces[first : first + n_on_page])
        page = _page(along, cuts, scale, gap, ground)
        upright = page if is_wide else np.ascontiguousarray(page.swapaxes(0, 1))
        yield StripPage(upright, cuts, breadth, scale, gap, is_wide)


def _page(
    along: NDArray[np.uint8],
    pieces: Sequence[tuple[int, int]],
    scale: int,
    gap: int,
    ground: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    import cv2  # slow to import

    breadth = scale * along.shape[0]
    width = gap + scale * max(end - start for start, end in pieces)
    height = max(len(pieces) * (breadth + gap), width // _MIN_PAGE_RATIO)
    page = np.empty((height, width, 3), np.uint8)
    page[:] = ground
    for n, (start, end) in enumerate(pieces):
        piece = np.ascontiguousarray(along[:, start:end])
        if scale > 1:
            piece = cv2.resize(piece, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        top, left = n * (breadth + gap) + gap // 2, gap // 2
        page[top : top + breadth, left : left + piece.shape[1]] = piece
    return page


def _cuts(along: NDArray[np.uint8], max_px: int) -> list[int]:
    """Where pieces of at most `max_px` begin and end, both ends of the strip included."""
    length = along.shape[1]
    if length <= max_px:
        return [0, length]
    n_pieces = -(-length // max(1, int(_MEAN_PIECE * max_px)))
    move = int(_MOVE * max_px)
    cuts = [0]
    for n in range(1, n_pieces):
        start = n * length // n_pieces - move
        cuts.append(start + _quietest(along[:, start : start + 2 * move + 1]))
    return [*cuts, length]


def _quietest(window: NDArray[np.uint8]) -> int:
    """The middle of the widest stretch without ink, or with as little as there is."""
    ink = window.mean(axis=2).std(axis=0)
    is_quiet = ink <= ink.min() + 0.1 * np.ptp(ink)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_quiet, [False]))))
    starts, ends = edges[::2], edges[1::2]
    widest = int(np.argmax(ends - starts))
    return int(starts[widest] + ends[widest]) // 2
