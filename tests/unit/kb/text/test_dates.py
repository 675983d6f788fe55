from __future__ import annotations

import pytest

from kb.text.dates import iso_dates


@pytest.mark.parametrize(
    "text",
    [
        "2022-03-05",
        "2022/3/5",
        "on 5 March 2022.",
        "the 5th of March, 2022",
        "Mar. 5, 2022",
        "MARCH 5TH 2022",
        "5.3.2022",
        "05. 03. 2022",
        "2022年3月5日",
        "2022年 3月 5號",
    ],
)
def test_one_day_however_it_is_written(text: str) -> None:
    assert list(iso_dates(text)) == ["2022-03-05"]


@pytest.mark.parametrize(
    "text", ["3/5/2022", "2022-13-05", "2022-03-45", "1.5.3.2022", "March 2022", "12022-03-05", ""]
)
def test_what_names_no_certain_day_is_none(text: str) -> None:
    assert list(iso_dates(text)) == []


def test_several_dates_come_in_order() -> None:
    assert list(iso_dates("from 1 May 2020 until 2021-06-30")) == ["2020-05-01", "2021-06-30"]
