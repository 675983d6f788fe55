"""A table as it is kept beside the chunks of its document: typed columns, and where each row
stands in a chunk, so that an answer can show it.

A column holds each different text once and a number a row, so a million rows of few words cost
a few megabytes.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.text.values import parse_date, parse_number, split_unit, truth

__all__ = ["Column", "ColumnKind", "RowPlace", "Table", "make_column", "pack", "unpack"]

# So large a share of a column's cells must be of one kind for it to be of that kind.
_MIN_SHARE = 0.9
# What stands in a cell of which the value is not known.
_UNKNOWN = frozenset(
    "n/a na n.a. nil none null unknown tbd tba tbc pending ? - – — … ... 无 未知 待定 不详 暂无"
    " 无数据".split()
)
_N_LOOKED_AT = 500
_FORMAT = 1


class ColumnKind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TRUTH = "truth"


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: As the table has it, its unit taken out; of two header rows both, joined by a blank.
        unit: Of its numbers: from its name, else from its cells where they all have one.
        values: Each different text in it, as the cells have it.
        codes: int32 ``(n_rows,)``: which of `values` each row has, −1 for an empty cell.
    """

    name: str
    unit: str
    kind: ColumnKind
    values: tuple[str, ...]
    codes: NDArray[np.int32]
    decimal_comma: bool = False
    day_first: bool = True

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """float64 ``(len(values),)``: a NUMBER's values, a DATE's as days since year 1; NaN for
        what is none."""
        if self.kind is ColumnKind.NUMBER:
            found = [parse_number(v, decimal_comma=self.decimal_comma) for v in self.values]
            return np.array([np.nan if n is None else n.value for n in found], np.float64)
        if self.kind is ColumnKind.DATE:
            dates = [parse_date(v, day_first=self.day_first) for v in self.values]
            return np.array([np.nan if d is None else d.toordinal() for d in dates], np.float64)
        return np.full(len(self.values), np.nan)

    def text(self, row: int) -> str:
        """The cell of a row, or nothing."""
        code = int(self.codes[row])
        return self.values[code] if code >= 0 else ""


@dataclass(frozen=True, slots=True)
class RowPlace:
    """A row in the text of a chunk: ``chunk.text[start:end]``."""

    chunk_id: str
    start: int
    end: int


@dataclass(frozen=True)
class Table:
    """A table of a document.

    Attributes:
        name: Of the table itself: its caption, or the sheet it is on.
        title: Of the document.
        headings: Above it, outermost first.
        chunk_ids: The chunks that its rows stand in.
        places: int32 ``(n_rows, 3)``: number in `chunk_ids`, start and end in its text.
    """

    document_sha256: str
    ordinal: int
    name: str
    title: str
    headings: tuple[str, ...]
    columns: tuple[Column, ...]
    chunk_ids: tuple[str, ...]
    places: NDArray[np.int32]

    @property
    def n_rows(self) -> int:
        return len(self.places)

    def place(self, row: int) -> RowPlace:
        """Where a row stands."""
        chunk, start, end = (int(n) for n in self.places[row])
        return RowPlace(self.chunk_ids[chunk], start, end)


def make_column(name: str, values: Sequence[str], codes: Sequence[int] | array[int]) -> Column:
    """A column with the kind that most of its cells have.

    Args:
        name: As it stands in the header.
        values: Each different text of its cells.
        codes: Which of `values` each row has, −1 for an empty cell.
    """
    rows = np.array(codes, np.int32)
    counts = np.bincount(rows[rows >= 0], minlength=len(values)) if len(values) else np.empty(0)
    known = np.array([value.strip().casefold() not in _UNKNOWN for value in values], np.bool_)
    counts = counts[: len(values)] * known
    total = int(counts.sum())
    plain, unit = split_unit(name)
    if not total:
        return Column(name, "", ColumnKind.TEXT, tuple(values), rows)

    def share(found: Sequence[object]) -> float:
        return (
            float(sum(n for n, one in zip(counts, found, strict=True) if one is not None)) / total
        )

    if all(truth(value) is not None for value in values):
        return Column(name, "", ColumnKind.TRUTH, tuple(values), rows)
    # Long columns of words are told by their beginning.
    first = values[:_N_LOOKED_AT]
    if not any(parse_number(v) or parse_date(v) or parse_date(v, day_first=False) for v in first):
        return Column(name, "", ColumnKind.TEXT, tuple(values), rows)
    comma = _has_decimal_comma(values)
    numbers = [parse_number(value, decimal_comma=comma) for value in values]
    units = {one.unit.casefold(): one.unit for one in numbers if one is not None and one.unit}
    if share(numbers) >= _MIN_SHARE and len(units) <= 1:
        own = next(iter(units.values()), "")
        kept = (plain, unit) if unit else (name, own)
        return Column(*kept, ColumnKind.NUMBER, tuple(values), rows, decimal_comma=comma)
    day_first = not any(
        parse_date(v) is None and parse_date(v, day_first=False) is not None for v in values
    )
    if share([parse_date(value, day_first=day_first) for value in values]) >= _MIN_SHARE:
        return Column(name, "", ColumnKind.DATE, tuple(values), rows, day_first=day_first)
    return Column(name, "", ColumnKind.TEXT, tuple(values), rows)


def _has_decimal_comma(values: Sequence[str]) -> bool:
    """Whether some cell can only be read with a comma before the fraction: ``0,5``, ``1.234,5``."""
    for value in values:
        whole, comma, fraction = value.strip().rpartition(",")
        digits = "".join(char for char in fraction if char.isdigit())
        n_after = len(digits) if fraction[: len(digits)] == digits else 0
        if comma and whole[-1:].isdigit() and n_after and n_after != 3 and "," not in whole:
            return True
    return False


def pack(table: Table) -> bytes:
    """`table` as bytes, for `unpack`."""
    head = {
        "format": _FORMAT,
        "name": table.name,
        "title": table.title,
        "headings": table.headings,
        "chunk_ids": table.chunk_ids,
        "n_rows": table.n_rows,
        "columns": [
            {
                "name": one.name,
                "unit": one.unit,
                "kind": one.kind,
                "values": one.values,
                "decimal_comma": one.decimal_comma,
                "day_first": one.day_first,
            }
            for one in table.columns
        ],
    }
    text = json.dumps(head, ensure_ascii=False).encode()
    arrays = [np.ascontiguousarray(one.codes, "<i4").tobytes() for one in table.columns]
    arrays.append(np.ascontiguousarray(table.places, "<i4").tobytes())
    return zlib.compress(len(text).to_bytes(8, "little") + text + b"".join(arrays), 1)


def unpack(data: bytes, document_sha256: str, ordinal: int) -> Table:
    """What `pack` packed.

    Raises:
        ValueError: It is something else.
    """
    try:
        raw = zlib.decompress(data)
        n_head = int.from_bytes(raw[:8], "little")
        head: dict[str, Any] = json.loads(raw[8 : 8 + n_head])
        n_rows = int(head["n_rows"])
        numbers = np.frombuffer(raw, "<i4", offset=8 + n_head).astype(np.int32, copy=False)
        n_columns = len(head["columns"])
        codes = numbers[: n_rows * n_columns].reshape(n_columns, n_rows)
        places = numbers[n_rows * n_columns :].reshape(n_rows, 3)
        columns = tuple(
            Column(
                one["name"],
                one["unit"],
                ColumnKind(one["kind"]),
                tuple(one["values"]),
                codes[i],
                one["decimal_comma"],
                one["day_first"],
            )
            for i, one in enumerate(head["columns"])
        )
        return Table(
            document_sha256,
            ordinal,
            head["name"],
            head["title"],
            tuple(head["headings"]),
            columns,
            tuple(head["chunk_ids"]),
            places,
        )
    except (zlib.error, KeyError, TypeError) as error:
        raise ValueError(f"no table as this program writes it: {error}") from error
