"""Tables as they are kept for questions that compute: from the Markdown in chunks, and from the
rows that parsers of records read."""

from __future__ import annotations

import re
from array import array
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ingest.clean import clean_text
from ingest.parsers.table_header import N_LOOKED_AT, find_header
from kb.index.tables import Table, make_column
from kb.text.values import clean_cell
from kb.types import Chunk, Modality

__all__ = ["MAX_CELLS", "MAX_CHARS", "TABLES_FINGERPRINT", "TableReader"]

TABLES_FINGERPRINT = "tables-2"
"""Changes when what is kept of tables does, so that documents are read again."""

MAX_CELLS = 16_000_000
"""Of one document's tables: a million rows of sixteen columns. Four bytes a cell are held."""
MAX_CHARS = 100_000_000
"""Of the different texts in one document's tables. What is over a limit is found as text only."""

_MAX_COLUMNS = 4096
_MAX_CELL_CHARS = 2000
# A row that its chunk does not hold whole (it was cut) is passed over when one of so many rows
# behind it is found.
_ROWS_AHEAD = 4
# So much of a record that is cut off tells which one it is.
_MIN_CUT_CHARS = 200
_RULE = re.compile(
    r"[ \t]*+(?:\|[ \t]*+)?:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+(?:\|[ \t]*+)?$"
)
_BAR = re.compile(r"(?<!\\)\|")
_FENCE = re.compile(r" {0,3}(?:`{3,}|~{3,})")


# A column's name and which of that name it is; without a name, its place.
_Key = tuple[str, int]


class _Record(NamedTuple):
    name: str
    headings: tuple[str, ...]
    cells: Sequence[tuple[str, str]]
    text: str


@dataclass
class _Values:
    """A column that grows by a row at a time."""

    name: str
    texts: dict[str, int] = field(default_factory=dict)
    codes: array[int] = field(default_factory=lambda: array("i"))

    def add(self, text: str, n_rows: int) -> int:
        """Put `text` into row `n_rows`; returns how many characters are new."""
        self.fill(n_rows)
        if not text:
            self.codes.append(-1)
            return 0
        n_known = len(self.texts)
        code = self.texts.setdefault(text, n_known)
        self.codes.append(code)
        return len(text) if code == n_known else 0

    def fill(self, n_rows: int) -> None:
        """Empty cells up to row `n_rows`."""
        missing = n_rows - len(self.codes)
        if missing > 0:
            self.codes.extend(array("i", [-1]) * missing)


@dataclass
class _Growing:
    name: str
    title: str
    headings: tuple[str, ...]
    columns: dict[_Key, _Values] = field(default_factory=dict)
    chunk_ids: dict[str, int] = field(default_factory=dict)
    places: array[int] = field(default_factory=lambda: array("i"))
    header: tuple[str, ...] = ()
    page: int | None = None

    @property
    def n_rows(self) -> int:
        return len(self.places) // 3

    def add(self, cells: Mapping[_Key, tuple[str, str]], place: tuple[str, int, int]) -> int:
        """Add a row of ``key: (name, text)``; returns how many characters are new."""
        n_rows, n_chars = self.n_rows, 0
        for key, (name, text) in cells.items():
            column = self.columns.get(key)
            if column is None:
                if len(self.columns) >= _MAX_COLUMNS:
                    continue
                column = self.columns[key] = _Values(name)
            n_chars += column.add(text, n_rows)
        chunk_id, start, end = place
        number = self.chunk_ids.setdefault(chunk_id, len(self.chunk_ids))
        self.places.extend((number, start, end))
        return n_chars

    def finish(self, document_sha256: str, ordinal: int) -> Table:
        columns = []
        for one in self.columns.values():
            one.fill(self.n_rows)
            columns.append(make_column(one.name, tuple(one.texts), one.codes))
        return Table(
            document_sha256,
            ordinal,
            self.name,
            self.title,
            self.headings,
            tuple(columns),
            tuple(self.chunk_ids),
            np.array(self.places, np.int32).reshape(-1, 3),
        )


class TableReader:
    """Collects the tables of one document while it is read.

    Rows come twice where a parser reads records: first from the parser, then as text of a
    chunk, which is where they are found again.
    """

    def __init__(self) -> None:
        self._tables: list[_Growing] = []
        self._records: dict[tuple[str, tuple[str, ...]], _Growing] = {}
        self._pending: deque[_Record] = deque()
        self._has_records = False
        self._n_cells = self._n_chars = 0
        self._is_full = False

    def record(
        self,
        cells: Sequence[tuple[str, str]],
        text: str,
        name: str = "",
        headings: tuple[str, ...] = (),
    ) -> None:
        """Keep a record until the chunk that holds it comes.

        Args:
            cells: The names of columns with their texts; a name may come twice.
            text: The record as it stands in its segment.
            name: Of the table it belongs to.
            headings: Above that table.
        """
        self._has_records = True
        if not self._is_full:
            self._pending.append(_Record(name, headings, cells, clean_text(text)))

    def see(self, chunk: Chunk) -> None:
        """Find the rows in a chunk; the chunks come in order."""
        if self._is_full or chunk.modality is not Modality.TEXT:
            return
        if self._has_records:
            self._place_records(chunk)
        else:
            for start, lines in _tables(chunk.text):
                self._read(chunk, start, lines)
        if self._n_cells > MAX_CELLS or self._n_chars > MAX_CHARS:
            self._is_full = True
            self._tables, self._records = [], {}
            self._pending.clear()

    def tables(self, document_sha256: str) -> tuple[Table, ...]:
        """What was found: tables of at least two columns or two rows."""
        found = [
            table
            for table in (*self._tables, *self._records.values())
            if table.n_rows and (len(table.columns) > 1 or table.n_rows > 1)
        ]
        return tuple(table.finish(document_sha256, i) for i, table in enumerate(found))

    def _place_records(self, chunk: Chunk) -> None:
        at = 0
        while self._pending:
            for ahead in range(min(_ROWS_AHEAD, len(self._pending))):
                text = self._pending[ahead].text
                if (place := _record_at(chunk.text, text, at)) is not None:
                    break
            else:
                return
            for _ in range(ahead):
                self._pending.popleft()
            name, headings, cells, _ = self._pending.popleft()
            start, at = place
            key = (name, headings)
            table = self._records.get(key)
            if table is None:
                table = self._records[key] = _Growing(name, chunk.title, headings)
            self._add(table, _keyed(cells), (chunk.id, start, at))

    def _read(self, chunk: Chunk, name: str, lines: Sequence[_Line]) -> None:
        rows = [(_cells(chunk.text[line.start : line.end]), line) for line in lines]
        header, title, body = _header(rows)
        last = self._tables[-1] if self._tables else None
        goes_on = (
            last is not None
            and last.header == header
            and last.headings == chunk.headings
            and last.title == chunk.title
            and last.name in ("", title or name)
        )
        # On the next page a table may go on without its names.
        is_rest = (
            last is not None
            and not any(header)
            and len(header) == len(last.header)
            and last.page is not None
            and chunk.locator.page == last.page + 1
            and last.title == chunk.title
        )
        if is_rest and last is not None:
            header = last.header
        if last is None or not (goes_on or is_rest):
            last = _Growing(title or name, chunk.title, chunk.headings, header=header)
            self._tables.append(last)
        last.page = chunk.locator.page
        for cells, line in body:
            named = {
                ("", i): (header[i] if i < len(header) else "", cell)
                for i, cell in enumerate(cells)
            }
            if any(cells):
                self._add(last, named, (chunk.id, line.start, line.end))

    def _add(
        self,
        table: _Growing,
        cells: Mapping[_Key, tuple[str, str]],
        place: tuple[str, int, int],
    ) -> None:
        self._n_chars += table.add(cells, place)
        self._n_cells += len(table.columns)


def _keyed(cells: Sequence[tuple[str, str]]) -> dict[_Key, tuple[str, str]]:
    counts: dict[str, int] = {}
    keyed: dict[_Key, tuple[str, str]] = {}
    for name, text in cells:
        number = counts[name] = counts.get(name, 0) + 1
        keyed[name, number] = (clean_text(name), clean_cell(clean_text(text))[:_MAX_CELL_CHARS])
    return keyed


def _record_at(text: str, record: str, at: int) -> tuple[int, int] | None:
    """Where `record` stands in `text` from `at` on, as whole lines; also where it begins there and
    is cut off by the end of the text."""
    start = text.find(record, at)
    while start >= 0:
        end = start + len(record)
        if (start == 0 or text[start - 1] == "\n") and (end == len(text) or text[end] == "\n"):
            return start, end
        start = text.find(record, start + 1)
    if len(record) > len(text) - at or "\n" in record:
        start = max(at, text.rfind("\n", at) + 1)
        if len(text) - start >= _MIN_CUT_CHARS and record.startswith(text[start:]):
            return start, len(text)
    return None


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int


def _tables(text: str) -> Iterator[tuple[str, list[_Line]]]:
    """The Markdown tables of a text: what stands on the line above, and the lines of its rows,
    the header first."""
    if "|" not in text:
        return
    lines = [_Line(m.start(), m.end()) for m in re.finditer(r"[^\n]*\n?", text) if m.group()]
    lines = [_Line(one.start, one.start + len(text[one.start : one.end].rstrip())) for one in lines]
    fenced = False
    at = 0
    while at < len(lines):
        said = text[lines[at].start : lines[at].end]
        if _FENCE.match(said):
            fenced = not fenced
        below = lines[at + 1] if at + 1 < len(lines) else None
        rule = text[below.start : below.end] if below else ""
        if fenced or "|" not in said or "|" not in rule or not _RULE.match(rule):
            at += 1
            continue
        end = at + 2
        while end < len(lines) and "|" in text[lines[end].start : lines[end].end]:
            end += 1
        above = text[lines[at - 1].start : lines[at - 1].end].strip() if at else ""
        yield above if len(above) <= _MAX_CELL_CHARS else "", [lines[at], *lines[at + 2 : end]]
        at = end


def _cells(line: str) -> list[str]:
    line = line.strip()
    line = line.removeprefix("|")
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    return [clean_cell(clean_text(cell))[:_MAX_CELL_CHARS] for cell in _BAR.split(line)]


def _header(
    rows: Sequence[tuple[list[str], _Line]],
) -> tuple[tuple[str, ...], str, Sequence[tuple[list[str], _Line]]]:
    """The names of the columns, the title that stands in place of a header, and the rows below."""
    found = find_header([cells for cells, _ in rows[:N_LOOKED_AT]])
    title = " ".join(
        dict.fromkeys(cell for cells, _ in rows[: found.preamble] for cell in cells if cell)
    )
    body = rows[found.preamble + found.n_names :]
    return found.names or ("",) * len(rows[0][0]), title, body
