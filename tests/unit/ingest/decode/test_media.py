from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from made_videos import RED, as_bytes, make_video, plain

from ingest.decode.media import CLIP_MIN_FRAMES, MEDIA_TYPES, SUFFIXES, sniff
from ingest.parsers import parser_for
from kb.errors import SourceUnavailableError
from kb.types import Kind

OOXML = "application/vnd.openxmlformats-officedocument."
ODF = "application/vnd.oasis.opendocument."
DOCX = OOXML + "wordprocessingml.document"
BINARY = bytes(range(256)) * 8


def sniffed(path: Path, data: bytes) -> str | None:
    path.write_bytes(data)
    found = sniff(path)
    assert found is None or found[1] is MEDIA_TYPES[found[0]]
    return found[0] if found else None


def zipped(path: Path, *members: str, mimetype: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for member in members:
            archive.writestr(member, "content")
    return path


def test_every_suffix_promises_a_type_that_is_read() -> None:
    assert set(SUFFIXES.values()) == set(MEDIA_TYPES)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_every_type_has_a_parser(media_type: str) -> None:
    assert parser_for(media_type)


@pytest.mark.parametrize(
    ("format", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("HEIF", "image/heic"),
        ("AVIF", "image/avif"),
    ],
)
def test_pictures_whatever_their_name(tmp_path: Path, format: str, media_type: str) -> None:
    data = as_bytes(plain(RED, (64, 64)), format)

    assert sniffed(tmp_path / "report.pdf", data) == media_type
    assert sniffed(tmp_path / "nameless", data) == media_type


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [
        ("mp4", "video/mp4"),
        ("mov", "video/quicktime"),
        ("mkv", "video/x-matroska"),
        ("webm", "video/webm"),
        ("avi", "video/x-msvideo"),
    ],
)
def test_videos_whatever_their_name(tmp_path: Path, suffix: str, media_type: str) -> None:
    made = make_video(tmp_path / f"a.{suffix}", [(plain(RED), 0.2)])
    renamed = made.rename(tmp_path / "a.txt")

    assert sniff(renamed) == (media_type, Kind.VIDEO)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + bytes(40), "audio/mp4"),
        (b"RIFF\0\0\0\0WAVEfmt " + bytes(40), "audio/wav"),
        (b"ID3\x04\0\0\0\0\0\0" + BINARY, "audio/mpeg"),
        (b"fLaC\0\0\0\x22" + BINARY, "audio/flac"),
        (b"OggS\0\2" + bytes(22) + b"\x13OpusHead" + bytes(40), "audio/ogg"),
    ],
)
def test_sound_whatever_its_name(tmp_path: Path, data: bytes, media_type: str) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(data)

    assert sniff(path) == (media_type, Kind.AUDIO)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.mp3", "audio/mpeg"), ("a.aac", "audio/aac"), ("a.opus", "audio/ogg")],
)
def test_sound_without_a_signature_is_what_its_name_says(
    tmp_path: Path, name: str, media_type: str
) -> None:
    assert sniffed(tmp_path / name, b"\xff\xfb\x90\x64" + bytes(400)) == media_type


def test_a_gif_of_many_frames_is_a_clip(tmp_path: Path) -> None:
    pictures = [plain((i * 20, 0, 0)) for i in range(CLIP_MIN_FRAMES)]
    short, long = tmp_path / "short.gif", tmp_path / "long.gif"
    pictures[0].save(short, save_all=True, append_images=pictures[1:-1])
    pictures[0].save(long, save_all=True, append_images=pictures[1:])

    assert sniff(short) == ("image/gif", Kind.IMAGE)
    assert sniff(long) == ("image/gif", Kind.VIDEO)


def test_a_damaged_gif_is_still_a_gif(tmp_path: Path) -> None:
    assert sniffed(tmp_path / "a.gif", b"GIF89a\x01") == "image/gif"


@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("a.pdf", b"%PDF-1.7\n", "application/pdf"),
        ("a.jpg", b"\xef\xbb\xbf\r\n%PDF-1.4\n" + BINARY, "application/pdf"),
        ("a.bin", b"\x01" * 900 + b"%PDF-1.4\n" + BINARY, "application/pdf"),
        ("a.pdf", b"junk before the header\n%PDF-1.4\n", "application/pdf"),
        ("spec.md", b"A PDF begins with %PDF-1.4 and a line break.\n", "text/markdown"),
        ("a.pdf", BINARY, "application/pdf"),
    ],
)
def test_pdf_header_within_its_first_kilobyte(
    tmp_path: Path, name: str, data: bytes, media_type: str
) -> None:
    assert sniffed(tmp_path / name, data) == media_type


@pytest.mark.parametrize(
    ("members", "mimetype", "media_type"),
    [
        (["[Content_Types].xml", "word/document.xml"], "", DOCX),
        (
            ["[Content_Types].xml", "ppt/presentation.xml"],
            "",
            OOXML + "presentationml.presentation",
        ),
        (["[Content_Types].xml", "xl/workbook.xml"], "", OOXML + "spreadsheetml.sheet"),
        (["META-INF/container.xml"], "application/epub+zip", "application/epub+zip"),
        (["OEBPS/a.xhtml"], "application/epub+zip", "application/epub+zip"),
        (["FixedDocSeq.fdseq", "Pages/1.fpage"], "", "application/vnd.ms-xpsdocument"),
        (["p/", "p/1.jpg", "p/2.PNG"], "", "application/vnd.comicbook+zip"),
        (["1.jpg", "ComicInfo.xml"], "", "application/vnd.comicbook+zip"),
        (["1.jpg", "setup.exe"], "", None),
        (["content.xml"], f"{ODF}text", f"{ODF}text"),
        (["content.xml"], f"{ODF}spreadsheet-template", f"{ODF}spreadsheet"),
        (["content.xml"], f"{ODF}formula", None),
    ],
)
def test_zips_are_looked_into(
    tmp_path: Path, members: list[str], mimetype: str, media_type: str | None
) -> None:
    found = sniff(zipped(tmp_path / "a.zip", *members, mimetype=mimetype))

    assert found == (None if media_type is None else (media_type, MEDIA_TYPES[media_type]))


def test_a_cut_zip_is_what_its_name_says(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.docx", "word/document.xml").read_bytes()

    assert sniffed(tmp_path / "cut.docx", whole[:40]) == DOCX
    assert sniffed(tmp_path / "cut.zip", whole[:40]) is None


def test_an_encrypted_docx_is_left_to_its_parser(tmp_path: Path) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)

    assert sniffed(tmp_path / "secret.docx", ole) == DOCX
    assert sniffed(tmp_path / "old.doc", ole) is None


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.md", "text/markdown"),
        ("a.MARKDOWN", "text/markdown"),
        ("a.txt", "text/plain"),
        ("a.log", "text/plain"),
        ("a.rst", "text/plain"),
        ("a.py", "text/plain"),
        ("a.yaml", "text/plain"),
        ("Makefile", "text/plain"),
        ("photo.jpg", "text/plain"),
        ("a.json", "application/json"),
        ("a.jsonl", "application/x-ndjson"),
        ("a.ndjson", "application/x-ndjson"),
        ("a.csv", "text/csv"),
        ("a.tsv", "text/tab-separated-values"),
        ("a.srt", "application/x-subrip"),
        ("a.vtt", "text/vtt"),
        ("a.html", "text/html"),
        ("a.xhtml", "application/xhtml+xml"),
    ],
)
def test_text_is_what_its_suffix_says(tmp_path: Path, name: str, media_type: str) -> None:
    assert sniffed(tmp_path / name, b"Some words, 1 < 2.\n") == media_type


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5", "utf-16", "utf-8-sig"])
def test_text_of_any_charset(tmp_path: Path, encoding: str) -> None:
    data = "產品說明 reset\r\n".encode(encoding) * 40

    assert sniffed(tmp_path / "a.txt", data) == "text/plain"
    assert sniffed(tmp_path / "README", data) == "text/plain"


@pytest.mark.parametrize("encoding", ["shift_jis", "iso2022_jp", "euc_jp"])
def test_japanese_text(tmp_path: Path, encoding: str) -> None:
    assert sniffed(tmp_path / "a.txt", "取扱説明書。\n".encode(encoding) * 40) == "text/plain"


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html><title>x</title>",
        b"\xef\xbb\xbf \n<!-- saved from -->\n<HTML lang=en>",
        b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">',
        "<html><body>页</body></html>".encode("utf-16"),
    ],
)
def test_a_saved_page_is_html_whatever_its_name(tmp_path: Path, data: bytes) -> None:
    assert sniffed(tmp_path / "page.txt", data) == "text/html"
    assert sniffed(tmp_path / "page.pdf", data) == "text/html"


def test_markdown_may_begin_with_a_tag(tmp_path: Path) -> None:
    assert sniffed(tmp_path / "a.md", b'<div align="center">\n\n# Title\n') == "text/markdown"
    assert sniffed(tmp_path / "a.md", b"<!-- toc -->\n# Title\n") == "text/markdown"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.exe", b"MZ" + BINARY),
        ("a.txt", BINARY),
        ("a.zip", b"PK\x05\x06" + bytes(18)),
        ("song.m4p", b"\0\0\0\x20ftypM4P \0\0\0\0M4P mp42isom" + bytes(40)),
        ("film.ogv", b"OggS\0\2" + bytes(22) + b"\x80theora" + bytes(40)),
        ("logo.svg", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("a.ps", b"%!PS-Adobe-3.0\n"),
    ],
)
def test_what_no_parser_reads(tmp_path: Path, name: str, data: bytes) -> None:
    assert sniffed(tmp_path / name, data) is None


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.webm", "video/webm"), ("a.pdf", "application/pdf"), ("a.txt", "text/plain"), ("a", None)],
)
def test_an_empty_file_is_what_its_name_says(
    tmp_path: Path, name: str, media_type: str | None
) -> None:
    assert sniffed(tmp_path / name, b"") == media_type


def test_two_letters_make_no_bmp(tmp_path: Path) -> None:
    assert sniffed(tmp_path / "a.txt", b"BMW is a maker of cars.\n") == "text/plain"


def test_webvtt_says_so_itself(tmp_path: Path) -> None:
    assert sniffed(tmp_path / "a.txt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nx\n") == "text/vtt"


def test_unreadable_and_vanished(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError):
        sniff(tmp_path / "gone.pdf")
    if os.geteuid() == 0:
        return
    locked = tmp_path / "locked.txt"
    locked.write_text("x")
    locked.chmod(0)
    with pytest.raises(SourceUnavailableError):
        sniff(locked)


def test_a_heic_of_the_structural_brand(tmp_path: Path) -> None:
    head = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(40)
    avif = b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif" + bytes(40)

    assert sniffed(tmp_path / "a.jpg", head) == "image/heic"
    assert sniffed(tmp_path / "b.jpg", avif) == "image/avif"


def test_a_picture_wider_than_pillow_likes_is_still_sniffed(tmp_path: Path) -> None:
    header = b"GIF89a\xff\xff\xff\xff\x00\x00\x00,"

    assert sniffed(tmp_path / "bomb.gif", header) == "image/gif"
