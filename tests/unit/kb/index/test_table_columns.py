"""What kind of cells a column has."""

from __future__ import annotations

import pytest

from kb.index.tables import ColumnKind, make_column


@pytest.mark.parametrize("unknown", ["n/a", "-", "TBD", "未知"])
def test_numbers_with_some_not_known_are_numbers(unknown: str) -> None:
    column = make_column("Yield (t/ha)", ["8.1", "6.4", unknown], [0, 1, 2, 2])
    assert column.kind is ColumnKind.NUMBER
    assert [n > 0 for n in column.numbers] == [True, True, False]


def test_words_among_numbers_are_words() -> None:
    column = make_column("Yield", ["8.1", "6.4", "about 5"], [0, 1, 2])
    assert column.kind is ColumnKind.TEXT


def test_a_column_of_nothing_known_is_of_words() -> None:
    assert make_column("Yield", ["n/a", "-"], [0, 1]).kind is not ColumnKind.NUMBER
