"""Tables as they are kept while a document is read."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import ingest.tables
from ingest.chunk.chunker import Chunker
from ingest.parsers.base import ParseContext
from ingest.parsers.markdown import MarkdownParser
from ingest.parsers.records import RecordsParser
from ingest.tables import TableReader
from kb.config import IngestConfig
from kb.index.tables import ColumnKind, Table
from kb.types import Chunk, Kind, Locator, Modality, Source

CSV = "text/csv"
MARKDOWN = "text/markdown"
JSON = "application/json"


def read(content: str, folder: Path, media_type: str) -> tuple[list[Table], dict[str, Chunk]]:
    path = folder / "file"
    path.write_text(content, encoding="utf-8")
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    source = Source(folder, "file", media_type, Kind.DATA, sha256, path.stat().st_size, 0)
    reader = TableReader()
    config = IngestConfig()
    context = ParseContext(config, None, lambda _: None, reader.record)
    parser = MarkdownParser() if media_type == MARKDOWN else RecordsParser()
    chunks = {}
    segments = Chunker(config.chunking).split(parser.parse(source, context))
    for ordinal, segment in enumerate(segments):
        chunk = Chunk(
            str(ordinal),
            sha256,
            ordinal,
            Kind.DATA,
            segment.modality,
            segment.locator,
            segment.text,
            segment.title,
            segment.headings,
        )
        chunks[chunk.id] = chunk
        reader.see(chunk)
    return list(reader.tables(sha256)), chunks


def rows(table: Table) -> list[list[str]]:
    return [[column.text(row) for column in table.columns] for row in range(table.n_rows)]


def lines(table: Table, chunks: dict[str, Chunk]) -> list[str]:
    places = [table.place(row) for row in range(table.n_rows)]
    return [chunks[place.chunk_id].text[place.start : place.end] for place in places]


def names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def test_each_row_of_a_csv_is_found_again_in_its_chunk(tmp_path: Path) -> None:
    content = "item,price (€)\n" + "".join(f"part {i},{i}.5\n" for i in range(2000))
    (table,), chunks = read(content, tmp_path, CSV)
    assert len(chunks) > 10
    assert (names(table), table.columns[1].unit) == (["item", "price"], "EUR")
    assert table.columns[1].kind is ColumnKind.NUMBER
    assert lines(table, chunks) == [f"item: part {i}; price (€): {i}.5" for i in range(2000)]
    assert rows(table)[1999] == ["part 1999", "1999.5"]


def test_cells_may_look_like_names_and_like_commands(tmp_path: Path) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["name", 'x"); DROP TABLE chunks; --', "note"])
    writer.writerow(["a; note: b", "1", "c"])
    (table,), chunks = read(buffer.getvalue(), tmp_path, CSV)
    assert rows(table) == [["a; note: b", "1", "c"]]
    assert names(table)[1] == 'x"); DROP TABLE chunks; --'
    assert lines(table, chunks)[0].startswith("name: a; note: b; ")


def test_records_of_json_are_a_table_for_each_list(tmp_path: Path) -> None:
    content = '{"parts": [{"n": "A", "p": 1.5}, {"n": "B", "q": "x"}], "staff": [{"who": "C"}]}'
    (parts,), chunks = read(content, tmp_path, JSON)
    assert (parts.name, names(parts)) == ("parts", ["n", "p", "q"])
    assert rows(parts) == [["A", "1.5", ""], ["B", "", "x"]]
    assert lines(parts, chunks) == ["n: A\np: 1.5", "n: B\nq: x"]


def test_markdown_tables_keep_what_stands_above_them(tmp_path: Path) -> None:
    content = (
        "# Depot\n\n## Stock\n\n| Item | In stock |\n| --- | --- |\n| Rope | 8 |\n| Oil | **5** |\n"
        "\n```\n| no | table |\n| --- | --- |\n| a | b |\n```\n"
    )
    (table,), chunks = read(content, tmp_path, MARKDOWN)
    assert (table.title, table.headings) == ("Depot", ("Depot", "Stock"))
    assert rows(table) == [["Rope", "8"], ["Oil", "5"]]
    assert lines(table, chunks) == ["| Rope | 8 |", "| Oil | **5** |"]


def test_a_long_table_in_many_chunks_is_one(tmp_path: Path) -> None:
    body = "".join(f"| part {i} | {i} |\n" for i in range(3000))
    (table,), chunks = read(f"| Item | Stock |\n| --- | --- |\n{body}", tmp_path, MARKDOWN)
    assert len(chunks) > 5
    assert lines(table, chunks) == [f"| part {i} | {i} |" for i in range(3000)]


def test_two_rows_of_names(tmp_path: Path) -> None:
    content = (
        "| Region | 2023 | | 2024 | |\n| --- | --- | --- | --- | --- |\n"
        "| | Units | Sales | Units | Sales |\n| North | 1 | 20 | 3 | 40 |\n"
        "| South | 5 | 6 | 7 | 8 |\n"
    )
    (table,), _ = read(content, tmp_path, MARKDOWN)
    assert names(table) == ["Region", "2023 Units", "2023 Sales", "2024 Units", "2024 Sales"]
    assert rows(table) == [["North", "1", "20", "3", "40"], ["South", "5", "6", "7", "8"]]


def test_a_table_without_names_has_all_its_rows(tmp_path: Path) -> None:
    content = "| Weight | 5.4 kg |\n| --- | --- |\n| Colour | red |\n"
    (table,), _ = read(content, tmp_path, MARKDOWN)
    assert names(table) == ["", ""]
    assert rows(table) == [["Weight", "5.4 kg"], ["Colour", "red"]]


@pytest.mark.parametrize(
    ("cells", "kind", "unit"),
    [
        (["39.90 €", "8.50 €"], ColumnKind.NUMBER, "EUR"),
        (["1.234,5", "0,75"], ColumnKind.NUMBER, ""),
        (["12%", "7 %"], ColumnKind.NUMBER, "%"),
        (["3 kg", "4 m"], ColumnKind.TEXT, ""),
        (["00417", "00418"], ColumnKind.TEXT, ""),
        (["36 to 75", "13 to 35"], ColumnKind.TEXT, ""),
        (["2 March 2026", "5 March 2026"], ColumnKind.DATE, ""),
        (["2026年3月2日", "2026年4月"], ColumnKind.DATE, ""),
        (["yes", "no"], ColumnKind.TRUTH, ""),
        (["1", "2", "n/a", "x", "y"], ColumnKind.TEXT, ""),
        ([*map(str, range(30)), "n/a"], ColumnKind.NUMBER, ""),
    ],
)
def test_a_column_is_of_the_kind_of_most_cells(
    cells: list[str], kind: ColumnKind, unit: str, tmp_path: Path
) -> None:
    body = "".join(f"| {i}x | {cell} |\n" for i, cell in enumerate(cells))
    (table,), _ = read(f"| a | b |\n| --- | --- |\n{body}", tmp_path, MARKDOWN)
    assert (table.columns[1].kind, table.columns[1].unit) == (kind, unit)


@pytest.mark.parametrize("content", ["| a | b |\n| --- | --- |\n", "a,b\n"])
def test_an_empty_table_is_none(content: str, tmp_path: Path) -> None:
    assert read(content, tmp_path, CSV if "," in content else MARKDOWN)[0] == []


def test_two_thousand_columns(tmp_path: Path) -> None:
    header = ",".join(f"c{i}" for i in range(2000))
    row = ",".join(f"v{i}" for i in range(2000))
    (table,), chunks = read(f"{header}\n{row}\n{row}\n", tmp_path, CSV)
    assert (len(table.columns), table.n_rows) == (2000, 2)
    # A row is shown by where it begins.
    assert all(line.startswith("c0: v0; c1: v1; ") for line in lines(table, chunks))


def test_over_the_limit_no_part_of_a_table_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Of a part sums and counts would be wrong.
    monkeypatch.setattr(ingest.tables, "MAX_CELLS", 99)
    content = "a,b\n" + "".join(f"x{i},y{i}\n" for i in range(50))
    assert read(content, tmp_path, CSV)[0] == []
    assert len(read(content[: len(content) // 2], tmp_path, CSV)[0]) == 1


def test_many_rows_take_little_memory() -> None:
    reader = TableReader()
    before = psutil.Process().memory_info().rss
    chunk_rows = 20
    for first in range(0, 200_000, chunk_rows):
        texts = []
        for i in range(first, first + chunk_rows):
            cells = [("id", f"N{i}"), ("kind", f"k{i % 7}"), ("size", str(i % 1000))]
            texts.append("; ".join(f"{name}: {value}" for name, value in cells))
            reader.record(cells, texts[-1])
        reader.see(_chunk(first, "\n".join(texts)))
    (table,) = reader.tables("sha")
    assert table.n_rows == 200_000
    assert table.columns[2].text(199_999) == "999"
    assert psutil.Process().memory_info().rss - before < 100 * 2**20


def _chunk(ordinal: int, text: str) -> Chunk:
    return Chunk(str(ordinal), "sha", ordinal, Kind.DATA, Modality.TEXT, Locator(), text)


def test_a_table_goes_on_without_its_names_on_the_next_page() -> None:
    reader = TableReader()
    first = "| Part | Stock |\n| --- | --- |\n| A-1 | 7 pcs |"
    rest = "| A-2 | 9 pcs |\n| --- | --- |\n| A-3 | 4 pcs |"
    for page, text in ((1, first), (2, rest), (4, rest)):
        reader.see(replace(_chunk(page, text), locator=Locator(page=page)))
    table, other = reader.tables("sha")
    assert (names(table), names(other)) == (["Part", "Stock"], ["", ""])
    assert rows(table) == [["A-1", "7 pcs"], ["A-2", "9 pcs"], ["A-3", "4 pcs"]]
