"""When content was made: what it says, what its name says, what its program noted."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pymupdf
import pytest
from docx import Document
from PIL import Image

from ingest.content_dates import content_date_ns
from kb.types import Kind, Source

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODT = "application/vnd.oasis.opendocument.text"


def date_of(path: Path, media_type: str = "text/plain") -> str:
    """In UTC; empty for none."""
    source = Source(path.parent, path.name, media_type, Kind.TEXT, "0" * 64, 0, 0)
    found_ns = content_date_ns(source)
    return (
        "" if found_ns is None else f"{datetime.fromtimestamp(found_ns / 1e9, UTC):%Y-%m-%d %H:%M}"
    )


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("minutes 2024-05-02.txt", "2024-05-02 12:00"),
        ("2024_05_02 minutes.txt", "2024-05-02 12:00"),
        ("IMG_20240502_101500.txt", "2024-05-02 12:00"),
        ("letter 1867.03.09.txt", "1867-03-09 12:00"),
        ("会议2024年5月2日.txt", "2024-05-02 12:00"),
        ("minutes 2024-13-02.txt", ""),
        ("minutes 2024-02-31.txt", ""),
        ("minutes 2024-05.txt", ""),
        ("part 18670309.txt", ""),
        ("part 120240502.txt", ""),
        ("2024-05_02.txt", ""),
        ("report.txt", ""),
    ],
)
def test_a_day_in_the_name(name: str, date: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x")
    assert date_of(tmp_path / name) == date


@pytest.mark.parametrize(
    ("header", "date"),
    [
        (b"Date: Thu, 02 May 2024 10:15:00 +0200", "2024-05-02 08:15"),
        (b"Date: Thu, 02 May 2024 10:15:00 -0000", "2024-05-02 10:15"),
        (b"Date: yesterday", ""),
        (b"X-Other: 1", ""),
    ],
)
def test_when_a_mail_was_sent(header: bytes, date: str, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"From: a@b.c\n" + header + b"\n\nDate: 1999-01-01\n")
    assert date_of(tmp_path / "a.eml", "message/rfc822") == date


@pytest.mark.parametrize(
    ("front", "date"),
    [
        ("date: 2024-05-02", "2024-05-02 12:00"),
        ("date: '2024-05-02T10:15:00+02:00'", "2024-05-02 08:15"),
        ("created: 2024-05-02 10:15\ntitle: x", "2024-05-02 10:15"),
        ("date: soon", ""),
        ("updated: 2024-05-02", ""),
    ],
)
def test_the_date_of_front_matter(front: str, date: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"---\n{front}\n---\n\n# A\n\ndate: 1999-01-01\n")
    assert date_of(tmp_path / "a.md", "text/markdown") == date


def test_what_it_says_comes_before_its_name_and_that_before_its_program(tmp_path: Path) -> None:
    named = tmp_path / "2024-05-02 a.md"
    named.write_text("---\ndate: 2020-01-01\n---\n\nText\n")
    assert date_of(named, "text/markdown") == "2020-01-01 12:00"
    assert date_of(_pdf(tmp_path / "2024-05-02 a.pdf", "D:20240601"), "application/pdf") == (
        "2024-05-02 12:00"
    )


def _pdf(path: Path, created: str) -> Path:
    with pymupdf.open() as document:
        document.new_page()
        document.set_metadata({"creationDate": created})
        document.save(path)
    return path


@pytest.mark.parametrize(
    ("created", "date"),
    [
        ("D:20240502101500+02'00'", "2024-05-02 08:15"),
        ("D:20240502101500Z", "2024-05-02 10:15"),
        ("D:20240502", "2024-05-02 12:00"),
        ("D:16010101000000Z", ""),
        ("D:29990101000000Z", ""),
        ("May 2024", ""),
    ],
)
def test_when_a_pdf_was_written(created: str, date: str, tmp_path: Path) -> None:
    assert date_of(_pdf(tmp_path / "a.pdf", created), "application/pdf") == date


def test_when_an_office_file_was_saved_last(tmp_path: Path) -> None:
    document = Document()
    document.core_properties.created = datetime(2013, 12, 23)
    document.core_properties.modified = datetime(2024, 5, 2, 10, 15)
    document.save(str(tmp_path / "a.docx"))
    assert date_of(tmp_path / "a.docx", DOCX) == "2024-05-02 10:15"


def test_when_an_open_document_was_saved_last(tmp_path: Path) -> None:
    meta = (
        '<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta>'
        "<dc:date>2024-05-02T10:15:00.123456789</dc:date></office:meta></office:document-meta>"
    )
    with zipfile.ZipFile(tmp_path / "a.odt", "w") as archive:
        archive.writestr("meta.xml", meta)
    assert date_of(tmp_path / "a.odt", ODT) == "2024-05-02 10:15"


def test_when_a_picture_was_taken(tmp_path: Path) -> None:
    picture = Image.new("RGB", (8, 8))
    exif = picture.getexif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:02 10:15:00"
    picture.save(tmp_path / "2020-01-01.jpg", exif=exif)
    assert date_of(tmp_path / "2020-01-01.jpg", "image/jpeg") == "2024-05-02 10:15"


@pytest.mark.parametrize(
    "media_type", [DOCX, ODT, "application/pdf", "message/rfc822", "image/png"]
)
def test_damage_tells_nothing(media_type: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"PK\x03\x04 broken")
    assert date_of(tmp_path / "a", media_type) == ""
