"""Word, PowerPoint and Excel files, whole and broken."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from openpyxl.drawing.image import Image as SheetImage
from parsing import parse, png

from ingest.parsers.office.parser import OfficeParser
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Modality, Segment

_OOXML = "application/vnd.openxmlformats-officedocument."
DOCX = _OOXML + "wordprocessingml.document"
PPTX = _OOXML + "presentationml.presentation"
XLSX = _OOXML + "spreadsheetml.sheet"


def read(path: Path, media_type: str) -> list[Segment]:
    segments, warnings = parse(OfficeParser(), path, media_type)
    assert warnings == []
    return segments


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    document = docx.Document()
    document.add_heading("Manual", 1)
    document.add_heading("Reset", 2)
    document.add_paragraph("Hold the key. 长按电源键。")
    document.add_picture(io.BytesIO(png("red", 120, 80)))
    table = document.add_table(2, 2)
    for i, word in enumerate(("part", "price", "pump", "3")):
        table.cell(i // 2, i % 2).text = word
    document.save(str(tmp_path / "a.docx"))
    return tmp_path / "a.docx"


def test_word_by_heading_with_table_and_picture(manual: Path) -> None:
    text, table, picture = read(manual, DOCX)
    assert text.text == "Hold the key. 长按电源键。"
    assert {s.headings for s in (text, table, picture)} == {("Manual", "Reset")}
    assert {s.title for s in (text, table, picture)} == {"Manual"}
    assert (table.text, table.atomic) == ("| part | price |\n| --- | --- |\n| pump | 3 |", True)
    assert picture.modality is Modality.IMAGE
    assert picture.image is not None
    assert (picture.image.width_px, picture.image.height_px) == (120, 80)


def test_slides_are_pages(tmp_path: Path) -> None:
    show = pptx.Presentation()
    for number in (1, 2):
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = f"Slide {number}"
        slide.placeholders[1].text = f"Point {number}"
    show.slides[1].shapes.add_picture(io.BytesIO(png()), 0, 0)
    show.slides[1].notes_slide.notes_text_frame.text = "Say this."
    show.save(str(tmp_path / "a.pptx"))
    segments = read(tmp_path / "a.pptx", PPTX)
    texts = [s for s in segments if s.modality is Modality.TEXT]
    assert [(s.locator.page, s.headings, s.text) for s in texts] == [
        (1, ("Slide 1",), "Point 1"),
        (2, ("Slide 2",), "Point 2"),
        (2, ("Slide 2", "Notes:"), "Say this."),
    ]
    assert [s.locator.page for s in segments if s.modality is Modality.IMAGE] == [2]


def test_sheets_are_pages_and_empty_cells_are_empty(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Prices"
    for row in (["name", "price", None], ["pump", 3.5, "x"], ["valve", None, None]):
        sheet.append(row)
    sheet.add_image(SheetImage(io.BytesIO(png())), "E1")
    book.create_sheet("Empty")
    book.create_sheet("库存").append(["数量"])
    book.worksheets[-1].append([7])
    book.save(tmp_path / "a.xlsx")
    prices, stock, picture = read(tmp_path / "a.xlsx", XLSX)
    assert (prices.locator.page, prices.headings, prices.atomic) == (1, ("Prices",), True)
    assert prices.text.split("\n")[2:] == ["| pump | 3.5 | x |", "| valve | | |"]
    assert (stock.locator.page, stock.headings) == (3, ("库存",))
    assert picture.modality is Modality.IMAGE


def test_an_encrypted_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    stream = "EncryptedPackage".encode("utf-16-le")
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000 + stream)
    with pytest.raises(ParseError, match=r"encrypted.*without a password"):
        read(path, DOCX)


def test_an_old_binary_file_says_what_to_save_it_as(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000)
    with pytest.raises(ParseError, match=r"old binary.*\.xlsx"):
        read(path, XLSX)


@pytest.mark.parametrize("cut", [0, 10, 2000, -30])
def test_a_damaged_file_says_so(cut: int, manual: Path) -> None:
    manual.write_bytes(manual.read_bytes()[:cut])
    with pytest.raises(ParseError, match="damaged"):
        read(manual, DOCX)


def test_flipped_bytes_are_found(manual: Path) -> None:
    data = bytearray(manual.read_bytes())
    with zipfile.ZipFile(manual) as archive:
        at = archive.getinfo("word/document.xml").header_offset + 200
    data[at : at + 8] = bytes(byte ^ 0xFF for byte in data[at : at + 8])
    manual.write_bytes(data)
    with pytest.raises(ParseError, match="damaged"):
        read(manual, DOCX)


def test_an_archive_without_a_document_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.pptx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ppt/presentation.xml", "<not>closed")
    with pytest.raises(ParseError, match="damaged"):
        read(path, PPTX)


def test_a_zip_bomb_is_refused(manual: Path) -> None:
    with zipfile.ZipFile(manual, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/bomb.png", b"\0" * (40 * 1024 * 1024))
    with pytest.raises(SourceTooLargeError, match="unpacks to"):
        read(manual, DOCX)


def test_cells_of_word_that_are_merged_over_rows_stand_in_each(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=3)
    for row, cells in enumerate((["Region", "Product", "Price"], ["North", "Pump", "7"])):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(2, 1).text = "Bellows"
    table.cell(2, 2).text = "12"
    table.cell(1, 0).merge(table.cell(2, 0))
    document.save(str(tmp_path / "a.docx"))
    (found,) = read(tmp_path / "a.docx", DOCX)
    assert found.text.split("\n")[2:] == ["| North | Pump | 7 |", "| North | Bellows | 12 |"]
