"""Rows of a sheet or of a file of records, around those that a citation points at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kb import Table

__all__ = ["Sheet", "sheet_of"]

# Around the first row that is marked.
_N_BEFORE = 40
_N_ROWS = 200
_MAX_CELL_CHARS = 2_000


@dataclass(frozen=True)
class Sheet:
    """A window on a table.

    Attributes:
        columns: Names, with the unit where there is one.
        rows: Of the window; each has a cell for each of `columns`.
        first: Number of the first of `rows`, from 1.
        n_rows: Of the whole table.
        marked: Numbers of the rows that are pointed at, from 1.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    first: int
    n_rows: int
    marked: frozenset[int]


def sheet_of(tables: Sequence[Table], chunk_id: str, quoted: tuple[int, int]) -> Sheet | None:
    """The table whose rows stand in a chunk, from a little above those that are pointed at; None
    where no table's do.

    Args:
        quoted: ``(start, end)`` in the chunk's text; where they are the same, no row is marked.
    """
    start, end = quoted
    for table in tables:
        if chunk_id not in table.chunk_ids:
            continue
        number = table.chunk_ids.index(chunk_id)
        in_chunk = table.places[:, 0] == number
        touched = in_chunk & (table.places[:, 1] < end) & (table.places[:, 2] > start)
        marked = [int(row) for row in touched.nonzero()[0]] if start < end else []
        inside = marked or [int(row) for row in in_chunk.nonzero()[0]]
        if not inside:
            continue
        first = max(0, min(inside[0] - _N_BEFORE, table.n_rows - _N_ROWS))
        last = min(table.n_rows, first + _N_ROWS)
        return Sheet(
            name=table.name,
            columns=tuple(
                f"{one.name} ({one.unit})" if one.unit and one.unit not in one.name else one.name
                for one in table.columns
            ),
            rows=tuple(
                tuple(_cell(table, column, row) for column in range(len(table.columns)))
                for row in range(first, last)
            ),
            first=first + 1,
            n_rows=table.n_rows,
            marked=frozenset(row + 1 for row in marked),
        )
    return None


def _cell(table: Table, column: int, row: int) -> str:
    made = table.columns[column]
    code = int(made.codes[row])
    return made.values[code][:_MAX_CELL_CHARS] if code >= 0 else ""
