"""An answer from a table in words: the value first, then the rows it comes from, each cited."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kb.answer.tables.reading import Asked, Reading
from kb.index.tables import Column, ColumnKind, RowPlace
from kb.text.markdown import escape_markdown
from kb.text.terms import Language
from kb.text.values import CURRENCIES

__all__ = ["Piece", "say"]

MAX_ROWS = 10
"""So many rows are shown; of the others it is said how many they are."""
_MAX_PAIRS = 4
_POINT = re.compile(r"^(\d{1,20})\\([.)])(?=\S)")
_MONEY = frozenset(CURRENCIES.values())
_WORDS = {
    Language.ENGLISH: {
        "sum": "sum of {name} over {n}",
        "mean": "average of {name} over {n}",
        "row": "1 row",
        "rows": "{n:,} rows",
        "count": "{n}",
        "distinct": "{n:,} different values of {name}, in {rows}",
        "more": "and {n:,} more",
        "difference": "difference {value}",
        "equal": "no difference",
        "yes": "Yes: ",
        "no": "No: ",
        "pair": ": ",
        "next": "; ",
    },
    Language.CHINESE: {
        "sum": "{n}的{name}之和",
        "mean": "{n}的{name}平均值",
        "row": "1 行",
        "rows": "{n:,} 行",
        "count": "{n}",
        "distinct": "{name}有 {n:,} 个不同的值，共 {rows}",
        "more": "另有 {n:,} 行",
        "difference": "相差 {value}",
        "equal": "没有差别",
        "yes": "是：",
        "no": "否：",
        "pair": "：",
        "next": "；",
    },
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Text, and the rows that it rests on: their citation follows it."""

    text: str
    places: tuple[RowPlace, ...] = ()


def say(reading: Reading, language: Language) -> Iterator[Piece]:
    """The answer as Markdown, a piece for each row or line."""
    words = _WORDS[language]
    match reading.asked:
        case Asked.CELLS | Asked.TOP if len(reading.rows) == 1:
            yield _one(reading, int(reading.rows[0]), words)
        case Asked.CELLS | Asked.TOP:
            yield from _rows(reading, words)
        case Asked.COMPARE:
            yield from _comparison(reading, words)
        case Asked.GAP:
            yield from _gap(reading, words)
        case Asked.COUNT:
            yield from _count(reading, words)
        case Asked.SUM | Asked.MEAN:
            yield from _computed(reading, words)


def _one(reading: Reading, row: int, words: dict[str, str]) -> Piece:
    columns = reading.table.columns
    wanted = [i for i in reading.targets if columns[i].text(row)]
    if not wanted and reading.measure is not None:
        wanted = [reading.measure]
    if not wanted:
        wanted = list(reading.shown[:1])
    value = words["next"].join(_named(columns[i], row, words) for i in wanted[:_MAX_PAIRS])
    places = (reading.table.place(row),)
    extra = [] if reading.measure is None else [reading.measure]
    # The value stands in front already; what the row is called speaks for itself, a number not.
    beside = [i for i in _beside(reading, row, [*reading.shown, *extra]) if i not in wanted]
    pairs = [
        _escape(columns[i].text(row))
        if columns[i].kind is ColumnKind.TEXT or len(columns) == 2
        else _pair(columns[i], row, words)
        for i in beside
    ]
    if not pairs:
        return Piece(value, places)
    return Piece(f"{value} — {words['next'].join(pairs)}", places)


def _named(column: Column, row: int, words: dict[str, str]) -> str:
    """A cell, behind its column's name where a number does not say what it counts, as a price
    does."""
    cell = _cell(column, row)
    is_clear = column.kind is not ColumnKind.NUMBER or column.unit in _MONEY or not column.name
    if is_clear or any(sign in cell for sign in CURRENCIES):
        return cell
    return f"{_escape(column.name.replace('_', ' '))}{words['pair']}{cell}"


def _beside(reading: Reading, row: int, columns: Sequence[int]) -> list[int]:
    chosen = list(dict.fromkeys(i for i in columns if reading.table.columns[i].text(row)))
    return sorted(chosen[:_MAX_PAIRS])


def _pair(column: Column, row: int, words: dict[str, str]) -> str:
    cell = _cell(column, row)
    return f"{_escape(column.name)}{words['pair']}{cell}" if column.name else cell


def _columns_shown(reading: Reading) -> list[int]:
    wanted = [*reading.targets, *reading.shown]
    if reading.measure is not None:
        wanted.append(reading.measure)
    return list(dict.fromkeys(wanted))[:6]


def _rows(reading: Reading, words: dict[str, str]) -> Iterator[Piece]:
    """A table of the rows, the asked columns first; where they all say the same, that alone."""
    columns = reading.table.columns
    rows = [int(row) for row in reading.rows]
    is_one_value = reading.asked is Asked.CELLS or reading.targets == (reading.measure,)
    if len(reading.targets) == 1 and is_one_value:
        said = dict.fromkeys(_cell(columns[reading.targets[0]], row) for row in rows)
        if len(said) == 1 and next(iter(said)):
            places = tuple(reading.table.place(row) for row in rows[:MAX_ROWS])
            yield Piece(f"{next(iter(said))} ({_n_rows(len(rows), words)})", places)
            return
    yield from _table(reading, rows, _columns_shown(reading), words)


def _table(
    reading: Reading, rows: Sequence[int], shown: Sequence[int], words: dict[str, str]
) -> Iterator[Piece]:
    columns = reading.table.columns
    names = [_escape(columns[i].name) for i in shown]
    yield Piece("| " + " | ".join(names) + " |\n|" + " --- |" * len(shown))
    for row in rows[:MAX_ROWS]:
        cells = [_cell(columns[i], row) for i in shown]
        # The citation stands in the last cell.
        yield Piece("\n| " + " | ".join(cells), (reading.table.place(row),))
        yield Piece(" |")
    if len(rows) > MAX_ROWS:
        yield Piece("\n\n" + words["more"].format(n=len(rows) - MAX_ROWS))


def _count(reading: Reading, words: dict[str, str]) -> Iterator[Piece]:
    rows = [int(row) for row in reading.rows]
    table = reading.table
    shown = list(reading.shown)
    if reading.distinct is not None:
        column = table.columns[reading.distinct]
        different = list(dict.fromkeys(column.text(row) for row in rows if column.text(row)))
        n, shown = len(different), [reading.distinct, *shown]
        if n != len(rows):
            name = _escape(column.name)
            inside = _n_rows(len(rows), words)
            yield Piece(f"{n:,} ({words['distinct'].format(n=n, name=name, rows=inside)})", ())
            yield Piece("\n\n")
            yield from _table(reading, rows, list(dict.fromkeys(shown))[:5], words)
            return
    yield Piece(f"{len(rows):,}")
    if rows:
        yield Piece("\n\n")
        yield from _table(reading, rows, list(dict.fromkeys(shown))[:5], words)


def _computed(reading: Reading, words: dict[str, str]) -> Iterator[Piece]:
    assert reading.measure is not None
    column = reading.table.columns[reading.measure]
    rows = [int(row) for row in reading.rows]
    numbers = [float(column.numbers[column.codes[row]]) for row in rows]
    total = sum(numbers)
    value = total / len(numbers) if reading.asked is Asked.MEAN else total
    how = words["mean" if reading.asked is Asked.MEAN else "sum"].format(
        name=_escape(column.name), n=_n_rows(len(rows), words)
    )
    decimals = max((_decimals(column.text(row)) for row in rows), default=0)
    if reading.asked is Asked.MEAN:
        decimals = min(max(decimals, 2), 4)
    yield Piece(f"{_number(value, decimals, column.unit)} ({how})\n\n")
    shown = list(dict.fromkeys([*reading.shown, reading.measure]))[-5:]
    yield from _table(reading, rows, shown, words)


def _comparison(reading: Reading, words: dict[str, str]) -> Iterator[Piece]:
    assert reading.measure is not None
    table = reading.table
    column = table.columns[reading.measure]
    rows = [int(row) for row in reading.rows]
    numbers = {row: float(column.numbers[column.codes[row]]) for row in rows}
    rows.sort(key=lambda row: -numbers[row] if reading.is_high else numbers[row])
    key = next((i for i in reading.shown if i != reading.measure), reading.measure)
    for number, row in enumerate(rows):
        name = _escape(table.columns[key].text(row))
        before = words["next"] if number else _verdict(reading, words)
        yield Piece(f"{before}{name}{words['pair']}{_cell(column, row)}", (table.place(row),))
    first, second = rows
    gap = abs(numbers[first] - numbers[second])
    decimals = max(_decimals(column.text(row)) for row in rows)
    if column.kind is ColumnKind.DATE:
        said = words["difference"].format(value=f"{int(gap)} d") if gap else words["equal"]
    else:
        said = _difference(gap, decimals, column.unit, words)
    yield Piece(f" ({said})")


def _verdict(reading: Reading, words: dict[str, str]) -> str:
    return "" if reading.is_so is None else words["yes" if reading.is_so else "no"]


def _difference(gap: float, decimals: int, unit: str, words: dict[str, str]) -> str:
    if not gap:
        return words["equal"]
    return words["difference"].format(value=_number(gap, decimals, unit))


def _gap(reading: Reading, words: dict[str, str]) -> Iterator[Piece]:
    """Two cells of one row, and how far they lie apart."""
    (row,) = (int(row) for row in reading.rows)
    columns = [reading.table.columns[i] for i in reading.targets]
    cells = [_pair(column, row, words) for column in columns]
    first, second = (float(column.numbers[column.codes[row]]) for column in columns)
    decimals = max(_decimals(column.text(row)) for column in columns)
    said = _difference(abs(first - second), decimals, columns[0].unit, words)
    name = _escape(reading.table.columns[reading.shown[0]].text(row)) if reading.shown else ""
    beside = f"{name} — " if name else ""
    text = f"{_verdict(reading, words)}{beside}{words['next'].join(cells)} ({said})"
    yield Piece(text, (reading.table.place(row),))


def _escape(text: str) -> str:
    """`text` as Markdown; "64.00" begins no list, and needs no mark."""
    return _POINT.sub(r"\1\2", escape_markdown(text))


def _n_rows(n: int, words: dict[str, str]) -> str:
    return words["row"] if n == 1 else words["rows"].format(n=n)


def _decimals(text: str) -> int:
    digits = text.replace(",", ".").rpartition(".")[2] if "." in text or "," in text else ""
    n = len(digits) - len(digits.lstrip("0123456789"))
    return 0 if n == 3 and "," in text and "." not in text else n


def _cell(column: Column, row: int) -> str:
    """A cell as it is shown: a number with its unit."""
    text = column.text(row)
    if column.kind is ColumnKind.NUMBER and text:
        number = float(column.numbers[column.codes[row]])
        is_bare = not any(char.isalpha() or char in "%€$£¥￥" for char in text)
        if is_bare and column.unit and not np.isnan(number):
            n = _decimals(text)
            if column.unit in _MONEY and n == 1:
                text = f"{text}0"
            return _escape(_with_unit(text, column.unit))
    if column.kind is ColumnKind.DATE and text.endswith(" 00:00:00"):
        text = text.removesuffix(" 00:00:00")
    return _escape(text)


def _number(value: float, decimals: int, unit: str) -> str:
    if unit in _MONEY and decimals:
        decimals = max(decimals, 2)
    text = f"{value:,.{decimals}f}"
    if "." in text and unit not in _MONEY:
        text = text.rstrip("0").rstrip(".")
    return _escape(_with_unit(text, unit))


def _with_unit(text: str, unit: str) -> str:
    return f"{text}{unit}" if unit in ("%", "‰", "°") else f"{text} {unit}".strip()
