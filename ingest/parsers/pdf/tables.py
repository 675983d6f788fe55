"""Tables on a page, found from their rules and the alignment of their cells.

PyMuPDF's `find_tables` takes about a second a page, forty times what reading and drawing
the page take, so tables are found here from what was read anyway. Full grids, ruled rows and
the three-rule tables of scientific print are found; a table without any rule stays text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ingest.decode.reading_order import Rect, union
from ingest.parsers.pdf.cells import (
    Region,
    Table,
    build_table,
    columns_of,
    is_inside,
    is_inside_x,
    parts_of,
    rows_of,
    touched,
)
from ingest.parsers.pdf.style import Style
from ingest.parsers.pdf.text import Line

__all__ = ["find_tables"]

MAX_THICKNESS_PT = 3.0
JOIN_PT = 3.0
MIN_WIDTH_PT = 60.0
MAX_EMPTY_PT = 30.0  # Between two rules of one table.

_NUMBER = re.compile(r"(?:\d++\.?)++|[A-Z](?:\.\d++)*+")


def find_tables(
    lines: Sequence[Line], rules: Sequence[Rect], style: Style
) -> tuple[list[Table], list[Line]]:
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
            inside = _inside(region, rest)
            if any(id(line) in taken for line in inside):
                continue
            table = build_table(region, parts_of(inside), (drawn, vertical), style)
            if table is not None:
                tables.append(table)
                taken.update(map(id, inside))
    tables.sort(key=lambda table: (table.at.y0, table.at.x0))
    return tables, [line for line in lines if id(line) not in taken]


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


def _regions(stack: list[Rect], lines: Sequence[Line]) -> list[Region]:
    """Runs of intervals between rules that hold cells and not prose."""
    regions: list[Region] = []
    current: Region | None = None
    size = 0.0
    for above, below in pairwise(stack):
        interval = Rect(
            min(above.x0, below.x0),
            (above.y0 + above.y1) / 2,
            max(above.x1, below.x1),
            (below.y0 + below.y1) / 2,
        )
        inside = [line for line in lines if is_inside(line.at, interval)]
        if _holds_cells(inside, interval, size):
            if current is None:
                current = Region(interval, [interval.y0])
            current.at = union([current.at, interval])
            current.ys.append(interval.y1)
            size = max((line.size for line in inside), default=size)
        elif current is not None:
            regions.append(current)
            current = None
            size = 0.0
    return regions if current is None else [*regions, current]


def _holds_cells(lines: list[Line], interval: Rect, size: float) -> bool:
    """Whether an interval holds rows of cells; `size` is the font size of the cells above."""
    rows = rows_of(parts_of(lines))
    if not rows:
        return interval.y1 - interval.y0 < MAX_EMPTY_PT
    n_cells = sum(len(row) >= 2 and not _is_heading(row) for row in rows)
    if n_cells == 0:
        # A row that is one cell across: a group's name, unless it is a heading in between.
        name = rows[0][0]
        return len(rows) == 1 and len(name.text) <= 60 and name.size <= 1.1 * size
    # Rows of one cell are the wrapped lines of another; prose would fill the width.
    width = interval.x1 - interval.x0
    return n_cells >= 0.4 * len(rows) or all(
        len(row) > 1 or row[0].at.x1 - row[0].at.x0 < 0.5 * width for row in rows
    )


def _inside(region: Region, lines: Sequence[Line]) -> list[Line]:
    """The lines of a region, which grows by a first or last row without an outer rule."""
    inside = [line for line in lines if is_inside(line.at, region.at)]
    columns = columns_of(rows_of(parts_of(inside))) if inside else []
    if len(columns) < 2 or len(region.ys) < 3:
        return inside
    at = region.at
    size = max(line.size for line in inside)
    for line_rows in (
        rows_of([x for x in lines if x.at.y1 <= at.y0 + 2 and x.at.y1 > at.y0 - 2 * size])[-1:],
        rows_of([x for x in lines if x.at.y0 >= at.y1 - 2 and x.at.y0 < at.y1 + 2 * size])[:1],
    ):
        row = [line for line in line_rows[0] if is_inside_x(line.at, at)] if line_rows else []
        cells = parts_of(row)
        homes = [touched(cell, columns) for cell in cells]
        if (
            len(cells) >= 2
            and all(len(home) == 1 for home in homes)
            and len({home[0] for home in homes}) == len(cells)
            and all(cell.size <= 1.1 * size and len(cell.text) <= 60 for cell in cells)
        ):
            inside.extend(row)
            region.at = union([region.at, *(line.at for line in row)])
    region.ys = sorted({region.at.y0, *region.ys, region.at.y1})
    return inside


def _is_heading(row: list[Line]) -> bool:
    """A number and a name in bold, set apart by a gap: a section's heading."""
    number, *name = row
    return len(name) == 1 and number.bold and name[0].bold and bool(_NUMBER.fullmatch(number.text))
