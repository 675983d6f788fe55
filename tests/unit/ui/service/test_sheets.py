"""The rows around those that a citation points at."""

from __future__ import annotations

import numpy as np

from kb.index.tables import Table, make_column
from ui.service.sheets import sheet_of


def table(n_rows: int, n_a_chunk: int = 100) -> Table:
    """Rows of ten characters, `n_a_chunk` of them in a chunk."""
    places = [(n // n_a_chunk, n % n_a_chunk * 10, n % n_a_chunk * 10 + 10) for n in range(n_rows)]
    names = [f"item {n}" for n in range(n_rows)]
    return Table(
        "aa",
        0,
        "Stock",
        "",
        (),
        (
            make_column("Item", names, range(n_rows)),
            make_column("Weight (kg)", ["5", ""], [-1 if n % 2 else 0 for n in range(n_rows)]),
        ),
        tuple(f"chunk {n}" for n in range(-(-n_rows // n_a_chunk))),
        np.array(places, np.int32),
    )


def test_the_row_that_is_quoted_is_marked_among_all() -> None:
    sheet = sheet_of([table(5)], "chunk 0", (22, 28))
    assert sheet is not None
    assert (sheet.name, sheet.first, sheet.n_rows) == ("Stock", 1, 5)
    assert [row[0] for row in sheet.rows] == [f"item {n}" for n in range(5)]
    assert sheet.rows[0][1] == "5"
    assert sheet.rows[1][1] == ""
    assert sheet.marked == {3}
    assert all("kg" in name for name in sheet.columns[1:])


def test_of_a_long_table_a_window_is_shown() -> None:
    sheet = sheet_of([table(1000)], "chunk 7", (0, 20))
    assert sheet is not None
    assert sheet.marked == {701, 702}
    assert (sheet.first, len(sheet.rows), sheet.n_rows) == (661, 200, 1000)
    last = sheet_of([table(1000)], "chunk 9", (990, 1000))
    assert last is not None
    assert (last.first, last.first + len(last.rows) - 1) == (801, 1000)
    assert last.marked == {1000}


def test_a_chunk_as_a_whole_marks_no_row() -> None:
    sheet = sheet_of([table(1000)], "chunk 3", (0, 0))
    assert sheet is not None
    assert (sheet.first, sheet.marked) == (261, frozenset())


def test_what_is_in_no_table_has_no_rows() -> None:
    assert sheet_of([table(5)], "other", (0, 5)) is None
    assert sheet_of([], "chunk 0", (0, 5)) is None
