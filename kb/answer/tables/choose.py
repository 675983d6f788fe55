"""Chooses the rows and the columns that the words found in a table mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from kb.answer.tables.find import MIN_STRENGTH, Cell, FoundWords
from kb.answer.tables.grammar import Act, Mark, Operator, days_meant, is_yearless
from kb.answer.tables.lexicon import CONCEPTS, stems_of
from kb.answer.tables.words import (
    FUNCTION,
    is_han,
)
from kb.index.tables import Column, ColumnKind
from kb.text.terms import fold_width
from kb.text.values import parse_date, parse_number, truth

__all__ = ["MAX_LISTED_ROWS", "Choice", "all_of", "numbers_of", "rows_where"]

MAX_LISTED_ROWS = 50
"""More rows are no answer to a question without a condition on numbers."""

_MIN_CLOSENESS = 0.5
# A word that is less of every cell that has it was found in prose, which has most words.
_MIN_SHARE = 0.2
# What stands between "highest" and what it is the highest of.
_MAX_GAP = 4
# Of counted things, which are no unit of measure.
_COUNTERS = frozenset("件 个 台 只 册 人 pcs".split())
_GENERIC_CONCEPTS = frozenset({"size", "area", "capacity", "score", "share", "quantity"})


class Choice:
    """Rows and columns of the table whose words are `words`."""

    def __init__(self, words: FoundWords) -> None:
        self._words = words
        self._index = words.index
        self._columns = words.columns

    def matching(self) -> NDArray[np.bool_] | None:
        """Rows that hold the words that stand in cells; None where none holds them together."""
        if not self._words.cells:
            return np.ones(self._words.table.n_rows, np.bool_)
        mask = all_of(cell.mask for cell in self._words.cells)
        chosen = self._words.cells
        if not mask.any():
            chosen = [cell for cell in self._words.cells if not cell.is_context]
            mask = all_of(cell.mask for cell in chosen) if chosen else mask
        if not mask.any():
            return None
        return self._exact(mask, chosen)

    def _exact(self, mask: NDArray[np.bool_], cells: Sequence[Cell]) -> NDArray[np.bool_]:
        """Of rows that hold the words, those of which a cell is no more than the words, if any:
        "Power", and not "Power supply"."""
        asked = {(stems_of(c.word.text) or (c.word.text,))[0] for c in cells}
        joined = "".join(c.word.text for c in cells if is_han(c.word.text))
        best = np.zeros_like(mask)
        for i in self._index.texts:
            codes = {code for cell in cells for code in cell.codes.get(i, ())}
            column = self._columns[i]
            whole = set()
            for code in codes:
                value = fold_width(column.values[code]).lower()
                stems = set(stems_of(value))
                is_whole = value in joined if is_han(value) else stems <= asked | {"the", "a"}
                if is_whole and all(code in cell.codes.get(i, ()) or True for cell in cells):
                    whole.add(code)
            if whole:
                best |= self._index.mask({i: whole})
        best &= mask
        return best if best.any() else mask

    def groups(self) -> list[NDArray[np.bool_]]:
        """Rows of each part of a list: "the X and the Y"."""
        joints = [mark.start for mark in self._words.marks if mark.act is Act.JOIN]
        parts: dict[int, list[Cell]] = {}
        for cell in self._words.cells:
            parts.setdefault(sum(joint < cell.word.start for joint in joints), []).append(cell)
        groups = []
        for cells in parts.values():
            own = [cell for cell in cells if not cell.is_context] or cells
            mask = all_of(cell.mask for cell in own)
            if mask.any():
                groups.append(self._exact(mask, own))
        return groups

    def in_dates(self, mark: Mark, column: int) -> NDArray[np.bool_] | None:
        """Rows whose date is meant; None for "before August" where the dates are of more than
        one year."""
        one = self._columns[column]
        is_number = one.kind is ColumnKind.NUMBER
        is_limit = mark.operator is not Operator.EQ
        needs_year = is_limit and is_yearless(mark.numbers) and not is_number
        meant = days_meant(mark, _only_year(one) if needs_year else None)
        if meant is None:
            return None
        first, last = meant
        if is_number:
            low = dt.date.fromordinal(int(first)).year if first > 0 else 0
            return rows_where(
                one, (one.numbers >= low) & (one.numbers <= dt.date.fromordinal(int(last)).year)
            )
        if is_yearless(mark.numbers) and not is_limit:
            chosen = np.zeros(len(one.values), np.bool_)
            for code, value in enumerate(one.values):
                date = parse_date(value, day_first=one.day_first)
                if date is not None:
                    day = date.replace(year=4).toordinal()
                    chosen[code] = first <= day <= last
            return rows_where(one, chosen)
        return rows_where(one, (one.numbers >= first) & (one.numbers <= last))

    def truths(self, column: int, wanted: bool) -> NDArray[np.bool_]:
        one = self._columns[column]
        return rows_where(one, np.array([truth(value) is wanted for value in one.values]))

    def measure(
        self, concepts: frozenset[str], near: int, *, used: Iterable[int] = (), unit: str = ""
    ) -> int | None:
        """The column of numbers that is meant; None where none is, or more than one."""
        used = set(used)
        numeric = [i for i in self._index.numbers if i not in used]
        if concepts & {"date", "year", "age"}:
            numeric += [
                i
                for i, one in enumerate(self._columns)
                if one.kind is ColumnKind.DATE
                or (one.kind is ColumnKind.NUMBER and {"date", "year"} & self._index.concepts[i])
            ]
            if "age" not in frozenset().union(*(self._index.concepts[i] for i in numeric)):
                concepts = concepts | {"date", "year"}
        if unit and unit not in _COUNTERS:
            fits = [i for i in numeric if _same_unit(self._columns[i].unit, unit)]
            numeric = fits or self._without_unit(numeric, unit)
        named = [one for one in self._words.mentions if one.column in numeric]
        if concepts:
            meant = [i for i in numeric if concepts & self._index.concepts[i]]
            both = [one.column for one in named if one.column in meant]
            if len(both) == 1 or len(meant) == 1:
                return both[0] if len(both) == 1 else meant[0]
            if not meant and "price" in concepts:
                meant = [i for i in numeric if "money" in self._index.concepts[i]]
                if len(meant) == 1:
                    return meant[0]
            if meant or not concepts <= _GENERIC_CONCEPTS:
                strong = [one for one in named if one.column in meant and one.strength == 1.0]
                if len(strong) == 1:
                    return strong[0].column
                return None
        if named:
            best = max(one.strength for one in named)
            named = [one for one in named if one.strength == best]
            named.sort(key=lambda one: (one.start < near, abs(one.start - near)))
            if len(named) > 1 and named[0].start == named[1].start:
                return None
            return named[0].column
        if self._is_other_named(near):
            return None
        if len(numeric) == 1:
            return numeric[0]
        money = [i for i in numeric if "money" in self._index.concepts[i]]
        if unit and len(money) == 1:
            return money[0]
        return None

    def _without_unit(self, columns: Sequence[int], unit: str) -> list[int]:
        """Of `columns` those without a unit that may be of what `unit` measures: days are not
        the number of a zone."""
        bare = [i for i in columns if not self._columns[i].unit]
        measured = {key for key, one in CONCEPTS.items() if unit.casefold() in one.units}
        if not measured:
            return bare
        named = {one.column for one in self._words.mentions}
        return [i for i in bare if measured & self._index.concepts[i] or i in named]

    def _is_other_named(self, near: int) -> bool:
        """Whether what follows at `near` is a column of words that has numbers in it: its numbers
        are asked for, and no others."""
        for one in self._words.mentions:
            column = self._columns[one.column]
            if column.kind is ColumnKind.TEXT and 0 <= one.start - near <= _MAX_GAP:
                n = sum(parse_number(value) is not None for value in column.values)
                if 2 * n >= len(column.values):
                    return True
        return False

    def pair(self, mark: Mark) -> tuple[int, int] | None:
        """The two columns of "the stock is below the reorder level"."""
        numbers = self._index.numbers
        named = [one for one in self._words.mentions if one.column in numbers]
        after = sorted((m for m in named if m.end > mark.end), key=lambda m: (-m.strength, m.start))
        before = [
            m for m in named if m.end <= mark.end and m.column != (after[0].column if after else -1)
        ]
        if not after:
            return None
        right = after[0].column
        others = [i for i in numbers if i != right]
        if len(before) == 1:
            return before[0].column, right
        same = [i for i in others if self._columns[i].unit == self._columns[right].unit]
        return (same[0], right) if len(same) == 1 else None

    def two_columns(self) -> tuple[int, int] | None:
        """The two columns of numbers in the same unit of which the question says most, in the
        order in which it says what tells them apart; None where it tells no two apart."""
        numbers = self._index.numbers
        named = [one for one in self._words.mentions if one.column in numbers]
        named.sort(key=lambda one: -one.strength)
        if len(named) < 2 or (len(named) > 2 and named[2].strength >= named[1].strength):
            return None
        one, other = named[:2]
        if self._columns[one.column].unit != self._columns[other.column].unit:
            return None
        own = [
            min(first.words - second.words, default=first.start)
            for first, second in ((one, other), (other, one))
        ]
        return (one.column, other.column) if own[0] < own[1] else (other.column, one.column)

    def wanted(self, used: Iterable[int]) -> tuple[int, ...]:
        """Columns that the question names and that are no part of a condition."""
        used = set(used)
        cells = {i for cell in self._words.cells for i in cell.codes}
        named = [
            m for m in self._words.mentions if m.column not in used and m.strength >= MIN_STRENGTH
        ]
        exact = [m for m in named if m.strength == 1.0] or named
        exact.sort(key=lambda m: m.start)
        free = [m.column for m in exact if m.column not in cells]
        return tuple(dict.fromkeys(free or [m.column for m in exact]))

    def implied(self, marks: dict[Act, list[Mark]]) -> tuple[int, ...]:
        """The column that "who", "where" and "when" ask for."""
        for mark in marks[Act.ASK]:
            wanted = set(mark.concepts)
            if not wanted:
                continue
            if "date" in wanted:
                dates = [i for i, one in enumerate(self._columns) if one.kind is ColumnKind.DATE]
                dates = dates or [
                    i for i, found in enumerate(self._index.concepts) if found & {"date", "year"}
                ]
                return tuple(dates) if len(dates) == 1 else ()
            if "person" in wanted:
                wanted |= {"customer", "employee", "teacher", "student", "author", "supplier"}
            if "place" in wanted:
                wanted |= {"city", "country", "region", "warehouse", "room"}
            if "person" in wanted and self._index.names_people and self._index.key is not None:
                return (self._index.key,)
            meant = [i for i in self._index.texts if wanted & self._index.concepts[i]]
            return tuple(meant) if len(meant) == 1 else ()
        return ()

    def besides_cells(
        self, targets: tuple[int, ...], marks: dict[Act, list[Mark]]
    ) -> tuple[int, ...]:
        """`targets`; the column that "who" asks for in place of columns of which the question
        gives the cells: "who is on duty on Monday?"."""
        given = {i for cell in self._words.cells for i in cell.codes}
        is_given = bool(targets) and set(targets) <= given
        return (self.implied(marks) or targets) if is_given else targets

    def is_pairs(self) -> bool:
        """Whether the table is a list of properties, a name and a value a row."""
        return len(self._columns) == 2

    def is_loose(self, rows: NDArray[np.intp]) -> bool:
        """Whether the words that were found are the lesser part of each cell that has them."""
        return self.closeness(rows) < _MIN_CLOSENESS

    def closeness(self, rows: NDArray[np.intp]) -> float:
        """The largest share of a cell that the words in it are, in [0, 1]."""
        asked, parts = self._said()
        best = 0.0
        for i in {i for cell in self._words.cells for i in cell.codes}:
            for row in rows[:MAX_LISTED_ROWS]:
                value = fold_width(self._columns[i].text(int(row))).lower()
                best = max(best, _share(value, asked, parts))
        return best

    def _said(self) -> tuple[set[str], list[str]]:
        """The words that stand in cells: their stems, and those that are Chinese."""
        asked = {stem for cell in self._words.cells for stem in stems_of(cell.word.text)[:1]}
        return asked, [cell.word.text for cell in self._words.cells if is_han(cell.word.text)]

    def are_named(self, rows: NDArray[np.intp]) -> bool:
        """Whether each word that was found in cells is a fair part of one: what a long cell says
        names no row."""
        asked, parts = self._said()
        for cell in self._words.cells:
            shares = (
                _share(fold_width(self._columns[i].text(int(row))).lower(), asked, parts)
                for i, codes in cell.codes.items()
                for row in rows[:MAX_LISTED_ROWS]
                if int(self._columns[i].codes[row]) in codes
            )
            if not cell.is_context and max(shares, default=1.0) < _MIN_SHARE:
                return False
        return True

    def names_row(self, rows: NDArray[np.intp]) -> bool:
        """Whether the question names one row by its whole first cell."""
        key = self._index.key
        if len(rows) != 1 or key is None or not self._words.cells:
            return False
        cell = set(stems_of(self._columns[key].text(int(rows[0])).lower()))
        asked = {stem for one in self._words.cells for stem in stems_of(one.word.text)}
        return bool(cell) and cell <= asked

    @staticmethod
    def is_of(text: str, concepts: frozenset[str]) -> bool:
        """Whether a cell is a number with a unit of what is measured."""
        number = parse_number(text)
        return number is not None and any(
            number.unit.casefold() in CONCEPTS[key].units for key in concepts
        )

    def is_high(self, mark: Mark, column: int) -> bool:
        # Who is older was born earlier.
        is_born = "age" in mark.concepts and {"date", "year"} & self._index.concepts[column]
        return not mark.is_high if is_born else mark.is_high

    def name_columns(self) -> tuple[int, ...]:
        """What says which row it is: a column of names, else the one that names the rows."""
        names = [i for i in self._index.texts if "item" in self._index.concepts[i]]
        return tuple(names[:1]) or (() if self._index.key is None else (self._index.key,))

    def holding(self, cell: Cell, rows: NDArray[np.intp]) -> list[int]:
        return [
            i
            for i, codes in cell.codes.items()
            if len(rows) and all(int(code) in codes for code in self._columns[i].codes[rows[:20]])
        ]


def all_of(masks: Iterable[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    first, *rest = masks
    found = first.copy()
    for mask in rest:
        found &= mask
    return found


def _only_year(column: Column) -> int | None:
    """The year of all dates of a column; None where they are of several, or there are none."""
    known = column.numbers[~np.isnan(column.numbers)]
    years = {dt.date.fromordinal(int(day)).year for day in known}
    return years.pop() if len(years) == 1 else None


def rows_where(column: Column, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """bool ``(n_rows,)``: rows whose value is chosen."""
    return np.append(chosen, False)[column.codes]


def numbers_of(column: Column) -> NDArray[np.float64]:
    """float64 ``(n_rows,)``: NaN for a cell without a number."""
    return np.append(column.numbers, np.nan)[column.codes]


def _share(value: str, asked: Set[str], parts: Sequence[str]) -> float:
    """The share of a cell that the words of a question are, in [0, 1].

    Args:
        asked: Their stems.
        parts: Those that are Chinese.
    """
    if is_han(value):
        return min(sum(len(part) for part in parts if part in value) / len(value), 1.0)
    stems = [s for s in stems_of(value) if s not in FUNCTION]
    # "IT" is a word of grammar, unless it is the whole cell.
    return sum(s in asked for s in stems) / len(stems) if stems else 1.0


def _same_unit(one: str, other: str) -> bool:
    alike = {
        "千克": "kg",
        "公斤": "kg",
        "克": "g",
        "米": "m",
        "厘米": "cm",
        "毫米": "mm",
        "公里": "km",
    }
    first, second = (alike.get(unit, unit).casefold() for unit in (one, other))
    return first == second
