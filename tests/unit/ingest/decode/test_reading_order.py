from __future__ import annotations

from ingest.decode.reading_order import Rect, reading_order


def order(rects: list[Rect], n_chars: int = 40) -> list[int]:
    regions = reading_order(rects, [n_chars] * len(rects))
    return [i for region in regions for row in region for i in row]


def column(x: float, top: float, n: int, width: float = 200) -> list[Rect]:
    return [Rect(x, top + 14 * i, x + width, top + 14 * i + 11) for i in range(n)]


def test_nothing() -> None:
    assert reading_order([], []) == []


def test_one_column_from_the_top() -> None:
    assert order(column(50, 50, 4)[::-1]) == [3, 2, 1, 0]


def test_boxes_on_one_line_are_one_row_from_the_left() -> None:
    rects = [Rect(200, 51, 260, 61), Rect(50, 50, 100, 60), Rect(50, 70, 100, 80)]
    assert reading_order(rects, [5, 5, 5]) == [[[1, 0], [2]]]


def test_columns_between_lines_that_span_them() -> None:
    left, right = column(50, 100, 5), column(300, 100, 5)
    rects = [Rect(50, 50, 500, 61), *left, *right, Rect(50, 200, 500, 211)]
    assert order(rects) == list(range(12))


def test_three_columns() -> None:
    rects = [*column(50, 50, 6, 140), *column(210, 50, 6, 140), *column(370, 50, 6, 140)]
    assert order(rects) == list(range(18))


def test_cells_are_read_row_by_row() -> None:
    rects = [*column(50, 50, 5, 60), *column(300, 50, 5, 60)]
    assert order(rects, n_chars=6) == [0, 5, 1, 6, 2, 7, 3, 8, 4, 9]
