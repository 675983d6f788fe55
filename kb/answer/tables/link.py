"""Reads what a question asks of one table: cells, the most of something, a sum, a comparison."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kb.answer.tables.choose import MAX_LISTED_ROWS, Choice, all_of, numbers_of, rows_where
from kb.answer.tables.find import MIN_STRENGTH, FoundWords
from kb.answer.tables.grammar import Act, Mark, Operator
from kb.answer.tables.reading import Asked, Reading
from kb.answer.tables.words import TableIndex
from kb.index.tables import Column, ColumnKind
from kb.text.terms import fold_width

__all__ = ["MAX_QUESTION_CHARS", "read_question"]

_YES_NO = re.compile(
    r"^\W*(?:and |but |so )?(?:is|are|was|were|do|does|did|has|have|had)\b(?!.*\bor\b)|[吗嘛么]\W*$"
)

MAX_QUESTION_CHARS = 300
"""A longer text is no question that one table answers."""


def read_question(text: str, index: TableIndex) -> Reading | None:
    """What `text` asks of a table; None where it is not understood."""
    said = " ".join(fold_width(text).split())
    folded = said.lower()
    if len(folded) != len(said):
        return None
    if len(folded) > MAX_QUESTION_CHARS or not folded.strip() or not index.table.n_rows:
        return None
    words = FoundWords(folded, said, index)
    return _Asking(words).read() if words.take_words() else None


class _Asking:
    def __init__(self, words: FoundWords) -> None:
        self._words = words
        self._choice = Choice(words)
        self._index = words.index
        self._columns = words.columns

    def read(self) -> Reading | None:
        marks = {act: [m for m in self._words.marks if m.act is act] for act in Act}
        is_about = (
            self._words.mentions
            or self._words.cells
            or self._words.concepts
            or self._words.n_context
        )
        if not is_about and not any(mark.concepts for mark in marks[Act.MEASURE]):
            return None
        if marks[Act.COMPARE]:
            compared = self._compared(marks) or self._two_columns(marks)
            if compared is not None or len(marks[Act.COMPARE]) > 1:
                return compared
            # "Sold more than planned": of two columns, not of two rows.
            (mark,) = marks.pop(Act.COMPARE)
            operator = Operator.GT if mark.is_high else Operator.LT
            marks[Act.THAN_COLUMN].append(replace(mark, act=Act.THAN_COLUMN, operator=operator))
        mask = self._choice.matching()
        if mask is None:
            groups = self._choice.groups()
            if len(groups) < 2 or not any(marks[Act.JOIN]):
                return None
            mask = np.logical_or.reduce(groups)
        used: set[int] = set()
        has_condition = bool(self._words.cells)
        for mark in marks[Act.DATE]:
            column = self._words.date_column(mark)
            if column is not None:
                within = self._choice.in_dates(mark, column)
                if within is None:
                    return None
                mask = mask & within
                used.add(column)
                has_condition = True
        for mark in marks[Act.THAN_NUMBER]:
            concepts = mark.concepts
            column = self._choice.measure(concepts, mark.start, unit=mark.unit)
            if column is None:
                return None
            mask = mask & rows_where(self._columns[column], _holds(self._columns[column], mark))
            used.add(column)
            has_condition = True
        for mark in marks[Act.THAN_COLUMN]:
            pair = self._choice.pair(mark)
            if pair is None:
                return None
            left, right = (numbers_of(self._columns[i]) for i in pair)
            with np.errstate(invalid="ignore"):
                mask = mask & (left > right if mark.operator is Operator.GT else left < right)
            used.update(pair)
            has_condition = True
        truths = [
            m for m in self._words.mentions if self._columns[m.column].kind is ColumnKind.TRUTH
        ]
        asks_rows = bool(marks[Act.ASK] or marks[Act.COUNT] or marks[Act.LIST])
        if truths and not self._words.cells and asks_rows and len(truths) == 1:
            column = truths[0].column
            wanted = not marks[Act.NOT]
            mask = mask & self._choice.truths(column, wanted)
            used.add(column)
            has_condition = True
        elif marks[Act.NOT]:
            return None
        reading = self._asked(marks, mask, used, has_condition=has_condition)
        if reading is None or not self._choice.are_named(reading.rows):
            return None
        return reading

    def _asked(
        self,
        marks: dict[Act, list[Mark]],
        mask: NDArray[np.bool_],
        used: set[int],
        *,
        has_condition: bool,
    ) -> Reading | None:
        tops, positions = marks[Act.TOP], marks[Act.POSITION]
        if marks[Act.SUM] or marks[Act.MEAN]:
            if tops or (marks[Act.SUM] and marks[Act.MEAN]):
                return None
            return self._added(marks, mask, used)
        if tops:
            return self._top(marks, mask, used) if len(tops) == 1 and not marks[Act.COUNT] else None
        if positions:
            return self._position(positions[0], marks, mask, used)
        if marks[Act.COUNT]:
            return self._counted(marks, mask, used)
        return self._cells_asked(marks, mask, used, has_condition=has_condition)

    def _added(
        self, marks: dict[Act, list[Mark]], mask: NDArray[np.bool_], used: set[int]
    ) -> Reading | None:
        mean = bool(marks[Act.MEAN])
        mark = (marks[Act.MEAN] or marks[Act.SUM])[0]
        concepts: frozenset[str] = frozenset().union(*(m.concepts for m in marks[Act.MEASURE]))
        said = frozenset(key for key, _ in self._words.concepts)
        if marks[Act.COUNT] and not mean:
            named = [m for m in self._words.mentions if m.column in self._index.numbers]
            if not named:
                return self._counted(marks, mask, used)
        column = self._choice.measure(concepts, mark.end, used=used if not concepts else ())
        if column is None and not concepts and not said:
            money = [i for i in self._index.numbers if "money" in self._index.concepts[i]]
            column = money[0] if len(money) == 1 else None
        if column is None or self._columns[column].kind is not ColumnKind.NUMBER:
            return None
        mask = mask & ~self._index.is_total
        rows = np.flatnonzero(mask & ~np.isnan(numbers_of(self._columns[column])))
        if not len(rows):
            return None
        asked = Asked.MEAN if mean else Asked.SUM
        return self._reading(asked, rows, (column,), used, measure=column)

    def _counted(
        self, marks: dict[Act, list[Mark]], mask: NDArray[np.bool_], used: set[int]
    ) -> Reading | None:
        mark = marks[Act.COUNT][0]
        numbers = [
            m
            for m in self._words.mentions
            if m.column in self._index.numbers and m.column not in used
        ]
        mask = mask & ~self._index.is_total
        rows = np.flatnonzero(mask)
        words = [m for m in self._words.mentions if self._columns[m.column].kind is ColumnKind.TEXT]
        follows = [m for m in words if 0 <= m.start - mark.end <= 4]
        quantities = [i for i in self._index.numbers if "quantity" in self._index.concepts[i]]
        cells_follow = any(0 <= c.word.start - mark.end <= 4 for c in self._words.cells)
        before = [m for m in self._words.mentions if 0 <= mark.start - m.end <= 1]
        if before and before[0].column not in used and self._words.cells and not follows:
            # "细颗粒物有多少？" asks for a cell.
            before[0].strength = max(before[0].strength, MIN_STRENGTH)
            return self._cells_asked(marks, mask, used, has_condition=True)
        counted = [i for i in quantities if mark.unit and self._columns[i].unit == mark.unit]
        if not used and len(counted) == 1 and len(rows):
            asked = Asked.CELLS if len(rows) == 1 else Asked.SUM
            return self._reading(asked, rows, (counted[0],), used, measure=counted[0])
        if not used and not follows:
            column = numbers[0].column if len(numbers) == 1 else None
            is_one = len(rows) == 1 and self._is_key_named()
            is_pieces = cells_follow or is_one or "quantity" in mark.concepts
            if column is None and not numbers and is_pieces and len(quantities) == 1:
                column = quantities[0]
            if column is not None:
                if not len(rows):
                    return None
                asked = Asked.CELLS if len(rows) == 1 else Asked.SUM
                return self._reading(asked, rows, (column,), used, measure=column)
            if numbers or is_one:
                # There is one row of one thing: that is not what is asked.
                return None
        if not (follows or used or self._words.cells or self._words.n_context):
            return None
        distinct = follows[0].column if follows else None
        return self._reading(Asked.COUNT, rows, (), used, distinct=distinct)

    def _is_key_named(self) -> bool:
        """Whether the question names the row by what tells it from the others."""
        keys = self._choice.name_columns()
        return any(column in cell.codes for cell in self._words.cells for column in keys)

    def _top(
        self, marks: dict[Act, list[Mark]], mask: NDArray[np.bool_], used: set[int]
    ) -> Reading | None:
        (mark,) = marks[Act.TOP]
        column = self._choice.measure(mark.concepts, mark.end)
        if column is None and mark.likely:
            column = self._choice.measure(mark.likely, mark.end)
        if column is None:
            return None
        one = self._columns[column]
        is_high = self._choice.is_high(mark, column)
        values = numbers_of(one)
        rows = np.flatnonzero(mask & ~np.isnan(values) & ~self._index.is_total)
        if len(rows) < 2:
            return None
        order = rows[np.argsort(-values[rows] if is_high else values[rows], kind="stable")]
        different = list(dict.fromkeys(values[order].tolist()))
        if mark.rank > len(different):
            return None
        chosen = order[: mark.n] if mark.n > 1 else order[values[order] == different[mark.rank - 1]]
        targets = self._choice.wanted(used | {column}) or self._choice.implied(marks)
        if not targets:
            # "The highest price" is a price, "the cheapest part" is a part.
            named = any(m.column == column and m.strength == 1 for m in self._words.mentions)
            targets = (column,) if named else self._choice.name_columns()
        if len(chosen) > MAX_LISTED_ROWS and targets != (column,):
            return None
        reading = self._reading(Asked.TOP, chosen, targets, {column}, measure=column)
        is_meant = bool(mark.concepts & self._index.concepts[column])
        return replace(reading, n_found=reading.n_found + is_meant)

    def _position(
        self, mark: Mark, marks: dict[Act, list[Mark]], mask: NDArray[np.bool_], used: set[int]
    ) -> Reading | None:
        dates = [i for i, one in enumerate(self._columns) if one.kind is ColumnKind.DATE]
        dates = self._words.dates_named() or dates
        rows = np.flatnonzero(mask & ~self._index.is_total)
        if len(dates) > 1 or len(rows) < 2:
            return None
        if dates:
            values = numbers_of(self._columns[dates[0]])
            rows = rows[~np.isnan(values[rows])]
            if not len(rows):
                return None
            best = values[rows].max() if mark.is_high else values[rows].min()
            chosen = rows[values[rows] == best]
            used = used | {dates[0]}
        else:
            chosen = rows[-1:] if mark.is_high else rows[:1]
        targets = self._choice.wanted(used) or self._choice.implied(marks)
        return self._reading(Asked.CELLS, chosen, targets, used)

    def _cells_asked(
        self,
        marks: dict[Act, list[Mark]],
        mask: NDArray[np.bool_],
        used: set[int],
        *,
        has_condition: bool,
    ) -> Reading | None:
        targets = self._choice.wanted(used)
        measured: frozenset[str] = frozenset().union(*(m.concepts for m in marks[Act.MEASURE]))
        if measured:
            meant = [i for i, found in enumerate(self._index.concepts) if measured & found]
            if len(meant) > 1:
                named = {m.column for m in self._words.mentions}
                meant = [i for i in meant if i in named] or meant
            said = {key for key, _ in self._words.concepts} & {"money", "wage"}
            if not meant and said:
                meant = [i for i in self._index.numbers if said & self._index.concepts[i]]
            if len(meant) == 1:
                targets = tuple(dict.fromkeys((meant[0], *targets)))
            elif meant:
                return None
            else:
                return self._labelled(measured, mask, used)
        elif self._words.concepts and not targets:
            # "What is the weight?" where weight is the name of a row.
            wanted = frozenset(key for key, _ in self._words.concepts)
            if not any(wanted & found for found in self._index.concepts):
                return self._labelled(wanted, mask, used)
        if marks[Act.MEASURE] and not measured and not targets:
            numbers = [i for i in self._index.numbers if i not in used]
            if len(numbers) != 1 and not self._choice.is_pairs():
                return None
            targets = tuple(numbers[:1]) or targets
        targets = self._choice.besides_cells(targets, marks) or self._choice.implied(marks)
        if not has_condition:
            return None
        rows = np.flatnonzero(mask)
        if not len(rows):
            return None
        if not targets:
            if self._choice.is_pairs() and self._words.cells:
                targets = (1,) if self._index.key == 0 else (0,)
            elif marks[Act.LIST] or (used and marks[Act.ASK]):
                targets = () if self._index.key is None else (self._index.key,)
            elif self._choice.names_row(rows):
                targets = tuple(i for i in range(len(self._columns)) if i != self._index.key)[:6]
            else:
                return None
        if (
            not used
            and len(rows) > 1
            and (len(rows) > MAX_LISTED_ROWS or self._choice.is_loose(rows))
        ):
            return None
        is_added = any(mark.is_added for mark in marks[Act.MEASURE])
        if is_added and len(rows) > 1 and targets and targets[0] in self._index.numbers:
            known = ~np.isnan(numbers_of(self._columns[targets[0]])) & ~self._index.is_total
            rows = np.flatnonzero(mask & known)
            return self._reading(Asked.SUM, rows, targets[:1], used, measure=targets[0])
        return self._reading(Asked.CELLS, rows, targets, used)

    def _labelled(
        self, concepts: frozenset[str], mask: NDArray[np.bool_], used: set[int]
    ) -> Reading | None:
        """The row that is named by what is measured: "Weight | 5.4 kg"."""
        key = self._index.key
        if key is None or used:
            return None
        codes = self._words.label_codes(concepts)
        targets = self._choice.wanted({key}) or tuple(
            i for i in range(len(self._columns)) if i != key
        )
        own = [cell.mask for cell in self._words.cells if not cell.is_context]
        masks = [mask, all_of(own) if own else np.ones_like(mask)]
        chosen = [one & self._index.mask({key: codes}) for one in masks] if codes else []
        rows = next((found for one in chosen if len(found := np.flatnonzero(one)) == 1), None)
        if rows is None and own and self._choice.is_pairs():
            # "How long is the warranty?": its value is a length of time.
            found = np.flatnonzero(masks[1])
            if len(found) == 1 and self._choice.is_of(
                self._columns[targets[0]].text(int(found[0])), concepts
            ):
                rows = found
        if rows is None or len(targets) > 3:
            return None
        reading = self._reading(Asked.CELLS, rows, targets, set())
        return replace(reading, n_found=reading.n_found + 1)

    def _compared(self, marks: dict[Act, list[Mark]]) -> Reading | None:
        mark = marks[Act.COMPARE][0]
        groups = self._choice.groups()
        concepts = frozenset().union(*(m.concepts for m in marks[Act.COMPARE]))
        if len(groups) != 2 or any(group.sum() != 1 for group in groups):
            return None
        rows = np.array([int(np.flatnonzero(group)[0]) for group in groups])
        unit = next((m.unit for m in marks[Act.COMPARE] if m.unit), "")
        column = self._choice.measure(concepts, mark.end, unit=unit)
        if column is None and mark.likely and not concepts:
            column = self._choice.measure(mark.likely, mark.end, unit=unit)
        if column is None or rows[0] == rows[1]:
            return None
        first, second = (float(number) for number in numbers_of(self._columns[column])[rows])
        if np.isnan(first) or np.isnan(second):
            return None
        is_high = self._choice.is_high(mark, column)
        is_so = (first > second if is_high else first < second) if self._is_yes_no() else None
        return replace(
            self._reading(Asked.COMPARE, rows, (column,), set(), measure=column, is_high=is_high),
            is_so=is_so,
        )

    def _is_yes_no(self) -> bool:
        """Whether it is asked if one thing is more than another, and not which of two."""
        return _YES_NO.search(self._words.text) is not None

    def _two_columns(self, marks: dict[Act, list[Mark]]) -> Reading | None:
        """Two cells of the one row that is named: "how many more in spring than in autumn"."""
        mark = marks[Act.COMPARE][0]
        mask = self._choice.matching()
        pair = self._choice.two_columns()
        if len(marks[Act.COMPARE]) != 1 or mask is None or pair is None:
            return None
        rows = np.flatnonzero(mask & ~self._index.is_total)
        if len(rows) != 1 or not self._words.cells:
            return None
        first, second = (float(numbers_of(self._columns[i])[rows[0]]) for i in pair)
        if np.isnan(first) or np.isnan(second):
            return None
        is_so = (first > second if mark.is_high else first < second) if self._is_yes_no() else None
        reading = self._reading(Asked.GAP, rows, pair, set(), is_high=mark.is_high)
        return replace(reading, is_so=is_so)

    def _reading(
        self,
        asked: Asked,
        rows: NDArray[np.intp],
        targets: tuple[int, ...],
        used: Iterable[int],
        *,
        measure: int | None = None,
        distinct: int | None = None,
        is_high: bool = True,
    ) -> Reading:
        key = self._index.key
        matched = [i for cell in self._words.cells for i in self._choice.holding(cell, rows)]
        names = [i for i in self._index.texts if "item" in self._index.concepts[i]][:1]
        shown = dict.fromkeys([*([] if key is None else [key]), *names, *matched, *sorted(used)])
        by_place: dict[int, float] = {}
        asked_for = {*targets, *used, measure, distinct}
        for one in self._words.mentions:
            if one.column in asked_for:
                by_place[one.start] = max(by_place.get(one.start, 0.0), one.strength)
        closeness = self._choice.closeness(rows) if self._words.cells else 0.0
        n_found = len(self._words.cells) + sum(by_place.values()) + closeness
        return Reading(
            self._words.table,
            asked,
            rows,
            targets,
            tuple(i for i in shown if i not in targets),
            measure,
            distinct,
            n_found,
            is_high,
        )


def _holds(column: Column, mark: Mark) -> NDArray[np.bool_]:
    numbers = column.numbers
    with np.errstate(invalid="ignore"):
        if len(mark.numbers) == 2:
            low, high = sorted(mark.numbers)
            return (numbers >= low) & (numbers <= high)
        (value,) = mark.numbers
        match mark.operator:
            case Operator.GT:
                return numbers > value
            case Operator.GE:
                return numbers >= value
            case Operator.LT:
                return numbers < value
            case Operator.LE:
                return numbers <= value
            case _:
                return np.equal(numbers, value)
