"""PDF, EPUB, XPS and comic archives: text with boxes, tables, and an image of every page."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

import pymupdf
from PIL import Image

from ingest.parsers.base import OcrText, ParseContext
from ingest.parsers.pdf_layout import Layout, OutlineEntry
from ingest.parsers.pdf_sections import SectionWriter
from ingest.parsers.pdf_text import Line, PageText, read_page
from ingest.reading_order import Rect
from kb.errors import ParseError, SourceTooLargeError, SourceUnavailableError
from kb.types import Box, EncodedImage, Locator, Modality, Segment, Source

__all__ = ["PdfParser", "render_page"]

MAX_WIDTH_PX, MAX_HEIGHT_PX = 1280, 1440
MAX_ZOOM = 300 / 72  # Beyond 300 dpi a small page only gets blurred.
JPEG_QUALITY = 80
EBOOK_PAGE_PT, EBOOK_FONT_PT = (595, 842), 11  # A4: reflowable text has no pages of its own.

# Below this a page's text layer is looked at twice: it may be a stamp on a scan.
FEW_CHARS = 100
MAX_GARBAGE = 0.3
MIN_SCAN_AREA = 0.5

_FILE_TYPES = {
    "application/pdf": "pdf",
    "application/epub+zip": "epub",
    "application/oxps": "xps",
    "application/vnd.ms-xpsdocument": "xps",
    "application/vnd.comicbook+zip": "cbz",
    "application/x-cbz": "cbz",
}
_NAMES = {"pdf": "PDF", "epub": "EPUB", "xps": "XPS", "cbz": "comic archive"}
# What MuPDF raises on damaged input.
_MUPDF_ERRORS = (pymupdf.mupdf.FzErrorBase, RuntimeError, ValueError)
_NO_TITLE = re.compile(
    r"untitled|无标题|microsoft (word|powerpoint|excel)|(slide|document|presentation|文档)\s*\d*$"
    r"|[^\s]+\.(docx?|pptx?|xlsx?|tex|dvi|pdf|indd|qxd|html?|txt)$|[\W\d_]*$",
    re.IGNORECASE,
)


class PdfParser:
    """Reads page documents with MuPDF (see `ingest.parsers.base.Parser`)."""

    version = 1
    media_types = frozenset(_FILE_TYPES)

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """Segments page by page: the sections of its text, its tables, then its image.

        A page without a usable text layer is read by OCR, where there is one. A page that
        can't be read is reported through `context.warn`.

        Raises:
            ParseError: Empty, encrypted without a known password, without pages, or not
                readable at all.
            SourceTooLargeError: An archive unpacks to more than the cap.
            SourceUnavailableError: The file vanished or may not be read.
        """
        pymupdf.TOOLS.mupdf_display_errors(False)
        pymupdf.TOOLS.mupdf_display_warnings(False)
        with _opened(source, context) as document:
            yield from _segments(document, source, context)
            if document.is_pdf and document.is_repaired and _is_cut_short(source):
                context.warn(
                    f"The PDF is cut short: {document.page_count} pages could be recovered, "
                    "and some may lack words or pictures. Get a complete copy of the file."
                )


def render_page(page: Any) -> EncodedImage:
    """A MuPDF page, upright and in RGB, as a JPEG of at most 1280 x 1440 px."""
    width, height = page.rect.width, page.rect.height
    zoom = min(MAX_WIDTH_PX / width, MAX_HEIGHT_PX / height, MAX_ZOOM)
    pixmap = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), alpha=False)
    # Pillow's encoder (libjpeg-turbo) takes a quarter of the time of MuPDF's.
    picture = Image.frombuffer(
        "RGB", (pixmap.width, pixmap.height), pixmap.samples_mv, "raw", "RGB", 0, 1
    )
    if picture.width > MAX_WIDTH_PX or picture.height > MAX_HEIGHT_PX:
        # MuPDF rounds the page's edges outward to whole pixels.
        picture = picture.crop(
            (0, 0, min(picture.width, MAX_WIDTH_PX), min(picture.height, MAX_HEIGHT_PX))
        )
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return EncodedImage(file.getvalue(), "image/jpeg", picture.width, picture.height)


@contextmanager
def _opened(source: Source, context: ParseContext) -> Iterator[Any]:
    kind = _FILE_TYPES[source.media_type]
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
    except _MUPDF_ERRORS as error:
        raise ParseError(
            f"The file can't be opened as {name}: it is damaged, cut short, or something else "
            "under that name. Open it in a viewer to check, and get a complete copy.",
            source=source.path,
        ) from error
    with document:
        _unlock(document, source, context)
        if document.is_reflowable:
            width, height = EBOOK_PAGE_PT
            document.layout(width=width, height=height, fontsize=EBOOK_FONT_PT)
        if document.page_count == 0:
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
    tried = f"none of the {len(passwords)} configured passwords opens it" if passwords else (
        "no password is configured"
    )
    raise ParseError(
        f"The file is locked with a password, and {tried}. Add the password to "
        "`ingest.pdf_passwords` in kb.yaml and sync again.",
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
            if source.media_type.endswith("cbz") or "comicbook" in source.media_type:
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


def _segments(document: Any, source: Source, context: ParseContext) -> Iterator[Segment]:
    pages, to_ocr, failed = _read_pages(document)
    if not pages:
        raise ParseError(
            f"None of the {document.page_count} pages can be read: the file is damaged. Get a "
            "complete copy.",
            source=source.path,
        ) from failed[1]
    layout = Layout(pages.values(), _outline(document))
    title = _title(document, layout, source)
    writer = SectionWriter(title, layout.style)
    for number in range(1, document.page_count + 1):
        try:
            image = render_page(document[number - 1]) if number in pages else None
        except _MUPDF_ERRORS:
            image = None
        if image is None:
            context.warn(f"Page {number} is damaged and could not be shown as a picture.")
        blocks = layout.blocks(number)
        if number in to_ocr and image is not None and context.read_words is not None:
            page = pages[number]
            page.lines = _merged(page, context.read_words(image), image, to_ocr[number])
            blocks = layout.lay_out(page)
        headings = writer.headings
        for i, segment in enumerate(writer.page(number, blocks)):
            headings = segment.headings if i == 0 else headings
            yield segment
        if number == document.page_count:
            yield from writer.finish()
        if image is not None:
            yield Segment(
                Modality.IMAGE,
                Locator(page=number),
                title=title,
                headings=headings,
                image=image,
                atomic=True,
            )
