from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from kb import FileOrder
from ui.service.folders import root_key
from ui.web.looked import ADDRESS_FIELDS, Looked, address_of, looked_at

ROOTS = ["/home/library", "/srv/in place"]


def fields_of(query: str) -> dict[str, str]:
    return dict.fromkeys(ADDRESS_FIELDS, "") | dict(parse_qsl(query.removeprefix("?")))


def test_a_column_sorts_and_sorts_the_other_way_round() -> None:
    looked = Looked(page=3).sorted("size")
    assert (looked.page, looked.order, looked.is_descending) == (1, FileOrder.SIZE, True)
    assert not looked.sorted("size").is_descending
    assert not looked.sorted("name").is_descending
    assert looked.sorted("dated").is_descending
    assert looked.sorted("; DROP TABLE files") == looked


@pytest.mark.parametrize(("page", "wanted"), [("7", 7), ("²", 1), ("9" * 40, 1), ("", 1)])
def test_pages_are_numbers(page: str, wanted: int) -> None:
    assert Looked(page=2).turned(page).page == wanted


def test_a_folder_begins_at_its_first_page() -> None:
    looked = Looked(page=4, order=FileOrder.SIZE).into("/library", "a/")
    assert looked == Looked(1, "/library", "a/", FileOrder.SIZE)


@pytest.mark.parametrize(
    ("address", "status", "name", "looked"),
    [
        ("", "all", "", Looked()),
        ("?status=failed", "failed", "", Looked()),
        (
            "?kind=pdf&name=%E6%B0%B4%E6%B3%B5%20%26%20a%2Bb",
            "all",
            "水泵 & a+b",
            Looked(kind="pdf"),
        ),
        ("?sort=-name&page=3", "all", "", Looked(3, is_descending=True)),
        ("?sort=size", "all", "", Looked(order=FileOrder.SIZE)),
        ("?sort=-changed", "all", "", Looked(order=FileOrder.CHANGED, is_descending=True)),
        ("?folder=a/b%20c/", "all", "", Looked(root=ROOTS[0], folder="a/b c/")),
        (f"?folder=a/&in={root_key(ROOTS[1])}", "all", "", Looked(root=ROOTS[1], folder="a/")),
        (f"?in={root_key(ROOTS[0])}", "all", "", Looked(root=ROOTS[0])),
    ],
)
def test_an_address_says_what_is_looked_at(
    address: str, status: str, name: str, looked: Looked
) -> None:
    assert address_of(status, name, looked, ROOTS) == address
    assert looked_at(fields_of(address), ROOTS) == (status, name, looked)


@pytest.mark.parametrize(
    "address",
    [
        "?status=nonsense&kind=x&sort=--size&page=-1",
        f"?folder=a/&in={root_key('/etc')}",
        "?in=x&page=0x1&folder=/",
    ],
)
def test_what_an_address_cannot_name_is_passed_over(address: str) -> None:
    status, name, looked = looked_at(fields_of(address), ROOTS)
    assert (status, name, looked.folder, looked.root) == ("all", "", "", "")
    assert (looked.kind, looked.order, looked.page) == ("", FileOrder.NAME, 1)


def test_a_folder_of_an_address_needs_no_slash_at_its_end() -> None:
    assert looked_at(fields_of("?folder=a/b"), ROOTS)[2].folder == "a/b/"
