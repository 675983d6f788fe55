"""The order in which people read boxes of text on a page: rows, columns, bands of columns.

Used for the text layer of documents and for lines that OCR found.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

__all__ = ["Rect", "reading_order", "union"]

# A column is told from a table's cells by its lines: prose fills them.
MIN_LINES_OF_COLUMN = 3
MIN_CHARS_OF_COLUMN_LINE = 12
MAX_DEPTH = 3
N_BINS = 128


class Rect(NamedTuple):
    """A rectangle in any unit, origin at the top left."""

    x0: float
    y0: float
    x1: float
    y1: float


def union(rects: Sequence[Rect]) -> Rect:
    """The smallest rectangle around `rects`, of which there is at least one."""
    return Rect(
        min(r.x0 for r in rects),
        min(r.y0 for r in rects),
        max(r.x1 for r in rects),
        max(r.y1 for r in rects),
    )


def reading_order(rects: Sequence[Rect], n_chars: Sequence[int]) -> list[list[list[int]]]:
    """Indices of `rects` as people read them.

    A gutter is looked for first: a strip that few lines cross with prose on both sides.
    Lines that cross it cut the page into bands; in a band the left column is read before
    the right one. Columns are looked for in columns again.

    Args:
        rects: Boxes of lines, or of whole blocks, which may be anywhere.
        n_chars: Characters of each; a column holds prose, a table's cell does not.

    Returns:
        Regions (a column, or what spans columns), each a list of rows from the top, each a
        list of indices from the left.
    """
    return _regions(list(range(len(rects))), rects, n_chars, depth=0)


def _regions(
    indices: list[int], rects: Sequence[Rect], n_chars: Sequence[int], depth: int
) -> list[list[list[int]]]:
    if not indices:
        return []
    gutter = _gutter(indices, rects, n_chars) if depth < MAX_DEPTH else None
    if gutter is None:
        return [_rows(indices, rects)]
    regions: list[list[list[int]]] = []
    spanning: list[int] = []
    left: list[int] = []
    right: list[int] = []

    def close_columns() -> None:
        for column in (left, right):
            regions.extend(_regions(list(column), rects, n_chars, depth + 1))
            column.clear()

    for i in sorted(indices, key=lambda i: rects[i].y0 + rects[i].y1):
        if rects[i].x0 < gutter < rects[i].x1:
            close_columns()
            spanning.append(i)
            continue
        if spanning:
            regions.append(_rows(spanning, rects))
            spanning = []
        (left if rects[i].x1 <= gutter else right).append(i)
    close_columns()
    if spanning:
        regions.append(_rows(spanning, rects))
    return regions


def _gutter(indices: list[int], rects: Sequence[Rect], n_chars: Sequence[int]) -> float | None:
    """The x of the strip between two columns of prose, if there is one."""
    if len(indices) < 2 * MIN_LINES_OF_COLUMN:
        return None
    x0 = min(rects[i].x0 for i in indices)
    width = max(rects[i].x1 for i in indices) - x0
    if width <= 0:
        return None
    crossing = [0] * (N_BINS + 1)
    for i in indices:
        crossing[int((rects[i].x0 - x0) / width * N_BINS)] += 1
        end = int((rects[i].x1 - x0) / width * N_BINS) + 1
        if end <= N_BINS:
            crossing[end] -= 1
    for b in range(N_BINS):
        crossing[b + 1] += crossing[b]
    candidates = range(N_BINS // 5, N_BINS - N_BINS // 5)
    fewest = min(crossing[b] for b in candidates)
    # The middle of the longest run of bins that fewest lines cross.
    best_start, best_length, start = 0, 0, None
    for b in [*candidates, N_BINS]:
        if b < N_BINS and b in candidates and crossing[b] == fewest:
            start = b if start is None else start
            if b + 1 - start > best_length:
                best_start, best_length = start, b + 1 - start
        else:
            start = None
    gutter = x0 + (best_start + best_length / 2) / N_BINS * width
    left = [i for i in indices if rects[i].x1 <= gutter]
    right = [i for i in indices if rects[i].x0 >= gutter]
    if (
        _is_column(left, n_chars)
        and _is_column(right, n_chars)
        and _side_by_side(left, right, rects)
    ):
        return gutter
    return None


def _is_column(indices: list[int], n_chars: Sequence[int]) -> bool:
    return (
        len(indices) >= MIN_LINES_OF_COLUMN
        and median(n_chars[i] for i in indices) >= MIN_CHARS_OF_COLUMN_LINE
    )


def _side_by_side(left: list[int], right: list[int], rects: Sequence[Rect]) -> bool:
    """Whether two stacks of lines share much of their height."""
    tall, other = union([rects[i] for i in left]), union([rects[i] for i in right])
    shared = min(tall.y1, other.y1) - max(tall.y0, other.y0)
    return shared >= 0.3 * min(tall.y1 - tall.y0, other.y1 - other.y0)


def _rows(indices: list[int], rects: Sequence[Rect]) -> list[list[int]]:
    """Rows from the top; boxes are of one row when they share half of the lower one's height
    and their heights are alike (a tall block beside lines is a row of its own)."""
    rows: list[list[int]] = []
    bottom = top = 0.0
    for i in sorted(indices, key=lambda i: (rects[i].y0 + rects[i].y1, rects[i].x0)):
        rect = rects[i]
        height = rect.y1 - rect.y0
        shared = min(bottom, rect.y1) - max(top, rect.y0)
        lower = min(height, bottom - top)
        if rows and shared > 0.5 * lower and max(height, bottom - top) < 4 * lower:
            rows[-1].append(i)
        else:
            rows.append([i])
            top, bottom = rect.y0, rect.y1
    for row in rows:
        row.sort(key=lambda i: rects[i].x0)
    return rows
