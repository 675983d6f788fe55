"""Tables on a page, found from their rules and the alignment of their cells.

PyMuPDF's `find_tables` takes about a second a page, forty times what reading and drawing
the page take, so tables are found here from what was read anyway. Both full grids and the
three-rule tables of scientific print are found; a table without any rule stays text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ingest.parsers.pdf_text import Line
from ingest.reading_order import Rect, union
from kb.types import Box

__all__ = ["Table", "TableRow", "box_around", "find_tables"]

MAX_THICKNESS_PT = 3.0
JOIN_PT = 3.0
MIN_WIDTH_PT = 60.0
# Both columns of a two-column page between two rules look like a table with long cells.
MAX_MEDIAN_CHARS_OF_PROSE_CELL = 25
_NUMBER = re.compile(r"(\d+\.?)+|[A-Z](\.\d+)*")


@dataclass(frozen=True, slots=True)
class TableRow:
    """Cells from the left, one for each column, and the box around their text."""

    cells: tuple[str, ...]
    box: Box


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


def find_tables(lines: Sequence[Line], rules: Sequence[Rect]) -> tuple[list[Table], list[Line]]:
    """The tables of a page, from the top, and the lines that are in none."""
    if len(rules) < 2 or len(lines) < 4:
        return [], list(lines)
    drawn = [r for r in rules if r.y1 - r.y0 <= MAX_THICKNESS_PT < r.x1 - r.x0]
    horizontal = _joined(drawn)
    vertical = [r for r in rules if r.x1 - r.x0 <= MAX_THICKNESS_PT < r.y1 - r.y0]
    rest = [line for line in lines if line.upright]
    tables: list[Table] = []
    taken: set[int] = set()
    for stack in _stacks([r for r in horizontal if r.x1 - r.x0 >= MIN_WIDTH_PT]):
        for region in _regions(stack, rest):
            inside = [line for line in rest if _is_inside(line.at, region.at)]
            if any(id(line) in taken for line in inside):
                continue
            table = _table(region, _parts(inside), drawn, vertical)
            if table is not None:
                tables.append(table)
                taken.update(map(id, inside))
    tables.sort(key=lambda table: (table.at.y0, table.at.x0))
    return tables, [line for line in lines if id(line) not in taken]


@dataclass(slots=True)
class _Region:
    """A candidate: the rectangle from the first to the last rule, and every rule's y."""

    at: Rect
    ys: list[float]


def _parts(lines: Sequence[Line]) -> list[Line]:
    return [part for line in lines for part in line.parts or (line,)]


def _is_inside(inner: Rect, outer: Rect) -> bool:
    x, y = (inner.x0 + inner.x1) / 2, (inner.y0 + inner.y1) / 2
    return outer.x0 - 2 <= x <= outer.x1 + 2 and outer.y0 <= y <= outer.y1


def _joined(rules: list[Rect]) -> list[Rect]:
    """Horizontal rules, with those on one height that touch made one."""
    joined: list[Rect] = []
    for rule in sorted(rules, key=lambda r: (round((r.y0 + r.y1) / 4), r.x0)):
        last = joined[-1] if joined else None
        if (
            last is not None
            and abs((last.y0 + last.y1) - (rule.y0 + rule.y1)) <= 4
            and rule.x0 <= last.x1 + JOIN_PT
        ):
            joined[-1] = union([last, rule])
        else:
            joined.append(rule)
    return sorted(joined, key=lambda r: r.y0)


def _stacks(rules: list[Rect]) -> list[list[Rect]]:
    """Rules one above the other with the same two ends; shorter ones inside are left out
    (they group columns of a header)."""
    stacks: list[list[Rect]] = []
    for rule in rules:
        for stack in stacks:
            first = stack[0]
            slack = max(4.0, 0.02 * (first.x1 - first.x0))
            if abs(first.x0 - rule.x0) <= slack and abs(first.x1 - rule.x1) <= slack:
                stack.append(rule)
                break
        else:
            stacks.append([rule])
    return [stack for stack in stacks if len(stack) >= 2]


def _regions(stack: list[Rect], lines: Sequence[Line]) -> list[_Region]:
    """Runs of intervals between rules that hold cells and not prose."""
    regions: list[_Region] = []
    current: _Region | None = None
    for above, below in zip(stack, stack[1:], strict=False):
        interval = Rect(
            min(above.x0, below.x0),
            (above.y0 + above.y1) / 2,
            max(above.x1, below.x1),
            (below.y0 + below.y1) / 2,
        )
        if _holds_cells([line for line in lines if _is_inside(line.at, interval)], interval):
            if current is None:
                current = _Region(interval, [interval.y0])
            current.at = union([current.at, interval])
            current.ys.append(interval.y1)
        elif current is not None:
            regions.append(current)
            current = None
    return regions if current is None else [*regions, current]


def _holds_cells(lines: list[Line], interval: Rect) -> bool:
    rows = _rows(_parts(lines))
    if not rows:
        return interval.y1 - interval.y0 < 30
    n_cells = sum(len(row) >= 2 and not _is_heading(row) for row in rows)
    if n_cells == 0:
        # A row that is one cell across: a group's name.
        return len(rows) == 1 and len(rows[0][0].text) <= 60
    return n_cells >= 0.4 * len(rows)


def _is_heading(row: list[Line]) -> bool:
    """A number and a name in bold, set apart by a gap: a section's heading."""
    number, *name = row
    return len(name) == 1 and number.bold and name[0].bold and bool(_NUMBER.fullmatch(number.text))


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
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


def _table(
    region: _Region, lines: list[Line], horizontal: Sequence[Rect], vertical: Sequence[Rect]
) -> Table | None:
    rows = _rows(lines)
    if len(rows) < 2:
        return None
    columns = _columns(rows)
    cuts = _vertical_cuts(region.at, vertical)
    is_grid = len(cuts) >= 1 and len(cuts) + 1 >= len(columns)
    if is_grid:
        edges = [region.at.x0, *cuts, region.at.x1]
        columns = list(zip(edges, edges[1:], strict=False))
        rows = _by_interval(rows, region.ys)
        n_header = 1
    else:
        n_header = _n_header_rows(rows, region.ys)
        rows = rows[:n_header] + _with_continuations(rows[n_header:], columns, region.ys)
    if len(columns) < 2 or len(rows) <= n_header or (not is_grid and _is_prose(rows, columns)):
        return None
    body = [(_cells(row, columns), box_around(row)) for row in rows[n_header:]]
    cells = _fill_row_spans([cells for cells, _ in body])
    kept = [TableRow(c, box) for c, (_, box) in zip(cells, body, strict=True) if any(c)]
    if not _is_filled([row.cells for row in kept], is_grid):
        return None
    head = [line for row in rows[:n_header] for line in row]
    names = _cells(head, columns, groups=[r for r in horizontal if _is_inside(r, region.at)])
    if 2 * sum(map(bool, names)) <= len(columns):
        return None
    header = TableRow(names, box_around(head))
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


def _columns(rows: list[list[Line]]) -> list[tuple[float, float]]:
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
                    _touched(line, columns) in ([c] for c in range(1, len(columns))) for line in row
                )
                and not any(above - 2 <= y <= top + 2 for y in ys)
            ):
                grouped[-1].extend(row)
                continue
        grouped.append(list(row))
    return grouped


def _touched(line: Line, columns: list[tuple[float, float]]) -> list[int]:
    return [c for c, (x0, x1) in enumerate(columns) if line.at.x0 < x1 and x0 < line.at.x1]


def _n_header_rows(rows: list[list[Line]], ys: list[float]) -> int:
    """The rows above the second rule are the header, if there are few and a body follows."""
    above = sum(row[0].at.y1 <= ys[1] + 1 for row in rows) if len(ys) > 2 else 0
    return above if 1 <= above <= 4 and above < len(rows) else 1


def _cells(
    lines: Sequence[Line],
    columns: list[tuple[float, float]],
    groups: Sequence[Rect] = (),
) -> tuple[str, ...]:
    """The text of each column.

    Args:
        lines: Of one row, or of all header rows.
        columns: The x range of each.
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
    return tuple(_joined_text(cell) for cell in cells)


def _joined_text(parts: list[str]) -> str:
    text = ""
    for part in parts:
        if text.endswith("-") and len(text) > 1 and text[-2].isalpha() and part[0].islower():
            text = text[:-1] + part
        else:
            text = f"{text} {part}" if text else part
    return text
