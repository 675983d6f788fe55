"""Text that a page holds and does not show: white on white, or drawn invisibly without the picture
of a scan, whose words invisible text usually is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kb.types import Box

__all__ = ["take_unseen"]

_TEXT_BLOCK, _VECTOR_BLOCK = 0, 3
_NEARLY_WHITE = 0xF8  # of each channel
_DRAWN = frozenset({"fill-image", "fill-imgmask", "fill-shade"})
_Bbox = tuple[float, float, float, float]


def take_unseen(blocks: Sequence[dict[str, Any]], page: Any) -> list[tuple[str, Box]]:
    """Take out of a page's text what can't be seen, and return it: a line's words and its place.

    Args:
        blocks: Of MuPDF's dictionary, figures among them; changed in place.
        page: The `pymupdf.Page`.
    """
    lines = [line for block in blocks if block["type"] == _TEXT_BLOCK for line in block["lines"]]
    if not any(_may_be_unseen(span) for line in lines for span in line["spans"]):
        return []
    behind = [*_figures(blocks), *(box for kind, box in page.get_bboxlog() if kind in _DRAWN)]
    unseen: list[tuple[str, Box]] = []
    for line in lines:
        hidden = [
            span
            for span in line["spans"]
            if _may_be_unseen(span) and not _lies_on(span["bbox"], behind)
        ]
        words = " ".join("".join(span["text"] for span in hidden).split())
        if not words:
            continue
        line["spans"] = [span for span in line["spans"] if span not in hidden]
        x0, y0 = (min(span["bbox"][i] for span in hidden) for i in (0, 1))
        x1, y1 = (max(span["bbox"][i] for span in hidden) for i in (2, 3))
        unseen.append((words, Box(*(round(x, 2) for x in (x0, y0, x1, y1)))))
    return unseen


def _may_be_unseen(span: dict[str, Any]) -> bool:
    return bool(span["text"].strip()) and (span["alpha"] == 0 or _is_white(span["color"]))


def _is_white(colour: int) -> bool:
    return all(colour >> shift & 0xFF >= _NEARLY_WHITE for shift in (16, 8, 0))


def _figures(blocks: Sequence[dict[str, Any]]) -> Iterator[_Bbox]:
    """Filled figures on which white can be read."""
    for block in blocks:
        is_filled = block["type"] == _VECTOR_BLOCK and not block["stroked"] and block["alpha"]
        if is_filled and not _is_white(block["color"]):
            yield block["bbox"]


def _lies_on(bbox: _Bbox, figures: Sequence[_Bbox]) -> bool:
    x, y = (bbox[0] + bbox[2]) / 2, (bbox[1] + bbox[3]) / 2
    return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in figures)
