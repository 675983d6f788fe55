"""Excel sheets as Markdown: each cell as the sheet shows it, each block of rows a table.

openpyxl is read itself, not through MarkItDown, whose pandas takes the title above a table for
its names, makes numbers of texts (``00501``), and empties cells that say ``N/A``.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import openpyxl
from openpyxl.utils.cell import range_boundaries

from ingest.parsers.html.table import markdown_table
from ingest.parsers.office.sheet_notes import CellNote, cell_notes
from ingest.parsers.table_header import N_LOOKED_AT, find_header

__all__ = ["SheetText", "blocks_of_rows", "sheets"]

_MAX_COLUMNS = 16_384
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]{0,99}?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
# A cell that ends with its formula, or with an empty value behind it.
_NO_VALUE = re.compile(
    rb"</(?:\w{1,9}:)?f>(?:<(?:\w{1,9}:)?v ?/>|<v></v>)?</(?:\w{1,9}:)?c>|<f[^<>]*+/></c>"
)
# Zeros with marks between them, no decimals and no thousands.
_CODE = re.compile(r"[#0 ()/+\-]++")
_MAX_FORMULA_CHARS = 1000
_MAX_MERGED = 20_000
_MAX_MERGED_CELLS = 200_000
# What of a number format is no digit, date or colour: the unit, in quotation marks or brackets.
_FORMAT_UNIT = re.compile(r'"([^"]{1,12})"|\[\$([^\[\]\-]{1,4})[^\[\]]*+\]|([€£$¥])')


@dataclass(frozen=True, slots=True)
class SheetText:
    """What a sheet says.

    Attributes:
        name: On its tab; ``(hidden)`` behind it where the program shows none.
        markdown: Its cells; empty where it has none.
        remarks: What people noted at its cells.
    """

    name: str
    markdown: str
    remarks: tuple[str, ...] = ()


def sheets(data: bytes) -> Iterator[SheetText]:
    """Each sheet of a workbook, one without cells too.

    Raises:
        Exception: Whatever openpyxl raises on a file that breaks the format.
    """
    book = _open(data, data_only=True)
    formulas: Any = None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for sheet in book.worksheets:
                path = sheet._worksheet_path.lstrip("/")
                merged, lacks_values = _scan(archive, path)
                notes = cell_notes(archive, path)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    # The size that a file states may be wrong; without it rows are read as they
                    # come.
                    sheet.reset_dimensions()
                    rows: Iterable[tuple[int, list[str]]] = _rows(sheet.iter_rows())
                    if lacks_values:
                        formulas = formulas or _open(data, data_only=False)
                        other = formulas[sheet.title]
                        other.reset_dimensions()
                        rows = _with_formulas(rows, other.iter_rows())
                    noted: dict[str, str] = {note.cell: "" for note in notes}
                    rows = _watched(rows, noted) if noted else rows
                    text = "\n\n".join(blocks_of_rows(_spread(rows, merged)))
                name = sheet.title
                if sheet.sheet_state != "visible":
                    name += " (hidden)"
                yield SheetText(
                    name, text, tuple(_remark(note, noted[note.cell]) for note in notes)
                )
    finally:
        book.close()
        if formulas is not None:
            formulas.close()


def _open(data: bytes, *, data_only: bool) -> Any:
    with warnings.catch_warnings():
        # It warns of parts that it leaves out: drawings, validations, headers for print.
        warnings.simplefilter("ignore")
        return openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=data_only)


def _scan(archive: zipfile.ZipFile, path: str) -> tuple[list[tuple[int, int, int, int]], bool]:
    """``(first column, first row, last column, last row)``, from 1, of a sheet's merged cells,
    which openpyxl tells only of files that it holds whole; and whether there is a formula whose
    value is not kept beside it."""
    refs: list[bytes] = []
    lacks_values = False
    if path not in archive.namelist():
        return [], False
    with archive.open(path) as file:
        tail = b""
        while block := file.read(1 << 20):
            block = tail + block
            refs += _MERGE.findall(block)
            lacks_values = lacks_values or _NO_VALUE.search(block) is not None
            cut = block.rfind(b"<c ")
            tail = block[cut:] if cut >= 0 and len(block) - cut < 40_000 else b""
    ranges = [range_boundaries(ref.decode()) for ref in refs[:_MAX_MERGED]]
    return [(a, b, c, d) for a, b, c, d in ranges if None not in (a, b, c, d)], lacks_values


def _with_formulas(
    rows: Iterable[tuple[int, list[str]]], others: Iterable[Sequence[Any]]
) -> Iterator[tuple[int, list[str]]]:
    """The rows with formulas in those cells whose values nobody has reckoned yet."""
    for (number, texts), cells in zip(rows, others, strict=False):
        for column, cell in enumerate(cells[:_MAX_COLUMNS]):
            formula = getattr(cell.value, "text", cell.value)
            is_formula = isinstance(formula, str) and formula.startswith("=")
            if is_formula and not (column < len(texts) and texts[column]):
                texts += [""] * (column + 1 - len(texts))
                texts[column] = formula[:_MAX_FORMULA_CHARS]
        yield number, texts


def _watched(
    rows: Iterable[tuple[int, list[str]]], noted: dict[str, str]
) -> Iterator[tuple[int, list[str]]]:
    """The rows as they are; what stands in the cells of `noted` is put there."""
    wanted: dict[int, list[tuple[int, str]]] = {}
    for cell in noted:
        with suppress(ValueError):
            column, row, _, _ = range_boundaries(cell)
            wanted.setdefault(row, []).append((column - 1, cell))
    for number, texts in rows:
        for column, cell in wanted.get(number, ()):
            noted[cell] = texts[column] if column < len(texts) else ""
        yield number, texts


def _remark(note: CellNote, text: str) -> str:
    by = f" by {note.author}" if note.author else ""
    on = f" “{text}”" if text else ""
    return f"Comment{by} on {note.cell}{on}: {note.text}"


def _rows(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[int, list[str]]]:
    """Number from 1 and texts of each row."""
    for number, row in enumerate(rows, start=1):
        texts = [_text(cell) for cell in row[:_MAX_COLUMNS]]
        while texts and not texts[-1]:
            texts.pop()
        yield number, texts


def _text(cell: Any) -> str:
    """A cell as the sheet shows it, as far as its format says what the number is."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, dt.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    if isinstance(value, int | float):
        return _number(value, cell.number_format or "")
    return " ".join(str(value).split())


def _number(value: float, number_format: str) -> str:
    shown = number_format.split(";")[0]
    plain = re.sub(r'"[^"]*+"|\[[^\[\]]*+\]|\\.', "", shown)
    if plain.rstrip().endswith("%"):
        return f"{_digits(value * 100)}%"
    if _CODE.fullmatch(plain) and plain.count("0") > 1 and float(value).is_integer() and value >= 0:
        return _code(int(value), shown)
    unit = _FORMAT_UNIT.search(shown)
    digits = _digits(value)
    if unit is None or "0" not in plain.replace("#", "0"):
        return digits
    text = next(part for part in unit.groups() if part).strip()
    decimals = plain.partition(".")[2]
    if decimals.startswith("00") and isinstance(value, float) and round(value, 2) == value:
        digits = f"{value:.2f}"
    if text and unit[1] and len(text) > 1 and unit.start() < _first_digit(shown):
        return f"{text} {digits}"
    return f"{digits} {text}" if text else digits


def _first_digit(number_format: str) -> int:
    """Where the digits of a format begin, what stands in quotation marks left out."""
    bare = re.sub(r'"[^"]*+"', lambda match: "x" * len(match.group()), number_format)
    return min((at for at in (bare.find("0"), bare.find("#")) if at >= 0), default=0)


def _code(value: int, number_format: str) -> str:
    """A number as a code with leading zeros and marks between (``000-00-0000``)."""
    letters = re.sub(r'"([^"]*+)"|\\(.)|\[[^\[\]]*+\]', lambda m: m[1] or m[2] or "", number_format)
    n_places = letters.count("0") + letters.count("#")
    digits = str(value).rjust(letters.count("0"), "0").rjust(n_places)
    ahead, places = digits[: len(digits) - n_places], iter(digits[len(digits) - n_places :])
    text = "".join(next(places) if letter in "0#" else letter for letter in letters)
    return (ahead + text).strip()


def _digits(value: float) -> str:
    """A number without what its binary form adds: 15 digits are what Excel keeps."""
    if isinstance(value, int) or value.is_integer():
        return str(int(value))
    text = f"{value:.15g}"
    return f"{value:.15f}".rstrip("0") if "e" in text and abs(value) < 1 else text


def _spread(
    rows: Iterable[tuple[int, list[str]]], merged: Sequence[tuple[int, int, int, int]]
) -> Iterator[list[str]]:
    """The rows with the text of merged cells in each row that they cover, in its first column."""
    below: dict[int, list[tuple[int, int]]] = {}
    n_cells = 0
    for first_column, first_row, _, last_row in merged:
        n_cells += last_row - first_row
        if last_row > first_row and n_cells <= _MAX_MERGED_CELLS:
            below.setdefault(first_row, []).append((first_column - 1, last_row))
    hanging: dict[int, tuple[int, str]] = {}
    for number, row in rows:
        for column, (last_row, text) in list(hanging.items()):
            if number > last_row:
                del hanging[column]
            elif text:
                row += [""] * (column + 1 - len(row))
                row[column] = row[column] or text
        for column, last_row in below.get(number, ()):
            if column < len(row):
                hanging[column] = (last_row, row[column])
        yield row


def blocks_of_rows(rows: Iterable[list[str]]) -> Iterator[str]:
    """Markdown of each run of rows without a blank one: a text, or a table with what stands above
    its names ahead of it."""
    block: list[list[str]] = []
    for row in rows:
        if any(row):
            block.append(row)
        elif block:
            yield _block(block)
            block = []
    if block:
        yield _block(block)


def _block(rows: list[list[str]]) -> str:
    width = max(map(len, rows))
    used = [i for i in range(width) if any(i < len(row) and row[i] for row in rows)]
    cells = [[row[i] if i < len(row) else "" for i in used] for row in rows]
    if len(used) == 1 or len(cells) == 1:
        return "\n\n".join("; ".join(cell for cell in row if cell) for row in cells)
    header = find_header(cells[:N_LOOKED_AT])
    above = ["; ".join(dict.fromkeys(filter(None, row))) for row in cells[: header.preamble]]
    names = list(header.names) or [""] * len(used)
    body = cells[header.preamble + header.n_names :]
    table = markdown_table([names, *body])
    for _ in range(2):  # neighbours share a bar
        table = table.replace("|  |", "| |")
    return "\n\n".join([*above, table])
