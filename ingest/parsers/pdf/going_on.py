"""Tables that go on on the next page without naming their columns again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ingest.parsers.pdf.cells import Table, TableRow
from ingest.parsers.pdf.layout import Block, Heading, Paragraph

__all__ = ["TableCarrier"]

_SAME_PT = 6.0
# Between two parts of a table stand a page's footer and header at most.
_MAX_LINES_BETWEEN = 2
_DIGIT = re.compile(r"\d")
_MOSTLY = 0.7


class TableCarrier:
    """Gives the tables of pages, which come in order, the header that they go on under."""

    def __init__(self) -> None:
        self._last: Table | None = None
        self._page = 0

    def carried(self, number: int, blocks: Sequence[Block]) -> list[Block]:
        """The blocks of page `number`, its first table with the header of the last one of the page
        before, if it goes on from there."""
        result = list(blocks)
        places = [i for i, block in enumerate(blocks) if isinstance(block, Table)]
        if places:
            first = blocks[places[0]]
            assert isinstance(first, Table)
            if (
                self._last is not None
                and self._page == number - 1
                and _is_beside(blocks[: places[0]])
                and _goes_on(self._last, first)
            ):
                result[places[0]] = replace(
                    first,
                    header=TableRow(self._last.header.cells, None, self._last.header.bold),
                    rows=(first.header, *first.rows),
                )
        self._last = None
        if places and _is_beside(blocks[places[-1] + 1 :]):
            last = result[places[-1]]
            assert isinstance(last, Table)
            self._last, self._page = last, number
        return result


def _is_beside(blocks: Sequence[Block]) -> bool:
    """Whether no more than a page's header or footer stands between a table and its edge."""
    return len(blocks) <= _MAX_LINES_BETWEEN and all(
        isinstance(block, Paragraph) and len(block.rows) == 1 and not isinstance(block, Heading)
        for block in blocks
    )


def _goes_on(last: Table, first: Table) -> bool:
    names, row = last.header.cells, first.header.cells
    if len(names) != len(row) or names == row:
        return False
    if abs(last.at.x0 - first.at.x0) > _SAME_PT or abs(last.at.x1 - first.at.x1) > _SAME_PT:
        return False
    if last.header.bold != first.header.bold:
        # Names in bold above rows that are not.
        return last.header.bold
    if first.header.bold and not any(one.bold for one in first.rows):
        return False
    body = [one.cells for one in (*last.rows, *first.rows)]
    told = [
        i
        for i, name in enumerate(names)
        if not _DIGIT.search(name)
        and sum(bool(_DIGIT.search(cells[i])) for cells in body) >= _MOSTLY * len(body)
    ]
    # Where values stand in a column, its name has no digit and its first row has.
    return not told or any(_DIGIT.search(row[i]) for i in told)
