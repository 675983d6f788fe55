"""What each part of a long document carries of its cover."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import pytest

from ingest.chunk.about import describe, with_about
from ingest.chunk.chunker import Chunker
from kb.config import ChunkingConfig
from kb.types import Locator, Modality, Segment

COVER = """UNITED STATES SECURITIES AND EXCHANGE COMMISSION
FORM 10-K
For the fiscal year ended December 31, 2018
MILLRACE PUMPS, INC.
(Exact name of registrant as specified in its charter)"""


@pytest.mark.parametrize(
    ("title", "text", "about"),
    [
        ("Form 10-K", COVER, "MILLRACE PUMPS, INC, 2018"),
        ("Millrace Pumps, Inc.", COVER, "2018"),
        ("Handbook", "User manual\nModel: RX-200\nVersion 3.2.1\n", "RX-200, Version 3.2.1"),
        ("Handbuch", "Lampen Huber GmbH\nBetriebsanleitung", "Lampen Huber GmbH"),
        ("年度报告", "杭州微风电器股份有限公司\n2021年年度报告", "杭州微风电器股份有限公司, 2021"),
        ("说明书", "型号：WF-500\n版本 2.1", "WF-500, 版本 2.1"),
        ("Annual Report", "Annual Report 2020", "2020"),
        ("Rules", "Rev. B", "Rev. B"),
    ],
)
def test_a_cover_names_them(title: str, text: str, about: str) -> None:
    assert describe(title, text) == about


@pytest.mark.parametrize(
    "text",
    [
        "The Company was founded in 1902.",
        "In a sentence that goes on for long enough to be no line of a cover, it mentions that "
        "Lampen Huber GmbH sold 12 pumps in 2019 and that version 2 of them is better.",
        "",
    ],
)
def test_what_is_mentioned_in_passing_is_not_the_documents_own(text: str) -> None:
    assert describe("Title", text) == ""


def _page(number: int, text: str, *, atomic: bool = False) -> Segment:
    return Segment(Modality.TEXT, Locator(page=number), text, "Form 10-K", atomic=atomic)


def test_every_part_of_a_long_document_carries_it_to_its_chunks() -> None:
    pages = [_page(n, "Cash was spent on pumps. " * 60) for n in range(2, 6)]
    chunks = list(Chunker(ChunkingConfig()).split([_page(1, COVER), *pages]))
    assert len(chunks) > 4
    assert {chunk.about for chunk in chunks} == {"MILLRACE PUMPS, INC, 2018"}


def test_a_text_without_pages_has_no_cover() -> None:
    text = replace(_page(1, COVER + "\nCash was spent on pumps." * 200), locator=Locator())
    assert [one.about for one in with_about([text, text])] == ["", ""]


def test_a_short_document_speaks_for_itself() -> None:
    assert [one.about for one in with_about([_page(1, COVER)])] == [""]


def test_rows_of_a_table_tell_of_others() -> None:
    rows = [_page(1, "Lampen Huber GmbH\n" * 9, atomic=True) for _ in range(60)]
    assert {one.about for one in with_about(rows)} == {""}


def test_no_more_than_a_page_is_held_back() -> None:
    read: list[int] = []

    def pages() -> Iterator[Segment]:
        for number in range(1000):
            read.append(number)
            yield _page(number, "Cash was spent on pumps. " * 60)

    assert len(list(islice(with_about(pages()), 1))) == 1
    assert len(read) < 5
