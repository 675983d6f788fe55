"""Labels with their values on a picture, a form or a chart, told by where they stand.

A value belongs to the label at its left on the same line. Numbers over or under a line of labels
belong to the label in whose column they stand; where several do, as in a grouped bar chart, they
are those of a legend of as many names, in its order. Numbers that lie along a line in proportion
to their place are an axis, and no values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import numpy as np

from kb.text.scripts import COMMON_HAN
from kb.types import Box, Chunk

__all__ = ["Cell", "Pair", "Placed", "read"]

_PRINTED_NUMBER = re.compile(
    r"[-−+~≈<>]?\s*+(?:[$€£¥￥]\s*+)?(\d[\d,]*+(?:\.\d++)?)\s*+(?:%|‰|[A-Za-zµμ°][\w°/²³%]{0,5}"
    rf"|(?![月日号季])[{COMMON_HAN}]{{1,2}})?"
)
_YEAR = re.compile(r"(?:19|20)\d\d年?")
_LETTER = re.compile(r"[^\W\d_]")
_IS_SENTENCE = re.compile(r"[.!?。！？；;,，][\"'”’」』)\]）]*$")
_MAX_LABEL_CHARS = 40
# Shares of a line's height.
_ROW_SHARE = 0.5
_LEFT_SHARE = 0.6
_GAP_SHARE = 0.8
# How far even steps may differ, as a share of their median; and an axis from a straight line.
_UNEVEN = 0.25
_OFF_AXIS = 0.03
_MIN_CHART = 3
_MIN_COLUMN = 3
# A page with more is no chart and no form.
_MAX_CELLS = 300


class Cell(NamedTuple):
    """Characters of a text that stand in one place; `box` is in the units of the chunk's boxes."""

    text: str
    start: int
    end: int
    box: Box

    @property
    def x(self) -> float:
        return (self.box.x0 + self.box.x1) / 2

    @property
    def y(self) -> float:
        return (self.box.y0 + self.box.y1) / 2

    @property
    def height(self) -> float:
        return self.box.y1 - self.box.y0

    @property
    def number(self) -> float | None:
        """The number that it is, its unit aside; None where it is more than a number."""
        match = _PRINTED_NUMBER.fullmatch(self.text.strip())
        return float(match[1].replace(",", "")) if match else None


class Pair(NamedTuple):
    """A label with its value; `series` names it in the legend of a grouped chart."""

    label: Cell
    value: Cell
    series: Cell | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """What is told by place on one chunk.

    Attributes:
        form: Labels with what is written beside them.
        chart: Labels at even distances with a number each, or one for each series.
        is_grouped: There are several numbers to a label; without a legend, `chart` is empty then.
    """

    form: tuple[Pair, ...] = ()
    chart: tuple[Pair, ...] = ()
    is_grouped: bool = False


def read(chunk: Chunk) -> Placed:
    """The pairs of `chunk`, by the boxes of its spans; none where it has no boxes."""
    cells = [
        Cell(chunk.text[span.start : span.end], span.start, span.end, span.locator.boxes[0])
        for span in chunk.spans
        if len(span.locator.boxes) == 1 and span.locator.page == chunk.locator.page
    ]
    if len(cells) > _MAX_CELLS:
        return Placed()
    rows = _rows(cells)
    beside = _in_columns([pair for row in rows for pair in _beside(row, cells)])
    bars = _bars([pair for pair in beside if pair.value.number is not None])
    if bars:
        rest = [pair for pair in beside if pair not in bars]
        return Placed(tuple(rest), tuple(bars))
    labelled = {pair.value for pair in beside}
    numbers = [cell for cell in cells if cell.number is not None and cell not in labelled]
    years = [row for row in rows if _is_years(row)]
    axis = _axis([number for number in numbers if not any(number in row for row in years)])
    values = [number for number in numbers if number not in axis]
    names = [_names(row) for row in rows] + years
    for labels in sorted(names, key=len, reverse=True):
        columns = _columns(labels, [value for value in values if value not in labels])
        if columns is None:
            continue
        taken = {*labels, *values}
        form = [pair for pair in beside if pair.label not in taken]
        n = len(columns[0])
        if n == 1:
            pairs = [Pair(label, *column) for label, column in zip(labels, columns, strict=True)]
            return Placed(tuple(form), tuple(pairs))
        legend = _legend(n, labels, cells, rows)
        grouped = [
            Pair(label, value, series)
            for label, column in zip(labels, columns, strict=True)
            for value, series in zip(column, legend or (), strict=bool(legend))
        ]
        form = [pair for pair in form if pair.label not in (legend or ())]
        return Placed(tuple(form), tuple(grouped), is_grouped=True)
    return Placed(tuple(beside))


def _rows(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells on one line, from left to right; lines from the top."""
    rows: list[list[Cell]] = []
    for cell in sorted(cells, key=lambda cell: cell.y):
        row = next((row for row in rows[-3:] if _is_level(row[-1], cell)), None)
        if row is None:
            rows.append([cell])
        else:
            row.append(cell)
    return [sorted(row, key=lambda cell: cell.box.x0) for row in rows]


def _is_level(one: Cell, other: Cell) -> bool:
    return abs(one.y - other.y) <= _ROW_SHARE * min(one.height, other.height)


def _is_label(cell: Cell) -> bool:
    text = cell.text.strip()
    return (
        cell.number is None
        and len(text) <= _MAX_LABEL_CHARS
        and _LETTER.search(text) is not None
        and not text[0].islower()
        and not _IS_SENTENCE.search(text)
    )


def _beside(row: Sequence[Cell], cells: Sequence[Cell]) -> Iterator[Pair]:
    """The first label of a line with what stands beside it, and any other with its number."""
    for index, (label, value) in enumerate(pairwise(row)):
        is_value = index == 0 or value.number is not None
        if is_value and _is_label(label) and value.box.x0 >= label.box.x1 - label.height:
            yield Pair(label, _whole(value, cells))


def _whole(value: Cell, cells: Sequence[Cell]) -> Cell:
    """`value` with the lines below that go on with it, up to the next line that has a label."""
    last = value
    lines = sorted((cell for cell in cells if cell.start >= value.end), key=lambda cell: cell.start)
    for line in lines:
        is_below = 0 <= line.y - last.y <= (1 + _GAP_SHARE) * value.height
        is_under = abs(line.box.x0 - value.box.x0) <= _LEFT_SHARE * value.height
        at_left = any(_is_level(cell, line) and cell.box.x1 <= line.box.x0 for cell in cells)
        if not (is_below and is_under) or at_left or line.number is not None:
            break
        last = line
    if last is value:
        return value
    # Only where the text runs through: what is quoted is a range of it.
    inside = [cell for cell in cells if value.start <= cell.start < last.end]
    text = " ".join(cell.text for cell in sorted(inside, key=lambda cell: cell.start))
    return Cell(text, value.start, last.end, value.box)


def _in_columns(pairs: Sequence[Pair]) -> list[Pair]:
    """`pairs` without two captions that happen to stand on a line, and without a table of
    contents: labels of words stand under each other, and its numbers do not fall."""

    def is_under(pair: Pair, other: Pair) -> bool:
        return abs(pair.label.box.x0 - other.label.box.x0) <= pair.label.height

    kept = [
        pair
        for pair in pairs
        if pair.value.number is not None
        or sum(is_under(pair, other) for other in pairs) >= _MIN_COLUMN
    ]
    numbered = [pair for pair in kept if pair.value.number is not None]
    numbers = [pair.value.number or 0 for pair in numbered]
    edges = [pair.value.box.x1 for pair in numbered]
    is_contents = (
        len(numbered) >= _MIN_COLUMN
        and numbers == sorted(numbers)
        and all(pair.value.text.strip().isdigit() for pair in numbered)
        and max(edges) - min(edges) <= numbered[0].value.height
    )
    return [pair for pair in kept if pair not in numbered] if is_contents else kept


def _bars(pairs: Sequence[Pair]) -> list[Pair]:
    """The longest run of `pairs` whose lines are evenly spaced; none of fewer than three."""
    best: list[Pair] = []
    for first in range(len(pairs)):
        for last in range(len(pairs), first + max(_MIN_CHART, len(best) + 1) - 1, -1):
            run = pairs[first:last]
            if _is_even([pair.label.y for pair in run]):
                best = list(run)
                break
    return best


def _is_even(places: Sequence[float]) -> bool:
    steps = [after - before for before, after in pairwise(places)]
    if not steps:
        return False
    middle = median(steps)
    return middle > 0 and all(abs(step - middle) <= _UNEVEN * middle for step in steps)


def _is_years(row: Sequence[Cell]) -> bool:
    """Whether a line is the years under a chart, which are names and no values."""
    return len(row) >= _MIN_CHART and all(_YEAR.fullmatch(cell.text.strip()) for cell in row)


def _axis(numbers: Sequence[Cell]) -> set[Cell]:
    """The numbers of axes."""
    found: set[Cell] = set()
    for one in numbers:
        column = [
            cell for cell in numbers if abs(cell.box.x1 - one.box.x1) <= _LEFT_SHARE * one.height
        ]
        row = [cell for cell in numbers if _is_level(cell, one)]
        for line, places in ((column, [c.y for c in column]), (row, [c.x for c in row])):
            if len(line) >= _MIN_CHART and _is_scale(places, [cell.number or 0 for cell in line]):
                found.update(line)
                if line is column:
                    found.update(_beyond(line, numbers))
    return found


def _beyond(axis: Sequence[Cell], numbers: Sequence[Cell]) -> Iterator[Cell]:
    """Numbers that go on with an upright axis, though they do not end where its others do: the
    "0" below "5,000" where they are centred."""
    left, right = min(cell.box.x0 for cell in axis), max(cell.box.x1 for cell in axis)
    values = [cell.number or 0 for cell in axis]
    fit = np.polynomial.Polynomial.fit([cell.y for cell in axis], values, 1)
    extent = max(values) - min(values)
    for cell in numbers:
        is_under = left <= cell.x <= right
        if is_under and abs(fit(cell.y) - (cell.number or 0)) <= _OFF_AXIS * extent:
            yield cell


def _is_scale(places: Sequence[float], numbers: Sequence[float]) -> bool:
    """Whether numbers are a linear function of their places."""
    extent = max(numbers) - min(numbers)
    if extent == 0 or max(places) == min(places):
        return False
    fit = np.polynomial.Polynomial.fit(places, numbers, 1)
    return bool(np.max(np.abs(fit(np.array(places)) - numbers)) <= _OFF_AXIS * extent)


def _names(row: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in row if _is_label(cell)]


def _columns(labels: Sequence[Cell], values: Sequence[Cell]) -> list[list[Cell]] | None:
    """For each of `labels`, the values in its column from left to right, as many for each; None
    where they are not all in columns, or there are fewer than three."""
    if len(labels) < 2 or len(values) < _MIN_CHART or not _is_even([one.x for one in labels]):
        return None
    half = (labels[-1].x - labels[0].x) / (len(labels) - 1) / 2
    columns: list[list[Cell]] = [[] for _ in labels]
    for value in values:
        near = min(range(len(labels)), key=lambda index: abs(labels[index].x - value.x))
        if abs(labels[near].x - value.x) > half:
            return None
        columns[near].append(value)
    sides = {value.y < labels[0].y for value in values}
    if len(sides) > 1 or len({len(column) for column in columns}) > 1 or not columns[0]:
        return None
    return [sorted(column, key=lambda cell: cell.x) for column in columns]


def _legend(
    n: int, labels: Sequence[Cell], cells: Sequence[Cell], rows: Sequence[Sequence[Cell]]
) -> list[Cell] | None:
    """The `n` names of the series: on one line, or under each other at the right of the chart;
    None where there is no such line, or more than one."""
    lines = [names for row in rows if len(names := _names(row)) == n and names[0] not in labels]
    at_right = [cell for cell in cells if cell.box.x0 > labels[-1].box.x1 and _is_label(cell)]
    column = sorted(at_right, key=lambda cell: cell.y)
    if len(column) == n and _is_even([cell.y for cell in column]):
        lines.append(column)
    return lines[0] if len(lines) == 1 else None
