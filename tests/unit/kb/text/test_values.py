from __future__ import annotations

import datetime as dt

import pytest

from kb.text.values import Number, clean_cell, parse_date, parse_number, split_unit, truth


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("412", Number(412, "")),
        ("-3.5", Number(-3.5, "")),
        ("1,234.5", Number(1234.5, "")),
        ("1.234,5", Number(1234.5, "")),
        ("1 234", Number(1234, "")),
        ("0,5", Number(0.5, "")),
        ("1,250", Number(1250, "")),
        ("€64.00", Number(64, "EUR")),
        ("64,00 €", Number(64, "EUR")),
        ("39.90 euros", Number(39.9, "EUR")),
        ("74元", Number(74, "CNY")),
        ("5.4 kg", Number(5.4, "kg")),
        ("310 m³/h", Number(310, "m3/h")),
        ("71 dB(A)", Number(71, "dB(A)")),
        ("12%", Number(12, "%")),
        ("9 个月", Number(9, "个月")),
        ("3 working days", Number(3, "working days")),
        ("4.006381e+12", Number(4.006381e12, "")),
    ],
)
def test_numbers_with_their_units(text: str, number: Number) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "HF-30", "00417", "36 to 75", "2026-03-02", "3 x 4", "220 × 230", "up to 9", "A", "12:30",
     "24 至 52 分贝", "1 of 3", "v2.4.1"],
)  # fmt: skip
def test_what_is_no_single_number(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-03-02", dt.date(2026, 3, 2)),
        ("2026-03-02 14:30:00", dt.date(2026, 3, 2)),
        ("2026/3/2", dt.date(2026, 3, 2)),
        ("2.3.2026", dt.date(2026, 3, 2)),
        ("2 March 2026", dt.date(2026, 3, 2)),
        ("Mar 2, 2026", dt.date(2026, 3, 2)),
        ("March 2026", dt.date(2026, 3, 1)),
        ("2026年3月2日", dt.date(2026, 3, 2)),
        ("31 February 2026", None),
        ("May", None),
        ("2.4.11", None),
    ],
)
def test_dates(text: str, date: dt.date | None) -> None:
    assert parse_date(text) == date


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Preis (€)", ("Preis", "EUR")),
        ("重量（千克）", ("重量", "千克")),
        ("price_eur", ("price", "EUR")),
        ("weight_kg", ("weight", "kg")),
        ("Length, mm", ("Length", "mm")),
        ("in_stock", ("in_stock", "")),
        ("Weight (without the lid)", ("Weight (without the lid)", "")),
    ],
)
def test_units_in_the_names_of_columns(name: str, parts: tuple[str, str]) -> None:
    assert split_unit(name) == parts


def test_yes_and_no() -> None:
    assert [truth(word) for word in ("Yes", "否", "maybe")] == [True, False, None]


def test_a_cell_is_without_marks_around_it() -> None:
    assert clean_cell(r" **Total**  a\|b ") == r"**Total** a|b"
    assert clean_cell("**Total**") == "Total"
