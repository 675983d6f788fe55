"""Opening page documents, and saying plainly why one can't be opened."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image

from ingest.failures import is_out_of_memory
from ingest.parsers.base import ParseContext
from ingest.parsers.pdf.file_types import FILE_TYPES
from ingest.parsers.pdf.mupdf import pymupdf
from kb.errors import ParseError, SourceTooLargeError, SourceUnavailableError
from kb.types import Source

__all__ = ["MUPDF_ERRORS", "is_cut_short", "opened"]

EBOOK_PAGE_PT, EBOOK_FONT_PT = (595, 842), 11  # A4: reflowable text has no pages of its own.

_NAMES = {"pdf": "PDF", "epub": "EPUB", "xps": "XPS", "cbz": "comic archive"}
# What MuPDF raises on damaged input.
MUPDF_ERRORS = (pymupdf.mupdf.FzErrorBase, RuntimeError, ValueError)
_TAIL_BYTES = 2048


@contextmanager
def opened(source: Source, context: ParseContext) -> Iterator[Any]:
    """The open `pymupdf.Document` of a file: unlocked, laid out, with at least one page.

    Raises:
        ParseError: Empty, damaged, encrypted without a known password, or without pages.
        SourceTooLargeError: An archive unpacks to more than the cap.
        SourceUnavailableError: The file vanished or may not be read.
    """
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    # Readings above characters (ruby) would stand in the middle of the words that they are of.
    pymupdf.mupdf.fz_set_user_css("rt, rp { display: none }")
    kind = FILE_TYPES[source.media_type]
    name = _NAMES[kind]
    try:
        with source.absolute.open("rb") as file:
            is_empty = not file.read(1)
    except OSError as error:
        raise SourceUnavailableError(
            f"The file can't be read ({error.strerror}). Check that it is still there and that "
            "you may read it, then sync again.",
            source=source.path,
        ) from error
    if is_empty:
        raise ParseError(
            "The file is empty (0 bytes). Copy or download it again.", source=source.path
        )
    if kind != "pdf":
        _check_archive(source, context, name)
    try:
        document = pymupdf.open(str(source.absolute), filetype=kind)
    except MUPDF_ERRORS as error:
        raise ParseError(
            f"The file can't be opened as {name}: it is damaged, cut short, or something else "
            "under that name. Open it in a viewer to check, and get a complete copy.",
            source=source.path,
        ) from error
    with document:
        try:
            _unlock(document, source, context)
            if document.is_reflowable:
                width, height = EBOOK_PAGE_PT
                document.layout(width=width, height=height, fontsize=EBOOK_FONT_PT)
            n_pages = document.page_count
        except MUPDF_ERRORS as error:
            if is_out_of_memory(error):
                raise
            raise ParseError(
                f"The pages of the {name} can't be counted ({error}): its structure is damaged. If "
                "a viewer shows them, save it from there as a new file, or get a complete copy.",
                source=source.path,
            ) from error
        if n_pages == 0:
            raise ParseError(
                f"The {name} has no pages. If a viewer shows some, save it from there as a new "
                "file.",
                source=source.path,
            )
        yield document


def _unlock(document: Any, source: Source, context: ParseContext) -> None:
    if not document.needs_pass:
        return
    passwords = context.config.pdf_passwords
    if any(document.authenticate(password) for password in passwords):
        return
    tried = "none of those that are known opens it" if passwords else "no password is known"
    raise ParseError(
        f"The file is locked with a password, and {tried}. Give its password on the Library page, "
        "or add it to `ingest.pdf_passwords` in kb.yaml and sync again.",
        source=source.path,
    )


def _check_archive(source: Source, context: ParseContext, name: str) -> None:
    """Refuse archives that unpack to too much, before MuPDF unpacks them."""
    try:
        with zipfile.ZipFile(source.absolute) as archive:
            n_bytes = sum(item.file_size for item in archive.infolist())
            if n_bytes > context.config.max_file_bytes:
                raise SourceTooLargeError(
                    f"The {name} unpacks to {n_bytes:,} bytes; at most "
                    f"{context.config.max_file_bytes:,} are read. Raise `ingest.max_file_bytes` "
                    "in kb.yaml if you trust the file.",
                    source=source.path,
                )
            if FILE_TYPES[source.media_type] == "cbz":
                _check_pictures(archive, source, context)
    except zipfile.BadZipFile as error:
        raise ParseError(
            f"The file can't be opened as {name}: its archive is damaged or cut short. Get a "
            "complete copy.",
            source=source.path,
        ) from error


def _check_pictures(archive: zipfile.ZipFile, source: Source, context: ParseContext) -> None:
    cap = context.config.max_image_px
    for item in archive.infolist():
        try:
            with archive.open(item) as file, Image.open(file) as picture:
                n_px = picture.width * picture.height
        except (OSError, Image.DecompressionBombError, ValueError, NotImplementedError):
            continue  # Not a picture, or one that MuPDF reports by itself.
        if n_px > cap:
            raise SourceTooLargeError(
                f"The picture {item.filename!r} in the archive has {n_px:,} pixels; at most "
                f"{cap:,} are read. Raise `ingest.max_image_px` in kb.yaml if you trust the file.",
                source=source.path,
            )


def is_cut_short(document: Any, source: Source) -> bool:
    """Whether a PDF that MuPDF had to repair lacks its end (ISO 32000-1, 7.5.5: ``%%EOF``)."""
    if not (document.is_pdf and document.is_repaired):
        return False
    with source.absolute.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        return b"%%EOF" not in file.read()
