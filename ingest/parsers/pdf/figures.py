"""Pictures that stand on a page of text and may have words of their own: charts, screenshots,
tables that were photographed. It is told by size and place alone, before anything is decoded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest.decode.reading_order import Rect, union
from ingest.parsers.base import ParseContext
from ingest.parsers.pdf.mupdf import pymupdf
from ingest.parsers.pdf.opening import MUPDF_ERRORS
from ingest.parsers.pdf.text import PageText
from kb.types import Box

__all__ = ["DAMAGED", "Figure", "figures_on", "holds"]

_FLAGS = pymupdf.TEXT_PRESERVE_IMAGES | pymupdf.TEXT_MEDIABOX_CLIP
# Smaller ones are logos, icons and signatures. A chart in a column is a tenth of its page.
_MIN_SHARE = 0.025
_MIN_SIDE_PT = 48.0
_MIN_SIDE_PX = 80
# A picture under so much of the text layer is a background, or a scan whose words are known.
_MAX_CHARS_ON = 100
_MAX_ON_PAGE = 6
# Edges of strips of one picture differ by so much, in points.
_EDGE_PT = 1.5

DAMAGED = "A picture on page {} is damaged, and its words were not read."


@dataclass(frozen=True, slots=True)
class Figure:
    """The place of a picture that may hold words.

    Attributes:
        at: On the page as displayed, in points.
        zoom: Pixels of the picture to a point.
    """

    at: Rect
    zoom: float


def figures_on(document: Any, display: Any, text: PageText, context: ParseContext) -> list[Figure]:
    """The pictures of a page that may hold words which its text layer lacks, from the top; of
    many the largest six. None where OCR is off.

    Args:
        document: The `pymupdf.Document`.
        display: The page's display list.
        text: What its text layer holds.
        context: Told where they are damaged.
    """
    if context.read_words is None:
        return []
    try:
        # Told from the page's resources in a fraction of the time that the places take.
        if document.is_pdf and not document.get_page_images(text.number - 1):
            return []
        blocks = pymupdf.TextPage(display.get_textpage(_FLAGS)).extractIMGINFO()
    except MUPDF_ERRORS:
        context.warn(DAMAGED.format(text.number))
        return []
    placed = [found for block in blocks if (found := _placed(block, text)) is not None]
    figures = [one for one in _whole(placed) if _may_hold_words(one, text)]
    largest = sorted(figures, key=lambda one: -_area(one.at))[:_MAX_ON_PAGE]
    return sorted(largest, key=lambda one: (one.at.y0, one.at.x0))


def _placed(block: dict[str, Any], page: PageText) -> Figure | None:
    """The part of a picture that is on the page."""
    x0, y0, x1, y1 = block["bbox"]
    at = Rect(max(x0, 0.0), max(y0, 0.0), min(x1, page.width), min(y1, page.height))
    if at.x1 <= at.x0 or at.y1 <= at.y0:
        return None
    n_px = block["width"] * block["height"]
    return Figure(at, math.sqrt(n_px / ((x1 - x0) * (y1 - y0))))


def _whole(figures: Sequence[Figure]) -> list[Figure]:
    """`figures` without those inside another, and strips of one picture as one."""
    found: list[Figure] = []
    for figure in sorted(figures, key=lambda one: (one.at.y0, one.at.x0)):
        for index, other in enumerate(found):
            if _goes_on(other.at, figure.at):
                found[index] = Figure(union([other.at, figure.at]), max(other.zoom, figure.zoom))
                break
        else:
            found.append(figure)
    return found


def _goes_on(one: Rect, other: Rect) -> bool:
    """Whether `other` is inside `one`, or the next strip below it or at its right."""
    x0, y0, x1, y1 = union([one, other])
    if max(one.x0 - x0, one.y0 - y0, x1 - one.x1, y1 - one.y1) <= _EDGE_PT:
        return True
    is_below = max(abs(one.x0 - other.x0), abs(one.x1 - other.x1), abs(one.y1 - other.y0))
    is_right = max(abs(one.y0 - other.y0), abs(one.y1 - other.y1), abs(one.x1 - other.x0))
    return min(is_below, is_right) <= _EDGE_PT


def _may_hold_words(figure: Figure, page: PageText) -> bool:
    at = figure.at
    side_pt = min(at.x1 - at.x0, at.y1 - at.y0)
    if side_pt < _MIN_SIDE_PT or side_pt * figure.zoom < _MIN_SIDE_PX:
        return False
    if _area(at) < _MIN_SHARE * page.width * page.height:
        return False
    lines = [(line.text, line.box) for line in page.lines] + page.unseen
    return sum(len(text) for text, box in lines if holds(at, box)) < _MAX_CHARS_ON


def holds(at: Rect | Box, box: Box) -> bool:
    """Whether the middle of a line's box is in another place, such as a picture's."""
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    return at.x0 <= x <= at.x1 and at.y0 <= y <= at.y1


def _area(at: Rect) -> float:
    return (at.x1 - at.x0) * (at.y1 - at.y0)
