"""Where a table's names end and its rows begin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from kb.text.values import parse_date, parse_number

__all__ = ["N_LOOKED_AT", "Header", "find_header"]

N_LOOKED_AT = 50
"""So many rows are enough to tell."""
_MAX_PREAMBLE = 20
_YEAR = re.compile(r"(?:19|20)\d\d\Z")


class Header(NamedTuple):
    """What stands above a table's rows.

    Attributes:
        preamble: How many rows come before the names: a title, a date, a note.
        names: Of the columns, those of two header rows joined; empty where there are none.
        n_names: How many rows the names take: 0, 1 or 2.
    """

    preamble: int
    names: tuple[str, ...]
    n_names: int


def find_header(rows: Sequence[Sequence[str]]) -> Header:
    """The header among the first `rows` of a table, which are not blank.

    Rows of clearly fewer cells than the others have come before the names. Names are words or
    years, but no other numbers and no dates; where one occurs twice, they are names only if some
    column below them is of numbers or dates. A second row of names stands under a first one with
    gaps (cells that span columns) when values stand below it.
    """
    if not rows:
        return Header(0, (), 0)
    first = _first_row(rows)
    names = tuple(rows[first])
    body = rows[first + 1 :]
    if not _are_names(names, body):
        return Header(0, (), 0)
    if _is_second(names, body):
        joined, above = [], ""
        for upper, lower in zip(names, body[0], strict=False):
            above = upper or above
            joined.append(" ".join(dict.fromkeys(part for part in (above, lower) if part)))
        return Header(first, tuple(joined), 2)
    return Header(first, names, 1)


def _n_filled(row: Sequence[str]) -> int:
    # A text that spans cells may stand in each of them.
    return len({cell for cell in row if cell}) if len(set(row)) == 1 else sum(map(bool, row))


def _first_row(rows: Sequence[Sequence[str]]) -> int:
    usual = median(_n_filled(row) for row in rows[-max(1, len(rows) - 1) :])
    for index, row in enumerate(rows[: _MAX_PREAMBLE + 1]):
        n_filled = _n_filled(row)
        is_apart = n_filled * 2 <= usual or (n_filled < usual and any(map(_is_no_name, row)))
        if usual < 2 or not is_apart:
            return index
    return 0


def _is_value(cell: str) -> bool:
    return bool(cell) and (parse_number(cell) is not None or parse_date(cell) is not None)


def _is_no_name(cell: str) -> bool:
    return _is_value(cell) and not _YEAR.match(cell)


def _are_names(names: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    given = [name for name in names if name]
    if not given or any(map(_is_no_name, given)):
        return False
    words = [name for name in given if not _YEAR.match(name)]
    if not words and len(given) == len(names):
        return False
    return len(set(given)) == len(given) or _stands_above_values(words and names, body)


def _stands_above_values(names: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether values are most of what stands below one of `names`."""
    for i, name in enumerate(names):
        below = [row[i] for row in body if i < len(row) and row[i]]
        if name and below and 2 * sum(map(_is_value, below)) > len(below):
            return True
    return False


def _is_second(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    if len(body) < 2:
        return False
    second = body[0]
    filled = [name for name in first if name]
    has_gaps = any(not name for name in first[1:]) or len(set(filled)) < len(filled)
    if not has_gaps or len(second) < len(first) or _n_filled(second) < 2:
        return False
    if any(map(_is_no_name, second)):
        return False
    return _stands_above_values(second, body[1:])
