from __future__ import annotations

import pytest

from ingest.parsers.table_header import Header, find_header


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        pytest.param([["Item", "Price"], ["pump", "3"]], Header(0, ("Item", "Price"), 1), id="one"),
        pytest.param([["1", "2"], ["3", "4"]], Header(0, (), 0), id="numbers alone"),
        pytest.param(
            [["Weight", "5.4 kg"], ["Colour", "red"]], Header(0, (), 0), id="a value in the first"
        ),
        pytest.param(
            [["Land", "2021", "2022"], ["Norway", "10", "400"]],
            Header(0, ("Land", "2021", "2022"), 1),
            id="years",
        ),
        pytest.param(
            [["Player", "Score", "Score"], ["Ann", "0", "7"], ["Bo", "1", "8"]],
            Header(0, ("Player", "Score", "Score"), 1),
            id="a name twice",
        ),
        pytest.param(
            [["yes", "no", "yes"], ["no", "no", "yes"]],
            Header(0, (), 0),
            id="words twice, no names",
        ),
        pytest.param(
            [
                ["Export of depot 7"],
                ["Created", "2024-05-02"],
                ["SKU", "Name", "Stock"],
                ["A-1", "Lantern", "2"],
                ["A-2", "Rope", "8"],
            ],
            Header(2, ("SKU", "Name", "Stock"), 1),
            id="a preamble",
        ),
        pytest.param(
            [["Depot 7", "Depot 7", "Depot 7"], ["SKU", "Name", "Stock"], ["A-1", "Lantern", "2"]],
            Header(1, ("SKU", "Name", "Stock"), 1),
            id="a title across all columns",
        ),
        pytest.param(
            [
                ["Region", "2023", "", "2024", ""],
                ["", "Units", "Sales", "Units", "Sales"],
                ["North", "1", "20", "3", "40"],
                ["South", "5", "60", "7", "80"],
            ],
            Header(0, ("Region", "2023 Units", "2023 Sales", "2024 Units", "2024 Sales"), 2),
            id="two rows of names",
        ),
        pytest.param(
            [["", "2021", "2022"], ["Norway", "10", "400"], ["Sweden", "11", "401"]],
            Header(0, ("", "2021", "2022"), 1),
            id="an empty corner",
        ),
        pytest.param([], Header(0, (), 0), id="nothing"),
    ],
)
def test_names_are_told_from_what_stands_above_and_below(
    rows: list[list[str]], header: Header
) -> None:
    assert find_header(rows) == header
