from __future__ import annotations

import pytest

from kb import FileOrder
from ui.web.looked import Looked


def test_a_column_sorts_and_sorts_the_other_way_round() -> None:
    looked = Looked(page=3).sorted("size")
    assert (looked.page, looked.order, looked.is_descending) == (1, FileOrder.SIZE, True)
    assert not looked.sorted("size").is_descending
    assert not looked.sorted("name").is_descending
    assert looked.sorted("; DROP TABLE files") == looked


@pytest.mark.parametrize(("page", "wanted"), [("7", 7), ("²", 1), ("9" * 40, 1), ("", 1)])
def test_pages_are_numbers(page: str, wanted: int) -> None:
    assert Looked(page=2).turned(page).page == wanted


def test_a_folder_begins_at_its_first_page() -> None:
    looked = Looked(page=4, order=FileOrder.SIZE).into("/library", "a/")
    assert looked == Looked(1, "/library", "a/", FileOrder.SIZE)
