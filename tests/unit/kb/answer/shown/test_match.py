from __future__ import annotations

import pytest

from kb.answer.shown.match import best_match, name_of, names
from kb.types import Chunk, Hit, Kind, Locator, Modality


def shown(
    title: str,
    source: str = "",
    *,
    kind: Kind = Kind.IMAGE,
    text: str = "",
    headings: tuple[str, ...] = (),
    picture: float | None = 0.9,
) -> Hit:
    chunk = Chunk("c", "d", 0, kind, Modality.IMAGE, Locator(), text, title, headings)
    return Hit(chunk, source or f"{title}.jpg", picture=picture)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Garnet folding chair", ["Garnet folding chair", "Garnet"]),
        ("Ferry 220 harbour", ["Ferry 220 harbour", "Ferry 220", "220"]),
        ("石榴210折叠椅", ["石榴210折叠椅", "石榴210"]),
        ("old_stone-bridge", ["old stone bridge"]),
        ("IMG_20240102_030405", []),
        ("DSC00123", []),
        ("Screenshot 2024-01-02 at 10.11.12", []),
        ("微信图片_20240102", []),
    ],
)
def test_names_of_a_picture_file(title: str, expected: list[str]) -> None:
    assert names(shown(title)) == expected


def test_a_picture_within_a_document_has_the_name_that_stands_nearest() -> None:
    page = shown("Catalogue", kind=Kind.HTML, text="Garnet chair", headings=("Furniture", "Seats"))
    assert names(page)[:2] == ["Garnet chair", "Seats"]


def test_what_no_one_named_has_the_name_of_its_file() -> None:
    assert name_of(shown("IMG_1", "trip/IMG_1.jpg")) == "IMG_1"


def test_no_picture_is_like_it() -> None:
    assert best_match([shown("One", picture=0.6), shown("Two", picture=0.7)]) is None
    assert best_match([shown("One", picture=0.8), shown("Two", picture=0.95)]) == 1


def test_a_text_that_the_words_beside_the_picture_found_shows_nothing() -> None:
    text = Chunk("1", "1", 0, Kind.TEXT, Modality.TEXT, Locator(), "A pump moves water.")
    assert best_match([Hit(text, "pump.md", dense=0.9)]) is None
