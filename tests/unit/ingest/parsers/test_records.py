"""Data by record, and plain words about what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from parsing import parse

from ingest.parsers.records import RecordsParser
from kb.errors import ParseError
from kb.types import Segment

JSON = "application/json"
LINES = "application/x-ndjson"
CSV = "text/csv"
TSV = "text/tab-separated-values"


def read(content: str | bytes, folder: Path, media_type: str) -> tuple[list[Segment], list[str]]:
    path = folder / "parts.data"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return parse(RecordsParser(), path, media_type)


def texts(content: str | bytes, folder: Path, media_type: str) -> list[str]:
    segments, warnings = read(content, folder, media_type)
    assert warnings == []
    return [segment.text for segment in segments]


class TestJson:
    def test_a_list_is_read_by_record(self, tmp_path: Path) -> None:
        content = '[{"a": 1, "b": {"c": [1, "x"], "d": [{"e": true}]}}, {"a": "泵", "n": null}]'
        segments, _ = read(content, tmp_path, JSON)
        assert [(s.text, s.locator.anchor, s.atomic) for s in segments] == [
            ("a: 1\nb.c: 1, x\nb.d[0].e: true", "[0]", True),
            ("a: 泵", "[1]", True),
        ]
        assert {segment.title for segment in segments} == {"parts"}

    def test_an_object_is_read_by_its_keys(self, tmp_path: Path) -> None:
        content = '{"name": "N", "items": [{"id": 1}, {"id": 2}], "size": {"x": 3}, "tags": ["a"]}'
        segments, _ = read(content, tmp_path, JSON)
        assert [(s.text, s.locator.anchor, s.headings) for s in segments] == [
            ("id: 1", "items[0]", ("items",)),
            ("id: 2", "items[1]", ("items",)),
            ("x: 3", "size", ("size",)),
            ("name: N\ntags: a", None, ()),
        ]

    def test_bare_values_may_be_merged(self, tmp_path: Path) -> None:
        segments, _ = read('["one", 2]', tmp_path, JSON)
        assert [(s.text, s.atomic) for s in segments] == [("one", False), ("2", False)]

    def test_an_error_names_its_place_and_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(ParseError, match=r"line 2, column 7.*Correct it") as caught:
            read('{"a": 1,\n "b": }', tmp_path, JSON)
        assert caught.value.locator is not None
        assert caught.value.locator.anchor == "L2"

    def test_json_lines_under_the_name_of_json(self, tmp_path: Path) -> None:
        assert texts('{"a": 1}\n{"a": 2}', tmp_path, JSON) == ["a: 1", "a: 2"]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [("", "empty"), ("{}", "no values"), ("[" * 9999 + "]" * 9999, "too deep")],
    )
    def test_what_holds_nothing_is_refused(self, content: str, reason: str, tmp_path: Path) -> None:
        with pytest.raises(ParseError, match=reason):
            read(content, tmp_path, JSON)


class TestJsonLines:
    def test_bad_lines_are_counted_and_named(self, tmp_path: Path) -> None:
        content = '\ufeff{"a": "泵"}\n\nnot json\n[1, 2]\n{"a":'
        segments, warnings = read(content, tmp_path, LINES)
        assert [(s.text, s.locator.anchor) for s in segments] == [("a: 泵", "L1"), ("1, 2", "L4")]
        (warning,) = warnings
        assert warning.startswith("2 of 4 lines")
        assert "line 3, column 1" in warning

    @pytest.mark.parametrize("content", ["", "\n", "no\nlines"])
    def test_without_a_good_line_it_is_refused(self, content: str, tmp_path: Path) -> None:
        with pytest.raises(ParseError, match="No line"):
            read(content, tmp_path, LINES)


class TestTables:
    @pytest.mark.parametrize(
        ("content", "media_type"),
        [
            ("name,price\npump,3\n\nvalve,\n", CSV),
            ("name;price\r\npump;3\r\nvalve;\r\n", CSV),
            ("name|price\npump|3\nvalve|", CSV),
            ("name\tprice\npump\t3\nvalve\t\n", TSV),
            ('"name","price"\n"pump","3"\n"valve",""', CSV),
        ],
    )
    def test_each_row_has_the_names_of_its_columns(
        self, content: str, media_type: str, tmp_path: Path
    ) -> None:
        assert texts(content, tmp_path, media_type) == ["name: pump; price: 3\nname: valve"]

    def test_decimal_commas_do_not_divide(self, tmp_path: Path) -> None:
        assert texts("n;p\na;1,5\nb;2,5", tmp_path, CSV) == ["n: a; p: 1,5\nn: b; p: 2,5"]

    def test_quoted_cells_may_hold_anything(self, tmp_path: Path) -> None:
        assert texts('n,p\n"a, b","x\ny ""z"""', tmp_path, CSV) == ['n: a, b; p: x y "z"']

    def test_without_names_columns_are_numbered(self, tmp_path: Path) -> None:
        assert texts("1,2\n3,4,5", tmp_path, CSV) == [
            "column 1: 1; column 2: 2\ncolumn 1: 3; column 2: 4; column 3: 5"
        ]

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
    def test_encodings(self, encoding: str, tmp_path: Path) -> None:
        content = "名称,价格\n水泵,三百元\n阀门,二十元\n"
        assert texts(content.encode(encoding), tmp_path, CSV) == [
            "名称: 水泵; 价格: 三百元\n名称: 阀门; 价格: 二十元"
        ]

    def test_chinese_late_in_a_long_table(self, tmp_path: Path) -> None:
        content = "name,price\n" + "pump,3\n" * 200_000 + "水泵,三百元\n"
        assert texts(content.encode("gb18030"), tmp_path, CSV)[-1].endswith("水泵; price: 三百元")

    def test_rows_are_grouped_and_never_split(self, tmp_path: Path) -> None:
        rows = [f"part {i},{i}" for i in range(300)]
        segments, _ = read("\n".join(["name,price", *rows]), tmp_path, CSV)
        assert len(segments) > 2
        assert all(segment.atomic for segment in segments)
        lines = [line for segment in segments for line in segment.text.split("\n")]
        assert lines == [f"name: part {i}; price: {i}" for i in range(300)]
        n_before = len(segments[0].text.split("\n"))
        assert [s.locator.anchor for s in segments[:2]] == ["row-1", f"row-{n_before + 1}"]

    def test_names_alone_are_kept(self, tmp_path: Path) -> None:
        assert texts("name,price\n", tmp_path, CSV) == ["name, price"]

    def test_an_empty_table_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ParseError, match="empty"):
            read("\n,\n", tmp_path, CSV)

    def test_a_quotation_mark_that_swallows_the_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ParseError, match=r"line \d+.*quotation marks"):
            read('a,b\n"' + "x,y\n" * 5_000_000, tmp_path, CSV)
