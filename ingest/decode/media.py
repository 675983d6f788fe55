"""What a file is: by its content where that has a signature, else by its name.

A picture that is named ``report.pdf`` is a picture. Only text has no signature of its own;
there the suffix says which kind of text it is.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ingest.decode.charset import decode
from ingest.decode.pictures import open_picture
from kb.errors import SourceUnavailableError
from kb.types import Kind

__all__ = ["CLIP_MIN_FRAMES", "MEDIA_TYPES", "SUFFIXES", "sniff"]

MEDIA_TYPES: Mapping[str, Kind] = MappingProxyType(
    {
        "application/pdf": Kind.PDF,
        "application/epub+zip": Kind.EBOOK,
        "application/vnd.ms-xpsdocument": Kind.EBOOK,
        "application/vnd.comicbook+zip": Kind.EBOOK,
        "image/jpeg": Kind.IMAGE,
        "image/png": Kind.IMAGE,
        "image/webp": Kind.IMAGE,
        "image/gif": Kind.IMAGE,
        "image/bmp": Kind.IMAGE,
        "image/tiff": Kind.IMAGE,
        "image/heic": Kind.IMAGE,
        "image/avif": Kind.IMAGE,
        "video/mp4": Kind.VIDEO,
        "video/quicktime": Kind.VIDEO,
        "video/x-msvideo": Kind.VIDEO,
        "video/x-matroska": Kind.VIDEO,
        "video/webm": Kind.VIDEO,
        "audio/mpeg": Kind.AUDIO,
        "audio/mp4": Kind.AUDIO,
        "audio/wav": Kind.AUDIO,
        "audio/flac": Kind.AUDIO,
        "audio/ogg": Kind.AUDIO,
        "audio/aac": Kind.AUDIO,
        "text/html": Kind.HTML,
        "application/xhtml+xml": Kind.HTML,
        "application/x-mimearchive": Kind.HTML,
        "message/rfc822": Kind.TEXT,
        "application/mbox": Kind.TEXT,
        "application/vnd.ms-outlook": Kind.OFFICE,
        "application/x-ipynb+json": Kind.TEXT,
        "text/markdown": Kind.TEXT,
        "text/plain": Kind.TEXT,
        "application/x-subrip": Kind.TEXT,
        "text/vtt": Kind.TEXT,
        "application/json": Kind.DATA,
        "application/x-ndjson": Kind.DATA,
        "text/csv": Kind.DATA,
        "text/tab-separated-values": Kind.DATA,
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": Kind.OFFICE,
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": Kind.OFFICE,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Kind.OFFICE,
        "application/vnd.oasis.opendocument.text": Kind.OFFICE,
        "application/vnd.oasis.opendocument.spreadsheet": Kind.OFFICE,
        "application/vnd.oasis.opendocument.presentation": Kind.OFFICE,
        "application/rtf": Kind.OFFICE,
    }
)
"""Every media type that a parser reads, with its family."""

_OOXML = "application/vnd.openxmlformats-officedocument."
_DOCX = _OOXML + "wordprocessingml.document"
_PPTX = _OOXML + "presentationml.presentation"
_XLSX = _OOXML + "spreadsheetml.sheet"
_ODF = "application/vnd.oasis.opendocument."

_BINARY_SUFFIXES: Mapping[str, str] = {
    ".pdf": "application/pdf",
    ".epub": "application/epub+zip",
    ".xps": "application/vnd.ms-xpsdocument",
    ".oxps": "application/vnd.ms-xpsdocument",
    ".cbz": "application/vnd.comicbook+zip",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".heic": "image/heic",
    ".heif": "image/heic",
    ".avif": "image/avif",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".aac": "audio/aac",
    ".docx": _DOCX,
    ".pptx": _PPTX,
    ".xlsx": _XLSX,
    ".odt": _ODF + "text",
    ".ods": _ODF + "spreadsheet",
    ".odp": _ODF + "presentation",
    ".rtf": "application/rtf",
    ".msg": "application/vnd.ms-outlook",
}
_MAIL_SUFFIXES: Mapping[str, str] = {
    ".eml": "message/rfc822",
    ".emlx": "message/rfc822",
    ".mbox": "application/mbox",
    ".mht": "application/x-mimearchive",
    ".mhtml": "application/x-mimearchive",
}
_TEXT_SUFFIXES: Mapping[str, str] = {
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".log": "text/plain",
    ".rst": "text/plain",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".ipynb": "application/x-ipynb+json",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    **_MAIL_SUFFIXES,
}
SUFFIXES: Mapping[str, str] = MappingProxyType({**_BINARY_SUFFIXES, **_TEXT_SUFFIXES})
"""The media type that each known suffix promises. Text of any other suffix (source code,
configuration) is text/plain."""

CLIP_MIN_FRAMES = 10
"""A GIF of at least so many pictures is a clip; below, each of them is a page."""

_HEAD_BYTES = 8192
_PDF_HEADER = re.compile(rb"%PDF-\d")
_PDF_HEADER_WITHIN_BYTES = 1024
# The last record with the longest comment; and the list of some 80,000 members.
_ZIP_END_BYTES = 22 + 65_535
_MAX_DIRECTORY_BYTES = 4 * 1024 * 1024
# Sizes of the BMP info headers there are: two letters alone would take a text for a BMP.
_BMP_HEADER_BYTES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_SOUND_BRANDS = frozenset({b"M4A ", b"M4B ", b"F4A "})
# Canon raw, JPEG 2000, and music that is protected: ISO containers that no parser reads.
_OTHER_BRANDS = frozenset({b"crx ", b"jp2 ", b"jpx ", b"M4P "})
_OLD_QUICKTIME_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".jp2")
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_UTF8_BOM = b"\xef\xbb\xbf"
# Beside these a text that begins with "From:" may be a note.
_ONLY_IN_MAIL = frozenset({"mime-version", "message-id", "received", "content-transfer-encoding"})
# Tab, line feed, form feed, carriage return and escape (ISO-2022-JP) occur in text.
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27})
_MAX_CONTROLS = 0.01
# Atomic groups: each part is found once, from the left, and never tried again in another way.
_XML_START = r"\s*+(?:<\?xml[^>]*+(?<=\?)>\s*+)?+"
_COMMENT = r"<!--(?>.*?-->)\s*+"
_HTML_START = re.compile(
    rf"{_XML_START}(?:{_COMMENT})*+<(?:!doctype\s++html|html)\b", re.IGNORECASE | re.DOTALL
)
# Formats that are written in letters but not meant to be read in them.
_MARKUP_NOBODY_READS = re.compile(
    rf"\s*+(?:%!PS|{_XML_START}(?:{_COMMENT}|<!doctype svg[^>]*+>\s*+)*+<svg\b)",
    re.IGNORECASE | re.DOTALL,
)


def sniff(path: Path) -> tuple[str, Kind] | None:
    """The media type and family of a file; None where no parser reads it.

    An empty or damaged file without a signature has the type that its suffix promises, so
    that the parser can say what is wrong with it. A GIF of `CLIP_MIN_FRAMES` pictures or
    more has the family VIDEO.

    Raises:
        SourceUnavailableError: The file can't be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        media_type = _media_type(path, head)
    except OSError as error:
        raise SourceUnavailableError(
            f"The file can't be read ({error.strerror}). Give this user permission to read it, "
            "or put it back, then sync again."
        ) from error
    if media_type is None:
        return None
    if media_type == "image/gif" and _is_clip(path):
        return media_type, Kind.VIDEO
    return media_type, MEDIA_TYPES[media_type]


def _media_type(path: Path, head: bytes) -> str | None:
    suffix = path.suffix.lower()
    if not head:
        return SUFFIXES.get(suffix)
    is_text = _is_text(head)
    found = _from_signature(head) or _from_pdf_header(head, suffix, is_text)
    if found:
        return found
    if _is_other_container(head):
        return None
    if head.startswith(b"PK\x03\x04"):
        return _from_zip(path) or _BINARY_SUFFIXES.get(suffix)
    if is_text or (suffix in _TEXT_SUFFIXES and _is_unmarked_utf16(head)):
        return _from_text(head, suffix)
    # A mail may hold bytes of any kind.
    return _BINARY_SUFFIXES.get(suffix) or _MAIL_SUFFIXES.get(suffix)


def _from_signature(head: bytes) -> str | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "image/tiff"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_BYTES:
        return "image/bmp"
    if head.startswith(b"RIFF"):
        return {
            b"AVI ": "video/x-msvideo",
            b"WEBP": "image/webp",
            b"WAVE": "audio/wav",
        }.get(head[8:12])
    if head.startswith(b"fLaC"):
        return "audio/flac"
    if head.startswith(b"OggS"):
        # Theora is the only video that Ogg holds, and no parser reads it.
        return None if b"\x80theora" in head[:512] else "audio/ogg"
    # A picture of the cover, or words, come before the sound of either.
    if head.startswith(b"ID3"):
        return "audio/mpeg"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head[4:8] == b"ftyp":
        return _from_brands(head)
    if head[4:8] in _OLD_QUICKTIME_BOXES and head[0] == 0:
        return "video/quicktime"
    return None


def _from_brands(head: bytes) -> str | None:
    brands = _brands(head)
    if brands & _AVIF_BRANDS:
        return "image/avif"
    if brands & _HEIC_BRANDS:
        return "image/heic"
    if head[8:12] in _OTHER_BRANDS:
        return None
    if head[8:12] in _SOUND_BRANDS:
        return "audio/mp4"
    return "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"


def _brands(head: bytes) -> frozenset[bytes]:
    """Major and compatible brands of an ISO base media file (ISO/IEC 14496-12, 4.3)."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return frozenset({head[8:12], *(head[i : i + 4] for i in range(16, end, 4))})


def _is_other_container(head: bytes) -> bool:
    return head[4:8] == b"ftyp" or head.startswith(b"OggS")


def _from_pdf_header(head: bytes, suffix: str, is_text: bool) -> str | None:
    found = _PDF_HEADER.search(head, 0, _PDF_HEADER_WITHIN_BYTES)
    if found is None:
        return None
    # Readers accept other bytes before the header, and a text may speak of it.
    leads = not head[: found.start()].strip(b"\xef\xbb\xbf\0 \t\r\n\f")
    return "application/pdf" if leads or suffix == ".pdf" or not is_text else None


def _from_zip(path: Path) -> str | None:
    try:
        # The list alone of millions of members would fill the memory.
        if _directory_bytes(path) > _MAX_DIRECTORY_BYTES:
            return None
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            mimetype = b""
            if "mimetype" in names:
                with archive.open("mimetype") as packed:  # of any size, once it is unpacked
                    mimetype = packed.read(64)
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        ValueError,
        EOFError,
    ):
        return None
    held = frozenset(names)
    for member, media_type in (
        ("word/document.xml", _DOCX),
        ("ppt/presentation.xml", _PPTX),
        ("xl/workbook.xml", _XLSX),
        ("META-INF/container.xml", "application/epub+zip"),
    ):
        if member in held:
            return media_type
    stated = mimetype.strip().decode("latin-1").removesuffix("-template")
    if stated.startswith(_ODF) and stated in MEDIA_TYPES:
        return stated
    if mimetype.strip() == b"application/epub+zip":
        return "application/epub+zip"
    if any(name.lower().endswith(".fdseq") for name in names):
        return "application/vnd.ms-xpsdocument"
    files = [name.lower() for name in names if not name.endswith("/")]
    pictures = [name for name in files if name.endswith(_PICTURE_SUFFIXES)]
    if pictures and len(pictures) + ("comicinfo.xml" in files) == len(files):
        return "application/vnd.comicbook+zip"
    return None


def _directory_bytes(path: Path) -> int:
    """Size of a zip archive's list of members, as its last record says (APPNOTE 4.3.16); that of
    an archive beyond 4 GiB says no size, but the largest number."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _ZIP_END_BYTES))
        end = file.read()
    at = end.rfind(b"PK\x05\x06")
    return int.from_bytes(end[at + 12 : at + 16], "little") if at >= 0 else 0


def _is_text(head: bytes) -> bool:
    if head.startswith(_UTF16_BOMS):
        return True
    if b"\0" in head:
        return False
    n_controls = len(head) - len(head.translate(None, _CONTROLS))
    return n_controls <= _MAX_CONTROLS * len(head)


def _is_unmarked_utf16(head: bytes) -> bool:
    return b"\0" in head and decode(head[: len(head) & ~1])[1].startswith("utf-16")


def _from_text(head: bytes, suffix: str) -> str | None:
    if head.lstrip().startswith(b"{\\rtf"):
        return "application/rtf"
    encoding = "utf-16" if head.startswith(_UTF16_BOMS) else "latin-1"
    text = head.removeprefix(_UTF8_BOM).decode(encoding, "replace")
    if _MARKUP_NOBODY_READS.match(text):
        return None
    known = _TEXT_SUFFIXES.get(suffix)
    if _HTML_START.match(text):
        return known if known == "application/xhtml+xml" else "text/html"
    if text.startswith("WEBVTT"):
        return "text/vtt"
    if known in (None, "text/plain"):
        return _from_mail(text) or "text/plain"
    return known


def _from_mail(text: str) -> str | None:
    """What kind of mail a text is, by the headers that it begins with."""
    first, _, rest = text.partition("\n")
    is_box = first.startswith("From ")
    names = set()
    for line in (rest if is_box else text).split("\n"):
        name, colon, _ = line.partition(":")
        if not line.strip():
            break
        if line[0] not in " \t":
            if not colon or not name.replace("-", "").isalnum():
                return None
            names.add(name.lower())
    if not {"from", "subject", "date"} & names or not _ONLY_IN_MAIL & names:
        return None
    if "snapshot-content-location" in names:
        return "application/x-mimearchive"
    return "application/mbox" if is_box else "message/rfc822"


def _is_clip(path: Path) -> bool:
    try:
        with open_picture(path) as image:
            return int(getattr(image, "n_frames", 1)) >= CLIP_MIN_FRAMES
    except (OSError, SyntaxError, ValueError, EOFError):
        return False
