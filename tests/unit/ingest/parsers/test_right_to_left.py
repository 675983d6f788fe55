"""Hebrew and Arabic in PDF and EPUB, in the order in which people read them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from parsing import parse

from ingest.parsers.pdf.parser import PdfParser
from ingest.parsers.pdf.right_to_left import rows_of_block
from kb.types import Modality

HEBREW = "הצנזור בדק את המכתבים של דנה (12 עמודים) בשנת 1998."
MIXED = 'הלוח USB 3.0 עולה 37.5% או 1,250 ש"ח.'


def words(path: Path, media_type: str) -> str:
    segments, warnings = parse(PdfParser(), path, media_type)
    assert warnings == []
    return "\n".join(s.text for s in segments if s.modality is Modality.TEXT)


@pytest.mark.parametrize("text", [HEBREW, MIXED, "The word שלום is Hebrew, not (עולם)."])
def test_pdf(text: str, tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page()
    direction = "ltr" if text.startswith("The") else "rtl"
    page.insert_htmlbox((72, 72, 520, 200), f'<p dir="{direction}">{text}</p>')
    document.save(tmp_path / "a.pdf")
    assert words(tmp_path / "a.pdf", "application/pdf") == text


def test_epub(tmp_path: Path) -> None:
    container = "urn:oasis:names:tc:opendocument:xmlns:container"
    arabic = "يفتح الصمام عندما يرتفع الضغط إلى 37 بار في الغرفة."
    with zipfile.ZipFile(tmp_path / "a.epub", "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr(
            "META-INF/container.xml",
            f'<container version="1.0" xmlns="{container}"><rootfiles><rootfile full-path="c.opf" '
            'media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        book.writestr(
            "c.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" version="2.0"><metadata/><manifest>'
            '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest><spine>'
            '<itemref idref="a"/></spine></package>',
        )
        book.writestr(
            "a.xhtml",
            f'<html xmlns="http://www.w3.org/1999/xhtml"><body dir="rtl"><p>{HEBREW}</p><p>{arabic}'
            "</p></body></html>",
        )
    found = words(tmp_path / "a.epub", "application/epub+zip")
    assert HEBREW in found
    assert arabic in found


def block(*signs: tuple[str, float]) -> dict[str, Any]:
    """Letters of 10 points at the places x, in any order."""
    chars = [{"c": text, "bbox": (x, 0.0, x + 10.0, 12.0)} for text, x in signs]
    span = {
        "size": 10.0,
        "font": "F",
        "flags": 0,
        "char_flags": 0,
        "bbox": (0.0, 0.0, 900.0, 12.0),
        "chars": chars,
    }
    return {"lines": [{"bbox": (0.0, 0.0, 900.0, 12.0), "spans": [span]}]}


@pytest.mark.parametrize(
    ("signs", "texts"),
    [
        ((("ב", 0), ("א", 10)), ["אב"]),
        ((("ב", 0), ("א", 15)), ["א ב"]),
        ((("ב", 0), ("א", 90)), ["א", "ב"]),
        ((("ב", 0), ("1", 20), ("2", 30), ("3", 50), ("א", 70)), ["א 3 12 ב"]),
        ((("ﻢ", 0), ("ﻧ", 10), ("\u064e", 12)), ["نَم"]),
        ((("\u05b8", 3),), []),
    ],
)
def test_letters_by_their_places(signs: tuple[tuple[str, float], ...], texts: list[str]) -> None:
    assert [row["text"] for row in rows_of_block(block(*signs))] == texts
