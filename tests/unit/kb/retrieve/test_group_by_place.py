from __future__ import annotations

from kb.retrieve.group_by_place import group_by_place
from kb.types import Box, Chunk, Kind, Locator, Modality

_BOX = (Box(0, 0, 10, 10),)


def chunk(
    ordinal: int,
    text: str = "",
    *,
    locator: Locator | None = None,
    modality: Modality = Modality.TEXT,
    document: str = "d",
) -> Chunk:
    return Chunk(
        id=f"{document}{ordinal}",
        document_sha256=document,
        ordinal=ordinal,
        kind=Kind.TEXT,
        modality=modality,
        locator=locator or Locator(),
        text=text,
    )


def window(ordinal: int, start_s: float, end_s: float) -> Chunk:
    return chunk(ordinal, locator=Locator(start_s=start_s, end_s=end_s), modality=Modality.VIDEO)


def test_a_page_and_its_image_are_one_place() -> None:
    words = chunk(0, "words", locator=Locator(page=2, boxes=_BOX))
    image = chunk(1, locator=Locator(page=2), modality=Modality.IMAGE)
    other = chunk(2, "words", locator=Locator(page=3, boxes=_BOX))
    assert group_by_place([image, other, words]) == [[0, 2], [1]]


def test_the_same_page_of_another_document_is_another_place() -> None:
    one = chunk(0, "a", locator=Locator(page=1, boxes=_BOX))
    other = chunk(0, "a", locator=Locator(page=1, boxes=_BOX), document="e")
    assert group_by_place([one, other]) == [[0], [1]]


def test_rows_of_a_sheet_stay_apart() -> None:
    rows = [chunk(i, f"| row {i} |", locator=Locator(page=1)) for i in range(3)]
    assert group_by_place(rows) == [[0], [1], [2]]


def test_texts_that_share_half_are_one_place() -> None:
    text = "".join(f"sentence number {i} of the text. " for i in range(40))
    first, sliding, later = chunk(0, text[:800]), chunk(1, text[300:1100]), chunk(2, text[1000:])
    assert group_by_place([sliding, later, first]) == [[0, 2], [1]]


def test_a_small_overlap_is_no_fold() -> None:
    text = "".join(f"sentence number {i} of the text. " for i in range(40))
    assert group_by_place([chunk(0, text[:600]), chunk(1, text[550:])]) == [[0], [1]]


def test_an_overview_belongs_to_the_best_window() -> None:
    overview, first, second = window(2, 0, 180), window(0, 0, 64), window(1, 64, 128)
    assert group_by_place([overview, second, first]) == [[1, 0], [2]]


def test_an_overview_alone_stays() -> None:
    assert group_by_place([window(2, 0, 180)]) == [[0]]


def test_empty() -> None:
    assert group_by_place([]) == []
