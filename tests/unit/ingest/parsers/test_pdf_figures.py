"""Which pictures on a page of text are read by OCR, and what becomes of their words."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest
from PIL import Image, ImageDraw

from ingest.parsers.base import OcrText, ParseContext
from ingest.parsers.pdf import figure_words
from ingest.parsers.pdf.parser import PdfParser
from kb.config import IngestConfig
from kb.types import Box, EncodedImage, Kind, Locator, Modality, Segment, Source, Span

PROSE = "The valve opens when the pressure in the upper chamber rises over the set value. "
AT = (100.0, 200.0, 500.0, 400.0)
Draw = Callable[[pymupdf.Page], object]


def picture(width: int, height: int, seed: int = 0) -> bytes:
    """A drawing that differs with `seed`; a reader that is none sees one black bar."""
    image = Image.new("RGB", (width, height), "white")
    x = random.Random(seed).randrange(width // 2)
    ImageDraw.Draw(image).rectangle((x, height // 4, x + width // 4, height // 2), fill="black")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def prose(page: pymupdf.Page) -> None:
    for line in range(4):
        page.insert_text((60, 80 + 15 * line), PROSE, fontsize=10)


def page_with(*draw: Draw) -> Draw:
    def drawn(page: pymupdf.Page) -> None:
        prose(page)
        for one in draw:
            one(page)

    return drawn


def shows(
    at: tuple[float, float, float, float] = AT, size: tuple[int, int] = (800, 400), seed: int = 0
) -> Draw:
    return lambda page: page.insert_image(
        pymupdf.Rect(*at), stream=picture(*size, seed), keep_proportion=False
    )


def says(x: float, y: float, text: str, **options: object) -> Draw:
    return lambda page: page.insert_text((x, y), text, **{"fontsize": 10, **options})


class Reader:
    """Finds a line in the left upper quarter of every picture."""

    def __init__(self) -> None:
        self.read: list[EncodedImage] = []

    def __call__(self, image: EncodedImage) -> OcrText:
        self.read.append(image)
        box = Box(0, 0, image.width_px / 2, image.height_px / 4)
        return OcrText("Output 4711", (Span(0, 11, Locator(boxes=(box,))),))


@pytest.fixture
def figures(tmp_path: Path) -> Callable[..., list[Segment]]:
    def run(
        *draw: Draw,
        read_words: Callable[[EncodedImage], OcrText] | None,
        warnings: list[str] | None = None,
        rotation: int = 0,
    ) -> list[Segment]:
        document = pymupdf.open()
        for one in draw:
            page = document.new_page(width=595, height=842)
            one(page)
            page.set_rotation(rotation)
        data = document.tobytes()
        (tmp_path / "a.pdf").write_bytes(data)
        source = Source(tmp_path, "a.pdf", "application/pdf", Kind.PDF, "0" * 64, len(data), 0)
        told = warnings if warnings is not None else []
        segments = list(
            PdfParser().parse(source, ParseContext(IngestConfig(), read_words, told.append))
        )
        pages = [one.locator.page for one in segments if not one.text]
        assert pages == list(range(1, len(draw) + 1)), "every page has its own picture first"
        return [one for one in segments if one.modality is Modality.IMAGE and one.text]

    return run


def test_a_picture_becomes_a_passage_at_its_place(figures: Callable[..., list[Segment]]) -> None:
    (found,) = figures(
        page_with(
            says(60, 50, "Report on the works", fontsize=24),
            says(60, 180, "2 Output of the works", fontsize=18),
            shows(),
            says(100, 415, "Figure 3: Output by year,"),
            says(100, 427, "without repairs."),
            says(100, 460, "The works were closed in May, and all was still."),
        ),
        read_words=Reader(),
    )
    assert found.locator == Locator(page=1, boxes=(Box(*AT),))
    assert found.headings[-1:] == ("2 Output of the works",)
    assert found.text == "Figure 3: Output by year,\nwithout repairs.\nOutput 4711"
    last = found.spans[-1]
    assert found.text[last.start : last.end] == "Output 4711"
    assert last.locator.page == 1
    (box,) = last.locator.boxes
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((100, 200, 300, 250), abs=0.6)
    assert found.image is not None
    assert abs(found.image.width_px - 800) <= 2


def test_places_are_those_of_a_turned_page(figures: Callable[..., list[Segment]]) -> None:
    (found,) = figures(page_with(shows()), read_words=Reader(), rotation=90)
    # Turned clockwise: what was at the left stands at the top.
    assert found.locator.boxes == (Box(442, 100, 642, 500),)
    assert found.image is not None
    assert found.image.height_px > found.image.width_px


@pytest.mark.parametrize(
    "draw",
    [
        shows((60, 200, 130, 270)),
        shows((60, 200, 535, 230)),
        shows(size=(60, 30)),
        page_with(shows(), says(110, 220, PROSE), says(110, 240, PROSE)),
    ],
    ids=["an icon", "a bar", "few pixels", "words of the text layer on it"],
)
def test_what_holds_no_words_of_its_own_is_not_read(
    figures: Callable[..., list[Segment]], draw: Draw
) -> None:
    reader = Reader()
    assert figures(page_with(draw), read_words=reader) == []
    assert reader.read == []


def test_words_that_the_text_layer_has_make_no_passage(
    figures: Callable[..., list[Segment]],
) -> None:
    on_it = says(110, 250, "Output 4711", fontsize=40)
    assert figures(page_with(shows(), on_it), read_words=Reader()) == []


def test_strips_are_one_picture(figures: Callable[..., list[Segment]]) -> None:
    strips = [
        shows((100, 200 + 40 * n, 500, 240 + 40 * n), (800, 80), seed=n + 1) for n in range(5)
    ]
    reader = Reader()
    (found,) = figures(page_with(*strips), read_words=reader)
    assert found.locator.boxes == (Box(*AT),)
    assert len(reader.read) == 1


def test_a_picture_on_many_pages_is_read_once(figures: Callable[..., list[Segment]]) -> None:
    reader = Reader()
    elsewhere = (80.0, 300.0, 480.0, 500.0)
    found = figures(
        page_with(shows()), page_with(shows()), page_with(shows(elsewhere)), read_words=reader
    )
    assert [one.locator.page for one in found] == [1]
    assert len(reader.read) == 1


def test_pictures_without_words_and_switched_off_ocr_make_none(
    figures: Callable[..., list[Segment]],
) -> None:
    assert figures(page_with(shows()), read_words=lambda _: OcrText("", ())) == []
    assert figures(page_with(shows()), read_words=None) == []


def test_of_too_many_pictures_it_is_said(
    figures: Callable[..., list[Segment]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figure_words, "_MAX_IN_DOCUMENT", 2)
    warnings: list[str] = []
    pages = [page_with(shows(seed=n)) for n in (1, 2, 3, 4)]
    found = figures(*pages, read_words=Reader(), warnings=warnings)
    assert [one.locator.page for one in found] == [1, 2]
    assert len(warnings) == 1
    assert "only the first 2 pictures" in warnings[0]


def test_a_sentence_about_a_chart_is_no_caption(figures: Callable[..., list[Segment]]) -> None:
    below = says(100, 415, "Chart series are shown in thousands.")
    (found,) = figures(page_with(shows(), below), read_words=Reader())
    assert found.text == "Output 4711"
