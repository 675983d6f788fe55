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
from typing import Any

import openpyxl
from openpyxl.utils.cell import range_boundaries

from ingest.parsers.html.table import markdown_table
from ingest.parsers.table_header import N_LOOKED_AT, find_header

__all__ = ["sheets"]

_MAX_COLUMNS = 16_384
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]{0,99}?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_MAX_MERGED = 20_000
_MAX_MERGED_CELLS = 200_000
# What of a number format is no digit, date or colour: the unit, in quotation marks or brackets.
_FORMAT_UNIT = re.compile(r'"([^"]{1,12})"|\[\$([^\[\]\-]{1,4})[^\[\]]*+\]|([€£$¥])')


def sheets(data: bytes) -> Iterator[tuple[str, str]]:
    """``(name, Markdown)`` of each sheet; nothing for one without cells.

    Raises:
        Exception: Whatever openpyxl raises on a file that breaks the format.
    """
    with warnings.catch_warnings():
        # It warns of parts that it leaves out: drawings, validations, headers for print.
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    try:
        merged = _merged_ranges(data, book)
        for sheet in book.worksheets:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # The size that a file states may be wrong; without it rows are read as they come.
                sheet.reset_dimensions()
                rows = _spread(_rows(sheet.iter_rows()), merged.get(sheet.title, ()))
                yield sheet.title, "\n\n".join(_blocks(rows))
    finally:
        book.close()


def _merged_ranges(data: bytes, book: Any) -> dict[str, list[tuple[int, int, int, int]]]:
    """By sheet ``(first column, first row, last column, last row)``, from 1, of merged cells, which
    openpyxl tells only of files that it holds whole."""
    found: dict[str, list[tuple[int, int, int, int]]] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = set(archive.namelist())
        for sheet in book.worksheets:
            path = sheet._worksheet_path.lstrip("/")
            if path not in names:
                continue
            with archive.open(path) as file:
                tail = b""
                refs: list[bytes] = []
                while block := file.read(1 << 20):
                    block = tail + block
                    refs += _MERGE.findall(block)
                    cut = block.rfind(b"<")
                    tail = block[cut:] if cut >= 0 and len(block) - cut < 4096 else b""
            ranges = [range_boundaries(ref.decode()) for ref in refs[:_MAX_MERGED]]
            found[sheet.title] = [(a, b, c, d) for a, b, c, d in ranges if None not in (a, b, c, d)]
    return found


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
    if isinstance(value, int | float):
        return _number(value, cell.number_format or "")
    return " ".join(str(value).split())


def _number(value: float, number_format: str) -> str:
    shown = number_format.split(";")[0]
    plain = re.sub(r'"[^"]*+"|\[[^\[\]]*+\]|\\.', "", shown)
    if plain.rstrip().endswith("%"):
        return f"{_digits(value * 100)}%"
    unit = _FORMAT_UNIT.search(shown)
    digits = _digits(value)
    if unit is None or "0" not in plain.replace("#", "0"):
        return digits
    text = next(part for part in unit.groups() if part).strip()
    decimals = plain.partition(".")[2]
    if decimals.startswith("00") and isinstance(value, float) and round(value, 2) == value:
        digits = f"{value:.2f}"
    return f"{digits} {text}" if text else digits


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


def _blocks(rows: Iterable[list[str]]) -> Iterator[str]:
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
