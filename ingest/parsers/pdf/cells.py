"""The cells of a table whose place on the page is known: columns, rows, header."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ingest.decode.reading_order import Rect
from ingest.parsers.pdf.style import Style, joiner
from ingest.parsers.pdf.text import Line
from kb.types import Box

__all__ = [
    "Region",
    "Table",
    "TableRow",
    "box_around",
    "build_table",
    "columns_of",
    "is_inside",
    "is_inside_x",
    "parts_of",
    "rows_of",
    "touched",
]

JOIN_PT = 3.0
_MAX_PAGE_DIGITS = 6
# Both columns of a two-column page between two rules look like a table with long cells.
MAX_MEDIAN_CHARS_OF_PROSE_CELL = 25


@dataclass(frozen=True, slots=True)
class TableRow:
    """Cells from the left, one for each column.

    Attributes:
        box: Around their text; None of a header that stands on another page.
        bold: Whether all of it is.
    """

    cells: tuple[str, ...]
    box: Box | None
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its header as one row, then the body.

    Attributes:
        at: Its rectangle in the turned page (see `pdf_text.Line.at`).
        box: Its rectangle on the page as displayed.
    """

    header: TableRow
    rows: tuple[TableRow, ...]
    at: Rect
    box: Box


def box_around(lines: Sequence[Line]) -> Box:
    """The smallest box around `lines`, of which there is at least one."""
    return Box(
        min(line.box.x0 for line in lines),
        min(line.box.y0 for line in lines),
        max(line.box.x1 for line in lines),
        max(line.box.y1 for line in lines),
    )


@dataclass(slots=True)
class Region:
    """A candidate: the rectangle from the first to the last rule, and every rule's y."""

    at: Rect
    ys: list[float]


def parts_of(lines: Sequence[Line]) -> list[Line]:
    """Lines cut at every gap that may part cells."""
    return [part for line in lines for part in line.parts or (line,)]


def is_inside(inner: Rect, outer: Rect) -> bool:
    """Whether the middle of `inner` is in `outer`."""
    x, y = (inner.x0 + inner.x1) / 2, (inner.y0 + inner.y1) / 2
    return outer.x0 - 2 <= x <= outer.x1 + 2 and outer.y0 <= y <= outer.y1


def is_inside_x(inner: Rect, outer: Rect) -> bool:
    """Whether `inner` is in the width of `outer`."""
    return outer.x0 - 2 <= inner.x0 and inner.x1 <= outer.x1 + 2


def rows_of(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines on one baseline, from the top, each row from the left."""
    rows: list[list[Line]] = []
    middle = 0.0
    for line in sorted(lines, key=lambda line: line.at.y0 + line.at.y1):
        here = (line.at.y0 + line.at.y1) / 2
        if rows and here - middle <= 0.35 * (line.at.y1 - line.at.y0):
            rows[-1].append(line)
        else:
            rows.append([line])
            middle = here
    for row in rows:
        row.sort(key=lambda line: line.at.x0)
    return rows


def build_table(
    region: Region,
    lines: list[Line],
    rules: tuple[Sequence[Rect], Sequence[Rect]],
    style: Style,
) -> Table | None:
    """The table in a region, or None where its lines don't form one.

    Args:
        region: Where it stands.
        lines: In the region, cut into cells (`parts_of`).
        rules: All horizontal and all vertical ones of the page.
        style: Of the document; it says which hyphens belong to words.
    """
    horizontal, vertical = rules
    rows = rows_of(lines)
    if len(rows) < 2:
        return None
    columns = columns_of(rows)
    cuts = _vertical_cuts(region.at, vertical)
    is_grid = len(cuts) >= 1 and len(cuts) + 1 >= len(columns)
    if is_grid:
        edges = [region.at.x0, *cuts, region.at.x1]
        columns = list(pairwise(edges))
        rows = _by_interval(rows, region.ys)
        n_header = 1
    elif len(region.ys) - 1 >= 0.6 * len(rows):
        rows = _by_interval(rows, region.ys)
        n_header = 1
    else:
        n_header = _n_header_rows(rows, region.ys)
        rows = rows[:n_header] + _with_continuations(rows[n_header:], columns, region.ys)
    if len(columns) < 2 or len(rows) <= n_header or (not is_grid and _is_prose(rows, columns)):
        return None
    body = rows[n_header:]
    cells = _fill_row_spans([_cells(row, columns, style) for row in body])
    kept = [
        TableRow(c, box_around(row), all(line.bold for line in row))
        for c, row in zip(cells, body, strict=True)
        if any(c)
    ]
    head = [line for row in rows[:n_header] for line in row]
    names = _cells(head, columns, style, [r for r in horizontal if is_inside(r, region.at)])
    if (
        not _is_filled([row.cells for row in kept], is_grid)
        or 2 * sum(map(bool, names)) <= len(columns)
        or _is_contents([names, *cells])
    ):
        return None
    header = TableRow(names, box_around(head), all(line.bold for line in head))
    return Table(header, tuple(kept), region.at, box_around(lines))


def _is_filled(rows: list[tuple[str, ...]], is_grid: bool) -> bool:
    """Whether most cells hold something; labels inside a drawing leave most of them empty."""
    shares = [sum(map(bool, row)) / len(row) for row in rows]
    if is_grid:
        return bool(rows) and sum(shares) >= 0.4 * len(rows)
    many = [share for row, share in zip(rows, shares, strict=True) if any(row[1:])]
    first = sum(bool(row[0]) for row in rows)
    return (
        3 * len(many) >= 2 * len(rows) > 0
        and sum(many) >= 0.5 * len(many)
        and first >= 0.6 * len(rows)
    )


def _is_contents(rows: list[tuple[str, ...]]) -> bool:
    """Whether names stand beside growing page numbers, from the first row on."""
    pages = [row[-1] for row in rows if row[-1].isdecimal()]
    numbers = [int(page) for page in pages if len(page) <= _MAX_PAGE_DIGITS]
    return len(rows[0]) == 2 and len(numbers) == len(rows) and numbers == sorted(numbers)


def _fill_row_spans(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """A name that stands alone between rows whose first cell is empty belongs to each of
    them; its own row becomes empty."""
    filled = [list(row) for row in rows]
    for i, row in enumerate(rows):
        if not row[0] or any(row[1:]):
            continue
        reach = 1
        while (
            i - reach >= 0
            and i + reach < len(rows)
            and not filled[i - reach][0]
            and not filled[i + reach][0]
        ):
            filled[i - reach][0] = filled[i + reach][0] = row[0]
            reach += 1
        if reach > 1:
            filled[i] = [""] * len(row)
    return [tuple(row) for row in filled]


def _vertical_cuts(at: Rect, vertical: Sequence[Rect]) -> list[float]:
    """x of the vertical rules inside `at` that together cover most of its height."""
    heights: list[tuple[float, float]] = []
    for rule in sorted(vertical, key=lambda r: r.x0):
        x = (rule.x0 + rule.x1) / 2
        shared = min(rule.y1, at.y1) - max(rule.y0, at.y0)
        if shared <= 0 or not at.x0 + 5 < x < at.x1 - 5:
            continue
        if heights and x - heights[-1][0] <= JOIN_PT:
            heights[-1] = (heights[-1][0], heights[-1][1] + shared)
        else:
            heights.append((x, shared))
    return [x for x, height in heights if height >= 0.6 * (at.y1 - at.y0)]


def columns_of(rows: list[list[Line]]) -> list[tuple[float, float]]:
    """The x ranges of columns: those of the rows with the most cells, then of cells of
    other rows that stand beside them. What spans several columns is left out of account."""
    most = max(len(row) for row in rows)
    typical = [row for row in rows if len(row) >= max(2, 0.7 * most)]
    columns: list[tuple[float, float]] = []
    for x0, x1 in sorted((line.at.x0, line.at.x1) for row in typical for line in row):
        if columns and x0 <= columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], x1))
        else:
            columns.append((x0, x1))
    if 2 * len(columns) < most:
        # Cells of one row cover another's gaps (a ragged table): the longest row decides.
        columns = [(line.at.x0, line.at.x1) for line in max(rows, key=len)]
    for line in (line for row in rows if len(row) < max(2, 0.7 * most) for line in row):
        if all(line.at.x1 < x0 or x1 < line.at.x0 for x0, x1 in columns):
            columns.append((line.at.x0, line.at.x1))
    return sorted(columns)


def _is_prose(rows: list[list[Line]], columns: list[tuple[float, float]]) -> bool:
    lengths: list[list[int]] = [[] for _ in columns]
    for row in rows:
        for line in row:
            lengths[_column_of(line, columns)].append(len(line.text))
    return all(median(column) > MAX_MEDIAN_CHARS_OF_PROSE_CELL for column in lengths if column)


def _column_of(line: Line, columns: list[tuple[float, float]]) -> int:
    return max(
        range(len(columns)),
        key=lambda c: min(line.at.x1, columns[c][1]) - max(line.at.x0, columns[c][0]),
    )


def _by_interval(rows: list[list[Line]], ys: list[float]) -> list[list[Line]]:
    """Rows of a grid: whatever stands between two rules is one row of cells."""
    grouped: dict[int, list[Line]] = {}
    for row in rows:
        for line in row:
            key = bisect_right(ys, (line.at.y0 + line.at.y1) / 2)
            grouped.setdefault(key, []).append(line)
    return [grouped[key] for key in sorted(grouped)]


def _with_continuations(
    rows: list[list[Line]], columns: list[tuple[float, float]], ys: list[float]
) -> list[list[Line]]:
    """Rows with the wrapped lines of their cells: a row whose first column is empty, close
    below another without a rule between, belongs to it."""
    grouped: list[list[Line]] = []
    for row in rows:
        if grouped:
            above = max(line.at.y1 for line in grouped[-1])
            top = row[0].at.y0
            if (
                top - above < 0.4 * (row[0].at.y1 - top)
                and 2 * len(row) <= len(columns)
                and all(
                    touched(line, columns) in ([c] for c in range(1, len(columns))) for line in row
                )
                and not any(above - 2 <= y <= top + 2 for y in ys)
            ):
                grouped[-1].extend(row)
                continue
        grouped.append(list(row))
    return grouped


def touched(line: Line, columns: list[tuple[float, float]]) -> list[int]:
    """The columns that a cell overlaps."""
    return [c for c, (x0, x1) in enumerate(columns) if line.at.x0 < x1 and x0 < line.at.x1]


def _n_header_rows(rows: list[list[Line]], ys: list[float]) -> int:
    """The rows above the second rule are the header, if there are few and a body follows."""
    above = sum(row[0].at.y1 <= ys[1] + 1 for row in rows) if len(ys) > 2 else 0
    return above if 1 <= above <= 4 and above < len(rows) else 1


def _cells(
    lines: Sequence[Line],
    columns: list[tuple[float, float]],
    style: Style,
    groups: Sequence[Rect] = (),
) -> tuple[str, ...]:
    """The text of each column.

    Args:
        lines: Of one row, or of all header rows.
        columns: The x range of each.
        style: Of the document.
        groups: Rules in a header; a name right above one is repeated in the columns that
            the rule spans, so that each column's name is whole.
    """
    cells: list[list[str]] = [[] for _ in columns]
    for line in sorted(lines, key=lambda line: (round(line.at.y0), line.at.x0)):
        # Alone in its row, it names a group.
        under = [_column_of(line, columns) if len(lines) > 1 else 0]
        x, y = (line.at.x0 + line.at.x1) / 2, line.at.y1
        for rule in groups:
            if rule.x0 < x < rule.x1 and -2 <= rule.y0 - y <= 0.6 * (y - line.at.y0):
                spanned = [
                    c for c, (x0, x1) in enumerate(columns) if rule.x0 < (x0 + x1) / 2 < rule.x1
                ]
                under = spanned if 1 < len(spanned) < len(columns) else under
                break
        for c in under:
            cells[c].append(line.text)
    return tuple(_joined(cell, style) for cell in cells)


def _joined(parts: list[str], style: Style) -> str:
    text = ""
    for part in parts:
        if text:
            text, between = joiner(text, part, style)
            text += between
        text += part
    return text
