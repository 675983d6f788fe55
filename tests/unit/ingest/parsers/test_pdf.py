"""The PDF parser on documents that the tests make, and on one real report."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from PIL import Image

from ingest.decode.reading_order import Rect
from ingest.parsers.base import OcrText, ParseContext
from ingest.parsers.pdf import pages as pdf_pages
from ingest.parsers.pdf import shelf as pdf_shelf
from ingest.parsers.pdf.pages import add_words, needs_ocr
from ingest.parsers.pdf.parser import PdfParser
from ingest.parsers.pdf.text import Line, PageText, read_page
from kb.config import IngestConfig
from kb.errors import ParseError, SourceTooLargeError, SourceUnavailableError
from kb.types import Box, EncodedImage, Kind, Locator, Modality, Segment, Source, Span

REPORT = Path(__file__).parents[4].parent / "shared/files/pdf/qwen3vl_embedding_report.pdf"
PROSE = (
    "The valve opens when the pressure in the upper chamber rises over the set value, and it "
    "closes again as soon as the level has fallen. "
)
Parse = Callable[..., list[Segment]]


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def parse(tmp_path: Path, warnings: list[str]) -> Parse:
    def run(
        data: bytes,
        name: str = "a file.pdf",
        media_type: str = "application/pdf",
        config: IngestConfig | None = None,
        read_words: Callable[[EncodedImage], OcrText] | None = None,
    ) -> list[Segment]:
        (tmp_path / name).write_bytes(data)
        source = Source(tmp_path, name, media_type, Kind.PDF, "0" * 64, len(data), 0)
        context = ParseContext(config or IngestConfig(), read_words, warnings.append)
        return list(PdfParser().parse(source, context))

    return run


def texts(segments: list[Segment]) -> list[Segment]:
    return [segment for segment in segments if segment.modality is Modality.TEXT]


def images(segments: list[Segment]) -> list[Segment]:
    return [segment for segment in segments if segment.modality is Modality.IMAGE]


def pdf(*draw: Callable[[pymupdf.Page], object], size: tuple[int, int] = (595, 842)) -> bytes:
    document = pymupdf.open()
    for each in draw:
        each(document.new_page(width=size[0], height=size[1]))
    return bytes(document.tobytes())


def write(page: pymupdf.Page, x: float, y: float, text: str, **options: object) -> None:
    page.insert_text((x, y), text, **{"fontsize": 11, **options})


# Boxes


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, (30, 50, 380, 560)])
def test_every_line_box_holds_its_ink_however_the_page_is_turned(
    parse: Parse, rotation: int, crop: tuple[int, int, int, int] | None
) -> None:
    document = pymupdf.open()
    for width, height in ((400, 600), (700, 600)):
        page = document.new_page(width=width, height=height)
        for i in range(6):
            write(page, 60, 120 + 40 * i, f"Line number {i} of the page", fontsize=14)
        if crop:
            page.set_cropbox(pymupdf.Rect(crop))
        page.set_rotation(rotation)
    segments = parse(document.tobytes())
    for number, image in enumerate(images(segments), start=1):
        assert image.image is not None
        picture = Image.open(io.BytesIO(image.image.data)).convert("L")
        ink = np.asarray(picture) < 128
        zoom = picture.width / document[number - 1].rect.width
        spans = [
            (segment.text[span.start : span.end], span.locator)
            for segment in texts(segments)
            for span in segment.spans
            if span.locator.page == number
        ]
        assert [text for text, _ in spans] == [f"Line number {i} of the page" for i in range(6)]
        covered = np.zeros_like(ink)
        for _, locator in spans:
            (box,) = locator.boxes
            rows = slice(int(box.y0 * zoom), int(box.y1 * zoom) + 1)
            columns = slice(int(box.x0 * zoom), int(box.x1 * zoom) + 1)
            assert ink[rows, columns].sum() > 100
            covered[rows, columns] = True
        assert not (ink & ~covered).any()


def test_a_segments_boxes_surround_its_lines(parse: Parse) -> None:
    (segment,) = texts(parse(pdf(lambda p: p.insert_textbox((72, 72, 500, 300), PROSE * 5))))
    (box,) = segment.locator.boxes
    for span in segment.spans:
        (line,) = span.locator.boxes
        assert box.x0 <= line.x0 < line.x1 <= box.x1
        assert box.y0 <= line.y0 < line.y1 <= box.y1


# Reading order and paragraphs


def test_two_columns_are_read_one_after_the_other(parse: Parse) -> None:
    def draw(page: pymupdf.Page) -> None:
        # Written line by line across both columns, as some programs do.
        write(page, 72, 60, "A headline that runs across the two columns of this page here")
        for i in range(12):
            write(page, 72, 100 + 14 * i, f"left column, sentence {i:02} in it", fontsize=10)
            write(page, 310, 100 + 14 * i, f"right column, sentence {i:02} in it", fontsize=10)
        write(page, 72, 300, "A last line that runs across the two columns of the page too")

    text = " ".join(segment.text for segment in texts(parse(pdf(draw))))
    found = [
        text.index(words)
        for words in (
            "A headline",
            "left column, sentence 00",
            "left column, sentence 11",
            "right column, sentence 00",
            "right column, sentence 11",
            "A last line",
        )
    ]
    assert found == sorted(found)


def test_a_word_cut_at_a_lines_end_is_whole_and_a_compound_keeps_its_hyphen(
    parse: Parse,
) -> None:
    def draw(page: pymupdf.Page) -> None:
        lines = (
            "This well-known device needs no attention, for its mainte-",
            "nance is done by the workshop. It is a well-",
            "known fact that such a thing as this is seldom.",
        )
        for i, line in enumerate(lines):
            write(page, 72, 100 + 14 * i, line)

    (segment,) = texts(parse(pdf(draw)))
    assert "its maintenance is done" in segment.text
    assert "a well-known fact" in segment.text
    assert segment.text[segment.spans[1].start :].startswith("nance is done")


def test_chinese_lines_are_joined_without_a_space(parse: Parse) -> None:
    def draw(page: pymupdf.Page) -> None:
        write(page, 72, 100, "本机从四周进风，从顶部出风，周围越空旷，", fontname="china-s")
        write(page, 72, 114, "净化速度越快。与墙壁和家具至少相距三十厘米。", fontname="china-s")

    (segment,) = texts(parse(pdf(draw)))
    assert "周围越空旷，净化速度越快" in segment.text


COLUMNS = ("本机从四周进风，从顶部出风，周围", "越空旷，净化速度越快。滤网每12个", "月更换一次。")


def _set_one_by_one(page: pymupdf.Page, pitch_em: float) -> None:
    """As Word exports vertical text; a number of two digits stands upright."""
    for column, text in enumerate(COLUMNS):
        for row, character in enumerate(re.findall(r"\d+|.", text)):
            font = "helv" if character.isdecimal() else "china-s"
            aside = (14 - pymupdf.get_text_length(character, font, 14)) / 2 if font == "helv" else 0
            place = (500 - 30 * column + aside, 80 + 14 * pitch_em * row)
            page.insert_text(place, character, fontname=font, fontsize=14)
    write(page, 290, 820, "Page 1", fontsize=8)


def _with_a_vertical_font() -> bytes:
    """Whose characters go down by themselves (ISO 32000-1, 9.7.5.2)."""
    shown = " ".join(
        f"1 0 0 1 {500 - 30 * number} 760 Tm <{text.encode('utf-16-be').hex()}> Tj"
        for number, text in enumerate(COLUMNS)
    )
    content = f"BT /F 14 Tf {shown} ET".encode()
    document = pymupdf.open()
    page = document.new_page()
    font, inner, about, stream = (document.get_new_xref() for _ in range(4))
    document.update_object(
        font,
        "<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-V"
        f"/DescendantFonts[{inner} 0 R]>>",
    )
    document.update_object(
        inner,
        "<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000/CIDSystemInfo"
        f"<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>/FontDescriptor {about} 0 R>>",
    )
    document.update_object(
        about,
        "<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]"
        "/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 93>>",
    )
    document.update_object(stream, "<<>>")
    document.update_stream(stream, content)
    document.xref_set_key(page.xref, "Contents", f"{stream} 0 R")
    document.xref_set_key(page.xref, "Resources", f"<</Font<</F {font} 0 R>>>>")
    return bytes(document.tobytes())


@pytest.mark.parametrize(
    "content",
    [
        pdf(lambda page: _set_one_by_one(page, 1.05)),
        pdf(lambda page: _set_one_by_one(page, 1.6)),
        _with_a_vertical_font(),
    ],
    ids=["close", "loose", "vertical font"],
)
def test_columns_from_top_to_bottom_are_read_from_right_to_left(
    parse: Parse, content: bytes
) -> None:
    text = "".join(segment.text for segment in texts(parse(content)))
    assert "".join(COLUMNS) in re.sub(r"\s", "", text)
    assert "周围越空旷，净化速度越快。" in text


def test_a_column_of_single_characters_in_a_table_is_none(parse: Parse) -> None:
    def draw(page: pymupdf.Page) -> None:
        for row, (part, is_there) in enumerate((("滤网", "是"), ("水箱", "否"), ("阀门", "是"))):
            write(page, 72, 100 + 14 * row, f"{part} {row}", fontname="china-s")
            write(page, 200, 100 + 14 * row, is_there, fontname="china-s")

    text = "".join(segment.text for segment in texts(parse(pdf(draw))))
    assert "是否是" not in re.sub(r"\s", "", text)


# Text that is not shown


def test_words_that_the_page_does_not_show_are_found_as_such(parse: Parse) -> None:
    def draw(page: pymupdf.Page) -> None:
        write(page, 72, 72, "The pump hums at 40 decibels, which is little for a pump.")
        write(page, 72, 120, "The white rebate is 55 percent.", color=(1, 1, 1))
        write(page, 72, 160, "The unseen clause is 17b.", render_mode=3)
        page.draw_rect((60, 200, 400, 230), color=(1, 1, 1), fill=(1, 1, 1))
        write(page, 72, 220, "The third one is 18c.", color=(1, 1, 1))

    shown, unseen = texts(parse(pdf(draw)))
    assert shown.text == "The pump hums at 40 decibels, which is little for a pump."
    assert unseen.text == (
        "Text that the page holds and does not show: The white rebate is 55 percent.\n"
        "The unseen clause is 17b.\nThe third one is 18c."
    )
    assert unseen.locator.page == 1
    assert len(unseen.locator.boxes) == 3


def test_white_words_on_a_dark_ground_and_the_words_of_a_scan_are_shown(parse: Parse) -> None:
    def draw(page: pymupdf.Page) -> None:
        page.draw_rect((60, 100, 400, 130), fill=(0, 0, 0.5))
        write(page, 72, 120, "White on blue.", color=(1, 1, 1))
        photo = pymupdf.Pixmap(pymupdf.csGRAY, (0, 0, 9, 9))
        page.insert_image((60, 200, 400, 330), pixmap=photo, keep_proportion=False)
        write(page, 72, 220, "White on a photo.", color=(1, 1, 1))
        write(page, 72, 260, "The words of a scan.", render_mode=3)

    text = "".join(segment.text for segment in texts(parse(pdf(draw))))
    for words in ("White on blue.", "White on a photo.", "The words of a scan."):
        assert words in text
    assert "does not show" not in text


# Headings


def manual(page: pymupdf.Page, number: int, heading: str | None) -> None:
    write(page, 72, 40, f"Operating manual, edition {number}", fontsize=8)
    if heading:
        write(page, 72, 90, heading, fontsize=18, fontname="hebo")
    page.insert_textbox((72, 110, 523, 300), PROSE * 4, fontsize=10.5)
    write(page, 290, 820, f"Page {number} of 4", fontsize=8)


def test_headings_are_carried_over_pages_and_running_lines_stand_once(parse: Parse) -> None:
    segments = parse(
        pdf(
            lambda p: manual(p, 1, "1 Safety"),
            lambda p: manual(p, 2, None),
            lambda p: manual(p, 3, "2 Filter"),
            lambda p: manual(p, 4, None),
        )
    )
    header, *pages = sorted(texts(segments), key=lambda s: s.text.startswith("The valve"))
    assert (header.text, header.locator.page) == ("Operating manual, edition 1", 1)
    paths = [(segment.locator.page, segment.headings) for segment in pages]
    # The first large heading is the title, which is not repeated in the path.
    assert paths == [(1, ()), (2, ()), (3, ("2 Filter",)), (4, ("2 Filter",))]
    for segment in pages:
        assert segment.title == "1 Safety"
        assert "edition" not in segment.text
        assert "of 4" not in segment.text
        assert segment.text.startswith("The valve opens")


def test_the_outline_gives_the_levels(parse: Parse) -> None:
    def draw(page: pymupdf.Page) -> None:
        for i, name in enumerate(("Care", "Filter", "Storage")):
            write(page, 72, 90 + 150 * i, name, fontsize=14)
            page.insert_textbox((72, 100 + 150 * i, 523, 220 + 150 * i), PROSE * 2, fontsize=10)

    document = pymupdf.open("pdf", pdf(draw))
    document.set_toc([[1, "Care", 1], [2, "Filter", 1], [1, "Storage", 1]])
    document.set_metadata({"title": "Handbook"})
    headings = [segment.headings for segment in texts(parse(document.tobytes()))]
    assert headings == [("Care",), ("Care", "Filter"), ("Storage",)]


def test_a_cover_of_headings_loses_no_word(parse: Parse) -> None:
    def cover(page: pymupdf.Page) -> None:
        write(page, 72, 200, "Breeze 300", fontsize=40)
        write(page, 72, 300, "Air purifier", fontsize=24)
        write(page, 72, 400, "Edition of March", fontsize=24)

    segments = texts(parse(pdf(cover, lambda p: manual(p, 2, "Safety"))))
    on_cover = "\n".join(segment.text for segment in segments if segment.locator.page == 1)
    assert segments[0].title == "Breeze 300"
    assert "Air purifier" in on_cover
    assert "Edition of March" in on_cover
    assert segments[-1].headings == ("Safety",)


@pytest.mark.parametrize(
    ("metadata", "heading", "title"),
    [
        ("A good title", "1 Safety", "A good title"),
        ("Microsoft Word - draft.docx", "1 Safety", "1 Safety"),
        ("Untitled", None, "a file"),
        ("", None, "a file"),
    ],
)
def test_title(parse: Parse, metadata: str, heading: str | None, title: str) -> None:
    document = pymupdf.open("pdf", pdf(lambda p: manual(p, 1, heading)))
    document.set_metadata({"title": metadata})
    assert {segment.title for segment in parse(document.tobytes())} == {title}


# Tables

CELLS = [("Part", "Number", "Price"), ("Filter | fine", "HF-30", "24"), ("Lead", "HL-18", "9")]


def grid(page: pymupdf.Page, *, vertical: bool) -> None:
    page.insert_textbox((72, 60, 523, 150), PROSE * 2, fontsize=10)
    write(page, 72, 190, "Table 1. Spare parts", fontsize=10)
    for i in range(4):
        page.draw_line((72, 200 + 20 * i), (472, 200 + 20 * i))
    for row, cells in enumerate(CELLS):
        for column, cell in enumerate(cells):
            write(page, 80 + 130 * column, 214 + 20 * row, cell, fontsize=10)
    if vertical:
        for x in (72, 202, 332, 472):
            page.draw_line((x, 200), (x, 260))


@pytest.mark.parametrize("vertical", [True, False])
@pytest.mark.parametrize("rotation", [0, 90])
def test_a_table_is_markdown_with_its_caption_and_boxes(
    parse: Parse, vertical: bool, rotation: int
) -> None:
    document = pymupdf.open("pdf", pdf(lambda p: grid(p, vertical=vertical)))
    document[0].set_rotation(rotation)
    table = next(segment for segment in texts(parse(document.tobytes())) if segment.atomic)
    assert table.text.splitlines() == [
        "Table 1. Spare parts",
        "",
        "| Part | Number | Price |",
        "| --- | --- | --- |",
        "| Filter \\| fine | HF-30 | 24 |",
        "| Lead | HL-18 | 9 |",
    ]
    lead = next(s for s in table.spans if table.text[s.start : s.end].startswith("| Lead"))
    (box,) = lead.locator.boxes
    words = [
        pymupdf.Rect(word[:4]) * document[0].rotation_matrix
        for word in document[0].get_text("words")
        if word[4] in ("Lead", "HL-18", "9")
    ]
    for word in words:
        middle = (word.tl + word.br) / 2
        assert box.x0 <= middle.x <= box.x1
        assert box.y0 <= middle.y <= box.y1


def test_a_long_table_is_cut_between_rows_and_keeps_its_header(parse: Parse) -> None:
    def draw(page: pymupdf.Page) -> None:
        page.draw_line((72, 60), (523, 60))
        for row in range(46):
            y = 74 + 16 * row
            for column in range(3):
                cell = f"column {column}" if row == 0 else f"value {row} of column {column}"
                write(page, 80 + 150 * column, y, cell, fontsize=10)
            page.draw_line((72, y + 2), (523, y + 2))

    parts = texts(parse(pdf(draw)))
    assert len(parts) > 1
    assert all(part.text.startswith("| column 0 | column 1 | column 2 |") for part in parts)
    rows = [line for part in parts for line in part.text.splitlines() if "value" in line]
    assert [row.split()[2] for row in rows] == [str(i) for i in range(1, 46)]


def test_two_columns_between_two_rules_are_no_table(parse: Parse) -> None:
    def draw(page: pymupdf.Page) -> None:
        for y in (60, 760):
            page.draw_line((72, y), (523, y))
        for x in (72, 310):
            page.insert_textbox((x, 80, x + 213, 740), PROSE * 10, fontsize=10)

    assert not any(segment.atomic for segment in texts(parse(pdf(draw))))


# Page images


@pytest.mark.parametrize(
    ("size", "expected"), [((595, 842), (1018, 1440)), ((842, 595), (1280, 905))]
)
def test_page_image_fits_the_cap(
    parse: Parse, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    (segment,) = images(parse(pdf(lambda p: write(p, 72, 90, PROSE[:60]), size=size)))
    image = segment.image
    assert image is not None
    assert segment.atomic
    assert segment.text == ""
    assert abs(image.width_px - expected[0]) <= 1
    assert abs(image.height_px - expected[1]) <= 1
    with Image.open(io.BytesIO(image.data)) as picture:
        assert picture.format == "JPEG"
        assert picture.mode == "RGB"
        assert picture.size == (image.width_px, image.height_px)


@pytest.mark.parametrize("rotation", [0, 90])
def test_a_page_image_stands_for_the_whole_page_as_displayed(parse: Parse, rotation: int) -> None:
    document = pymupdf.open()
    write(document.new_page(width=600, height=800), 72, 90, PROSE[:60])
    document[0].set_rotation(rotation)
    segments = parse(document.tobytes())
    (segment,) = images(segments)
    width, height = (800, 600) if rotation else (600, 800)
    assert segment.locator == Locator(page=1, boxes=(Box(0, 0, width, height),))
    # What is marked lies within it.
    assert all(
        0 <= box.x0 <= box.x1 <= width and 0 <= box.y0 <= box.y1 <= height
        for text in texts(segments)
        for box in text.locator.boxes
    )


# OCR


def test_a_page_image_has_the_colours_of_the_page(parse: Parse) -> None:
    def draw(page: pymupdf.Page) -> None:
        write(page, 72, 90, "A red field above a blue one.")
        page.draw_rect((100, 200, 300, 300), color=None, fill=(1, 0, 0))
        page.draw_rect((100, 400, 300, 500), color=None, fill=(0, 0, 1))

    image = images(parse(pdf(draw)))[0].image
    assert image is not None
    picture = Image.open(io.BytesIO(image.data))
    scale = picture.width / 595
    for y, colour in ((250, (255, 0, 0)), (450, (0, 0, 255))):
        found = picture.getpixel((round(200 * scale), round(y * scale)))
        np.testing.assert_allclose(found, colour, atol=8)


def test_pages_drawn_ahead_and_in_their_turn_are_the_same(
    parse: Parse, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pdf(*(lambda page, n=n: manual(page, n, f"{n} Chapter") for n in range(1, 5)))
    ahead = parse(data)
    monkeypatch.setattr(pdf_pages, "DRAWN_AHEAD", 2)
    mixed = parse(data)
    assert texts(mixed) == texts(ahead)
    assert [s.locator.page for s in images(mixed)] == [1, 2, 3, 4]
    assert [s.image.data for s in images(mixed) if s.image] == [
        s.image.data for s in images(ahead) if s.image
    ]


def scan(page: pymupdf.Page) -> None:
    picture = Image.new("RGB", (400, 300), "white")
    picture.paste("black", (40, 30, 200, 60))
    file = io.BytesIO()
    picture.save(file, "PNG")
    page.insert_image(page.rect, stream=file.getvalue(), keep_proportion=False)


def reader(calls: list[EncodedImage]) -> Callable[[EncodedImage], OcrText]:
    def read_words(image: EncodedImage) -> OcrText:
        calls.append(image)
        w, h = image.width_px, image.height_px
        box = Box(0.1 * w, 0.1 * h, 0.5 * w, 0.2 * h)
        return OcrText("scanned words", (Span(0, 13, Locator(boxes=(box,))),))

    return read_words


def test_ocr_reads_only_pages_without_words_and_its_boxes_are_points(parse: Parse) -> None:
    calls: list[EncodedImage] = []
    data = pdf(
        lambda p: manual(p, 1, None), scan, lambda p: None, size=(500, 600)
    )  # Words, a scan, a blank page.
    segments = parse(data, read_words=reader(calls))
    assert len(calls) == 1
    assert len(images(segments)) == 3
    (segment,) = (segment for segment in texts(segments) if segment.locator.page == 2)
    assert segment.text == "scanned words"
    (box,) = segment.spans[0].locator.boxes
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((50, 60, 250, 120), abs=0.5)
    assert all(segment.text == "" for segment in images(segments))


def test_a_stamp_on_a_scan_does_not_hide_it(parse: Parse) -> None:
    calls: list[EncodedImage] = []

    def stamped(page: pymupdf.Page) -> None:
        scan(page)
        write(page, 72, 800, "Scanned by a scanner")

    (segment,) = texts(parse(pdf(stamped), read_words=reader(calls)))
    assert len(calls) == 1
    assert "scanned words" in segment.text
    assert "Scanned by a scanner" in segment.text


def test_unmapped_glyphs_are_no_text_layer() -> None:
    page = pymupdf.open("pdf", pdf(lambda p: manual(p, 1, None)))[0]
    text = read_page(1, page, page.get_displaylist())
    assert not needs_ocr(page, text)
    for line in text.lines:
        line.n_garbage = len(line.text)
    assert needs_ocr(page, text)
    assert text.lines == []


def test_ocr_adds_no_line_that_the_text_layer_has() -> None:
    at = Rect(50, 60, 250, 120)
    text = PageText(1, 500, 600, [Line("words", Box(*at), at, 12)])
    image = EncodedImage(b"", "image/jpeg", 1000, 1200)
    add_words(text, reader([])(image), image)
    assert [line.text for line in text.lines] == ["words"]


# Bad input


def test_empty_file(parse: Parse) -> None:
    with pytest.raises(ParseError, match="empty"):
        parse(b"")


@pytest.mark.parametrize("data", [b"garbage" * 500, b"%PDF-1.7\n" + b"x" * 500])
def test_garbage(parse: Parse, data: bytes) -> None:
    with pytest.raises(ParseError, match="damaged"):
        parse(data)


def test_zero_pages(parse: Parse) -> None:
    data = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    with pytest.raises(ParseError, match="no pages"):
        parse(data)


def test_a_truncated_file_gives_what_is_left_and_says_so(parse: Parse, warnings: list[str]) -> None:
    data = pdf(*(lambda p: manual(p, 1, None) for _ in range(8)))
    segments = parse(data[: int(len(data) * 0.9)])
    assert any("The valve opens" in segment.text for segment in texts(segments))
    assert any("cut short" in warning for warning in warnings)


def test_a_whole_file_warns_of_nothing(parse: Parse, warnings: list[str]) -> None:
    parse(pdf(lambda p: manual(p, 1, None)))
    assert warnings == []


def test_encrypted(parse: Parse) -> None:
    document = pymupdf.open("pdf", pdf(lambda p: manual(p, 1, None)))
    data = document.tobytes(
        encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="owner"
    )
    with pytest.raises(ParseError, match=r"ingest\.pdf_passwords"):
        parse(data)
    with pytest.raises(ParseError, match="none of those that are known"):
        parse(data, config=IngestConfig(pdf_passwords=("a", "b")))
    segments = parse(data, config=IngestConfig(pdf_passwords=("a", "secret")))
    assert "The valve opens" in texts(segments)[0].text


def test_a_damaged_page_is_told_and_the_rest_is_read(parse: Parse, warnings: list[str]) -> None:
    document = pymupdf.open("pdf", pdf(*(lambda p: manual(p, 1, None) for _ in range(3))))
    for contents in document[1].get_contents():
        document.update_stream(contents, b"no deflate stream", compress=False)
        document.xref_set_key(contents, "Filter", "/FlateDecode")
    segments = parse(document.tobytes())
    assert {segment.locator.page for segment in texts(segments)} == {1, 3}
    assert warnings == ["Page 2 is damaged: some of it may be missing."]


def test_a_file_that_vanished(tmp_path: Path) -> None:
    source = Source(tmp_path, "gone.pdf", "application/pdf", Kind.PDF, "0" * 64, 1, 0)
    with pytest.raises(SourceUnavailableError, match="still there"):
        list(PdfParser().parse(source, ParseContext(IngestConfig(), None, lambda _: None)))


def test_names_that_are_hard(parse: Parse) -> None:
    data = pdf(lambda p: manual(p, 1, None))
    for name in ("-dash.pdf", "new\nline 😀 'quote'.pdf", "wrong extension.txt"):
        assert len(images(parse(data, name=name))) == 1


# EPUB, XPS, comics


def archive(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return data.getvalue()


EPUB = {
    "mimetype": b"application/epub+zip",
    "META-INF/container.xml": b"""<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>""",
    "book.opf": b"""<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="2.0"
 unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>The Lighthouse</dc:title><dc:identifier id="id">x</dc:identifier></metadata>
<manifest><item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="c1"/></spine></package>""",
    "c1.xhtml": b"""<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>The storm</h1>
<p>The keeper lit the lamp at six and wound the clockwork for the night.</p></body></html>""",
}


def test_epub(parse: Parse) -> None:
    segments = parse(archive(EPUB), "book.epub", "application/epub+zip")
    (text,) = texts(segments)
    assert text.title == "The Lighthouse"
    assert text.headings == ("The storm",)
    assert text.text.startswith("The keeper lit the lamp at six")
    assert text.locator.page == 1
    assert len(images(segments)) == 1


def test_readings_above_characters_part_no_word(parse: Parse) -> None:
    page = """<html xmlns="http://www.w3.org/1999/xhtml"><body><p>
<ruby>東京<rt>とうきょう</rt></ruby>は<ruby>日本<rp>(</rp><rt>にほん</rt><rp>)</rp></ruby>の首都です。
</p></body></html>"""
    files = EPUB | {"c1.xhtml": page.encode()}
    (text,) = texts(parse(archive(files), "book.epub", "application/epub+zip"))
    assert text.text == "東京は日本の首都です。"


XPS = {
    "_rels/.rels": b"""<?xml version="1.0"?><Relationships
 xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r"
 Type="http://schemas.microsoft.com/xps/2005/06/fixedrepresentation" Target="/seq.fdseq"/>
</Relationships>""",
    "[Content_Types].xml": b"""<?xml version="1.0"?><Types
 xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>""",
    "seq.fdseq": b"""<FixedDocumentSequence xmlns="http://schemas.microsoft.com/xps/2005/06">
<DocumentReference Source="/doc.fdoc"/></FixedDocumentSequence>""",
    "doc.fdoc": b"""<FixedDocument xmlns="http://schemas.microsoft.com/xps/2005/06">
<PageContent Source="/page.fpage"/></FixedDocument>""",
    "page.fpage": b"""<FixedPage xmlns="http://schemas.microsoft.com/xps/2005/06" Width="400"
 Height="200" xml:lang="en"><Path Fill="#ff000000" Data="M 0,0 L 200,0 200,100 0,100 Z"/>
</FixedPage>""",
}


def test_xps(parse: Parse) -> None:
    (segment,) = parse(archive(XPS), "page.xps", "application/vnd.ms-xpsdocument")
    assert segment.image is not None
    with Image.open(io.BytesIO(segment.image.data)) as picture:
        width, height = picture.size
        assert width == pytest.approx(2 * height, abs=2)
        assert picture.convert("L").getpixel((width // 4, height // 4)) < 30
        assert picture.convert("L").getpixel((width * 3 // 4, height * 3 // 4)) > 225


def comic(width: int, height: int) -> bytes:
    files = {}
    for name in ("001.png", "002.png"):
        file = io.BytesIO()
        Image.new("RGB", (width, height), "white").save(file, "PNG")
        files[name] = file.getvalue()
    return archive(files)


def test_comic_pages_are_images_read_by_ocr(parse: Parse) -> None:
    calls: list[EncodedImage] = []
    segments = parse(
        comic(300, 400), "comic.cbz", "application/vnd.comicbook+zip", read_words=reader(calls)
    )
    assert [segment.locator.page for segment in images(segments)] == [1, 2]
    assert [segment.text for segment in texts(segments)] == ["scanned words"] * 2
    assert len(calls) == 2


def test_archives_have_caps(parse: Parse) -> None:
    with pytest.raises(SourceTooLargeError, match="max_image_px"):
        parse(comic(300, 400), "comic.cbz", "application/x-cbz", IngestConfig(max_image_px=100_000))
    with pytest.raises(SourceTooLargeError, match="max_file_bytes"):
        parse(archive(EPUB), "book.epub", "application/epub+zip", IngestConfig(max_file_bytes=500))


@pytest.mark.parametrize("kind", ["application/epub+zip", "application/x-cbz"])
def test_a_truncated_archive(parse: Parse, kind: str) -> None:
    with pytest.raises(ParseError, match="archive is damaged"):
        parse(archive(EPUB)[:300], "cut.epub", kind)


# A real report


@pytest.fixture(scope="module")
def report() -> list[Segment]:
    if not REPORT.exists():
        pytest.skip("the shared files are not beside this checkout")
    source = Source(
        REPORT.parent,
        REPORT.name,
        "application/pdf",
        Kind.PDF,
        "0" * 64,
        REPORT.stat().st_size,
        0,
    )
    return list(PdfParser().parse(source, ParseContext(IngestConfig(), None, lambda _: None)))


def test_report_has_its_title_headings_and_prose(report: list[Segment]) -> None:
    assert len(images(report)) == 23
    assert {segment.title for segment in report} == {
        "Qwen3-VL-Embedding and Qwen3-VL-Reranker: A Unified Framework for State-of-the-Art "
        "Multimodal Retrieval and Ranking"
    }
    paths = {segment.headings for segment in texts(report)}
    assert {
        ("Abstract",),
        ("1 Introduction",),
        ("5 Training Objective", "5.1 Loss Functions for the Embedding Model"),
        ("7 Analysis", "7.2 Impact of Spatial and Temporal Granularity"),
        ("8 Conclusion",),
    } <= paths
    abstract = next(s for s in texts(report) if s.headings == ("Abstract",))
    assert (
        "Together, they provide an end-to-end pipeline for high-precision multimodal search by "
        "mapping diverse modalities" in abstract.text
    )


def test_report_has_its_tables_row_by_row(report: list[Segment]) -> None:
    tables = [segment for segment in texts(report) if segment.atomic]
    (scores,) = (table for table in tables if table.text.startswith("Table 5:"))
    assert scores.text.splitlines()[2:] == [
        "| Model | Size | MMEB-v2(Retrieval) Avg | MMEB-v2(Retrieval) Image "
        "| MMEB-v2(Retrieval) Video | MMEB-v2(Retrieval) VisDoc | MMTEB(Retrieval) | JinaVDR "
        "| ViDoRe(v3) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        "| Qwen3-VL-Embedding-2B | 2B | 73.4 | 74.8 | 53.6 | 79.2 | 68.1 | 71.0 | 52.9 |",
        "| jina-reranker-m0 † | 2B | - | 68.2 | - | 85.2 | - | 82.2 | 57.8 |",
        "| Qwen3-VL-Reranker-2B | 2B | 75.1 | 73.8 | 52.1 | 83.4 | 70.0 | 80.9 | 60.8 |",
        "| Qwen3-VL-Reranker-8B | 8B | 79.2 | 80.7 | 55.8 | 86.3 | 74.9 | 83.6 | 66.7 |",
    ]
    specification = next(table for table in tables if table.locator.page == 4)
    assert "| Qwen3-VL-Reranker | 8B | 36 | 32K | - | - | - | Yes |" in specification.text


def test_pages_that_wait_on_disk_say_the_same(
    parse: Parse, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = pymupdf.open()
    for number in range(6):
        page = document.new_page(width=595, height=842)
        page.insert_text((72, 40), "Operating manual", fontsize=9)
        page.insert_text((72, 90), f"{number + 1} Chapter", fontsize=18)
        page.insert_textbox((72, 110, 523, 560), PROSE * 6, fontsize=10.5)
        for row in range(4):
            page.draw_line((72, 580 + 24 * row), (523, 580 + 24 * row))
            page.insert_text((80, 596 + 24 * row), f"name {row}")
            page.insert_text((300, 596 + 24 * row), f"value {row}")
    data = document.tobytes()
    held = parse(data)
    monkeypatch.setattr(pdf_shelf, "HELD_PAGES", 2)
    monkeypatch.setattr(pdf_pages, "DRAWN_AHEAD", 1)
    assert parse(data) == held
    assert {segment.locator.page for segment in held} == set(range(1, 7))


# Tables over several pages


def ruled(page: pymupdf.Page, rows: list[tuple[str, ...]], y0: float, *, bold: int = 0) -> float:
    """A table of ruled rows from `y0` down, its first `bold` rows in bold; returns its end."""
    widths = 451 / len(rows[0])
    for i, row in enumerate(rows):
        y = y0 + 18 * i
        page.draw_line((72, y), (523, y))
        for j, cell in enumerate(row):
            write(page, 76 + widths * j, y + 13, cell, fontname="hebo" if i < bold else "helv")
    end = y0 + 18 * len(rows)
    page.draw_line((72, end), (523, end))
    for j in range(len(rows[0]) + 1):
        page.draw_line((72 + widths * j, y0), (72 + widths * j, end))
    return end


PARTS = [(f"PN-{i}", f"Part {'bolt' if i % 2 else 'nut'} {i}", f"{i * 3} pcs") for i in range(60)]
NAMES = ("Part number", "Description", "Stock")


def rows_of_page(segments: list[Segment], page: int) -> list[str]:
    (table,) = (s for s in texts(segments) if s.locator.page == page and s.text.startswith("|"))
    return table.text.split("\n")


@pytest.mark.parametrize("bold", [0, 1])
@pytest.mark.parametrize("with_footer", [False, True])
def test_a_table_goes_on_under_its_header(parse: Parse, bold: int, with_footer: bool) -> None:
    def part(first: int, head: list[tuple[str, ...]]) -> Callable[[pymupdf.Page], None]:
        def draw(page: pymupdf.Page) -> None:
            ruled(page, [*head, *PARTS[first : first + 20]], 72, bold=bold if head else 0)
            if with_footer:
                write(page, 72, 800, f"Stock list of hall {first}")

        return draw

    segments = parse(pdf(part(0, [NAMES]), part(20, []), part(40, [])))
    for page, first in ((1, 0), (2, 20), (3, 40)):
        names, _, *rows = rows_of_page(segments, page)
        assert names == "| Part number | Description | Stock |"
        assert (
            rows[0]
            == f"| PN-{first} | Part {'bolt' if first % 2 else 'nut'} {first} | {first * 3} pcs |"
        )
        assert len(rows) == 20
    second = next(s for s in texts(segments) if s.locator.page == 2 and s.text.startswith("|"))
    assert all(s.text[x.start : x.end].startswith("| PN-") for s in (second,) for x in s.spans)


def test_a_repeated_header_is_no_row(parse: Parse) -> None:
    segments = parse(
        pdf(
            lambda p: ruled(p, [NAMES, *PARTS[:20]], 72, bold=1),
            lambda p: ruled(p, [NAMES, *PARTS[20:30]], 72, bold=1),
        )
    )
    assert sum(s.text.count("Part number") for s in texts(segments)) == 2
    assert len(rows_of_page(segments, 2)) == 12


@pytest.mark.parametrize(
    ("names", "bold"),
    [(("Tank", "Content", "Level"), 0), (("Tank", "Content", "Level"), 1)],
)
def test_another_table_on_the_next_page_keeps_its_own_header(
    parse: Parse, names: tuple[str, ...], bold: int
) -> None:
    tanks = [(f"T{i}", f"Oil {i}", f"{i} m") for i in range(9)]
    segments = parse(
        pdf(
            lambda p: ruled(p, [NAMES, *PARTS[:20]], 72, bold=bold),
            lambda p: ruled(p, [names, *tanks], 72, bold=bold),
        )
    )
    assert rows_of_page(segments, 2)[0] == "| Tank | Content | Level |"


# Letters without a meaning


def unmapped(text: str, *, above: str = "") -> bytes:
    """A page with a text in a font that does not say what its glyphs are."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_font(fontname="F", fontbuffer=pymupdf.Font("cjk").buffer)
    if above:
        write(page, 72, 80, above)
    page.insert_text((72, 120), text, fontname="F", fontsize=13)
    for number in range(1, document.xref_length()):
        if document.xref_get_key(number, "ToUnicode")[0] != "null":
            document.xref_set_key(number, "ToUnicode", "null")
    return bytes(document.tobytes())


@pytest.mark.parametrize("above", ["", "Harbour office, sheet 12", PROSE * 2])
def test_letters_without_a_meaning_are_read_by_ocr(
    parse: Parse, warnings: list[str], above: str
) -> None:
    data = unmapped("The lens is cleaned with vinegar.", above=above)

    def read_words(image: EncodedImage) -> OcrText:
        text = "The lens is cleaned with vinegar."
        box = Box(72 / 595 * image.width_px, 200, 300, 220)
        return OcrText(text, (Span(0, len(text), Locator(boxes=(box,))),))

    found = "\n".join(s.text for s in texts(parse(data, read_words=read_words)))
    assert "The lens is cleaned with vinegar." in found
    assert above.strip()[:20] in found
    assert warnings == []
    parse(data)
    (warning,) = warnings
    assert "Page 1 shows letters whose meaning" in warning
    parse(data, read_words=lambda image: OcrText("", ()))
    assert "OCR read nothing" in warnings[1]


def test_a_symbol_without_a_meaning_asks_for_no_ocr(parse: Parse, warnings: list[str]) -> None:
    def refuse(image: EncodedImage) -> OcrText:
        pytest.fail("OCR was asked")

    parse(unmapped("ab", above=PROSE * 2), read_words=refuse)
    assert warnings == []


# Comments


@pytest.mark.parametrize("rotation", [0, 90])
def test_what_reviewers_wrote(parse: Parse, rotation: int) -> None:
    def draw(page: pymupdf.Page) -> None:
        write(page, 72, 100, "The lease runs for three years, without a break.")
        note = page.add_text_annot((400, 90), "Tenant wants a break clause.")
        note.set_info(title="Ana")
        note.update()
        mark = page.add_highlight_annot(page.search_for("three years")[0])
        mark.set_info(content="Ask the notary.")
        mark.update()
        page.add_underline_annot(page.search_for("without")[0])
        page.set_rotation(rotation)

    segments = parse(pdf(draw))
    said = {s.text: s.locator for s in texts(segments)[1:]}
    assert set(said) == {
        "Comment by Ana: Tenant wants a break clause.",
        "Comment on “three years,”: Ask the notary.",
    }
    (whole,) = images(segments)
    size = whole.locator.boxes[0]
    for locator in said.values():
        (box,) = locator.boxes
        assert 0 <= box.x0 < box.x1 <= size.x1
        assert 0 <= box.y0 < box.y1 <= size.y1
