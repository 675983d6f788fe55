from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import openpyxl

from ingest.parsers.office.sheets import sheets


def markdown(fill: Callable[[Any], None]) -> str:
    book = openpyxl.Workbook()
    fill(book.active)
    data = io.BytesIO()
    book.save(data)
    ((_, text),) = sheets(data.getvalue())
    return text


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
