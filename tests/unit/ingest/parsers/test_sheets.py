from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment

from ingest.parsers.office.sheets import sheets


def markdown(fill: Callable[[Any], None]) -> str:
    book = openpyxl.Workbook()
    fill(book.active)
    data = io.BytesIO()
    book.save(data)
    (sheet,) = sheets(data.getvalue())
    return sheet.markdown


def test_cells_are_as_the_sheet_shows_them() -> None:
    def fill(sheet: Any) -> None:
        sheet.append(["Part", "Status", "Price", "Share", "Due", "Big", "Small", "Ready"])
        sheet.append(
            ["00501", "N/A", 1250, 0.195, dt.datetime(2025, 3, 1), 4006381333931, 0.1 + 0.2, True]
        )
        sheet["C2"].number_format = '#,##0.00 "EUR"'
        sheet["D2"].number_format = "0.0%"

    names, _, row = markdown(fill).split("\n")
    assert names == "| Part | Status | Price | Share | Due | Big | Small | Ready |"
    assert row == "| 00501 | N/A | 1250 EUR | 19.5% | 2025-03-01 | 4006381333931 | 0.3 | TRUE |"


def test_a_title_above_the_names_does_not_take_their_place() -> None:
    def fill(sheet: Any) -> None:
        sheet.append(["Depot report, spring"])
        sheet.merge_cells("A1:C1")
        for row in (["SKU", "Name", "Stock"], ["A-1", "Lantern", 2], ["A-2", "Rope", 8]):
            sheet.append(row)

    assert markdown(fill).split("\n") == [
        "Depot report, spring",
        "",
        "| SKU | Name | Stock |",
        "| --- | --- | --- |",
        "| A-1 | Lantern | 2 |",
        "| A-2 | Rope | 8 |",
    ]


def test_merged_cells_stand_in_each_of_their_rows_and_two_rows_of_names_are_one() -> None:
    def fill(sheet: Any) -> None:
        for row in (
            ["Region", "2023", None, "2024", None],
            [None, "Units", "Sales", "Units", "Sales"],
            ["North", 1, 20, 3, 40],
            [None, 5, 60, 7, 80],
        ):
            sheet.append(row)
        for merged in ("A1:A2", "B1:C1", "D1:E1", "A3:A4"):
            sheet.merge_cells(merged)

    assert markdown(fill).split("\n") == [
        "| Region | 2023 Units | 2023 Sales | 2024 Units | 2024 Sales |",
        "| --- | --- | --- | --- | --- |",
        "| North | 1 | 20 | 3 | 40 |",
        "| North | 5 | 60 | 7 | 80 |",
    ]


def test_blank_rows_part_tables() -> None:
    def fill(sheet: Any) -> None:
        for row in (["a", "b"], [1, 2], [], ["c", "d", "e"], [3, 4, 5]):
            sheet.append(row)

    first, second = markdown(fill).split("\n\n")
    assert first.startswith("| a | b |")
    assert second.startswith("| c | d | e |")


def test_a_sheet_without_cells_is_nothing() -> None:
    assert markdown(lambda sheet: None) == ""


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (501, "00000", "00501"),
        (12345678905, "0000000000000", "0012345678905"),
        (123456789, "000-00-0000", "123-45-6789"),
        (5551234567, "(000) 000-0000", "(555) 123-4567"),
        (7, '"Lot "000', "Lot 007"),
        (7, '"Batch "0', "Batch 7"),
        (1234, "#,##0", "1234"),
        (0.5, "0%", "50%"),
        (0.0725, "0.00%", "7.25%"),
        (12.5, '0.0" kg"', "12.5 kg"),
        (1250, "[$€-407] #,##0.00", "1250 €"),
        (-3, "00", "-3"),
        (2.5, "00", "2.5"),
        (123456789.123, "General", "123456789.123"),
        (dt.timedelta(hours=26, minutes=5), "[h]:mm:ss", "26:05:00"),
        (dt.time(8, 30), "h:mm", "08:30:00"),
        ("12E4", "@", "12E4"),
        ("NA", "General", "NA"),
        (0, "General", "0"),
        ("#N/A", "General", "#N/A"),
    ],
)
def test_a_cell_as_its_format_shows_it(value: Any, number_format: str, text: str) -> None:
    def fill(sheet: Any) -> None:
        sheet["A1"], sheet["B1"], sheet["A2"], sheet["B2"] = "Name", "Value", "Seal", value
        sheet["B2"].number_format = number_format

    assert markdown(fill).split("\n")[2] == f"| Seal | {text} |"


def test_a_formula_without_a_value_is_told_as_it_is() -> None:
    def fill(sheet: Any) -> None:
        for row in (["Part", "Price"], ["Seal", 3], ["Valve", 4], ["Sum", "=SUM(B2:B3)"]):
            sheet.append(row)

    assert markdown(fill).split("\n")[-1] == "| Sum | =SUM(B2:B3) |"


def test_a_formula_with_a_value_is_that(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Part", "Price"], ["Seal", 3], ["Sum", "=SUM(B2:B2)"]):
        book.active.append(row)
    data = io.BytesIO()
    book.save(data)
    packed = io.BytesIO()
    with zipfile.ZipFile(data) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            new.writestr(
                name,
                old.read(name)
                .replace(b"</f><v />", b"</f><v>3</v>")
                .replace(b"</f><v></v>", b"</f><v>3</v>"),
            )
    (sheet,) = sheets(packed.getvalue())
    assert sheet.markdown.split("\n")[-1] == "| Sum | 3 |"


def test_hidden_sheets_and_notes_are_told() -> None:
    book = openpyxl.Workbook()
    for row in (["Item", "Qty"], ["Gasket", 4]):
        book.active.append(row)
    book.active["A2"].comment = Comment("Supplier discontinued this gasket in May.", "Ana")
    book.active["D9"].comment = Comment("Count again.", "")
    secret = book.create_sheet("Margins")
    secret.append(["Item", "Margin"])
    secret.append(["Gasket", 0.3])
    secret.sheet_state = "hidden"
    data = io.BytesIO()
    book.save(data)
    first, second = sheets(data.getvalue())
    assert (first.name, second.name) == ("Sheet", "Margins (hidden)")
    assert first.remarks == (
        "Comment by Ana on A2 “Gasket”: Supplier discontinued this gasket in May.",
        "Comment on D9: Count again.",
    )


def test_a_comment_of_a_thread_stands_once(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Item", "Qty"], ["Gasket", 4]):
        book.active.append(row)
    book.active["B2"].comment = Comment("[Threaded comment] Your version shows it.", "tc=1")
    data = io.BytesIO()
    book.save(data)
    space = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"
    packed = io.BytesIO()
    with zipfile.ZipFile(data) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "xl/worksheets/_rels/sheet1.xml.rels":
                link = (
                    '<Relationship Id="t1" Target="../threadedComments/t1.xml" Type="http://schemas.'
                    'microsoft.com/office/2017/10/relationships/threadedComment"/></Relationships>'
                )
                text = text.replace(b"</Relationships>", link.encode())
            new.writestr(name, text)
        new.writestr(
            "xl/threadedComments/t1.xml",
            f'<ThreadedComments xmlns="{space}"><threadedComment ref="B2" personId="p" id="1">'
            "<text>Really four?</text></threadedComment></ThreadedComments>",
        )
        new.writestr(
            "xl/persons/person.xml",
            f'<personList xmlns="{space}"><person displayName="Bo" id="p"/></personList>',
        )
    (sheet,) = sheets(packed.getvalue())
    assert sheet.remarks == ("Comment by Bo on B2 “4”: Really four?",)
