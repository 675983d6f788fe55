"""Word files through mammoth, PowerPoint files through MarkItDown and Excel files through openpyxl,
with the pictures in them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ingest.parsers.base import ParseContext
from ingest.parsers.html.content import parse_tree
from ingest.parsers.html.table import inline_text, move_out_inner_tables
from ingest.parsers.html.walker import Walker
from ingest.parsers.linked_pictures import PictureReader
from ingest.parsers.markdown import first_heading, write_markdown
from ingest.parsers.office.archive import check_size, damaged, open_archive
from ingest.parsers.sections import SectionWriter
from ingest.parsers.text import title_from_name
from kb.types import Locator, Modality, Segment, Source

if TYPE_CHECKING:
    from ingest.parsers.office.sheets import SheetText
    from ingest.parsers.office.slides import Slide

__all__ = ["OfficeParser"]

_OOXML = "application/vnd.openxmlformats-officedocument."
_DOCX = _OOXML + "wordprocessingml.document"
_PPTX = _OOXML + "presentationml.presentation"
_XLSX = _OOXML + "spreadsheetml.sheet"
_SUFFIX = {_DOCX: ".docx", _PPTX: ".pptx", _XLSX: ".xlsx"}
_MAX_PICTURE_BYTES = 64 * 1024 * 1024
_PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"})
# What programs write when nobody gave a title.
_NO_TITLES = frozenset({"powerpoint presentation", "untitled", "word document"})
_TITLE = re.compile(rb"<dc:title>([^<]+)</dc:title>")


class OfficeParser:
    """Sections under headings as in Markdown; a slide or sheet is a page, numbered from 1."""

    version = 7
    media_types = frozenset(_SUFFIX)

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The segments in reading order, then pictures that stand nowhere in the text.

        Raises:
            ParseError: The file is encrypted, damaged, or of the old binary format.
            SourceTooLargeError: It unpacks to more than 512 MiB.
        """
        data = source.absolute.read_bytes()
        with open_archive(data, source, _SUFFIX[source.media_type]) as archive:
            check_size(archive, source)
            title = _title(archive)
        pictures = PictureReader(source, context)
        if source.media_type == _DOCX:
            yield from _word(data, title, source, context, pictures)
        elif source.media_type == _XLSX:
            writer = SectionWriter(title or title_from_name(source.path))
            for number, sheet in _sheets(data, source):
                writer.start_page(number)
                writer.heading(2, sheet.name)
                yield from write_markdown(sheet.markdown, writer, pictures)
                for remark in sheet.remarks:
                    writer.remark(remark)
                writer.close()
                yield from writer.take()
        else:
            shown = _slides(data, source, context)
            first = next((head for one in shown if (head := first_heading(one.markdown))), "")
            writer = SectionWriter(title or first or title_from_name(source.path))
            for slide in shown:
                writer.start_page(slide.number)
                yield from write_markdown(slide.markdown, writer, pictures)
                for remark in slide.remarks:
                    writer.remark(remark)
                writer.close()
                yield from writer.take()
        yield from _remaining_pictures(data, pictures, title or title_from_name(source.path))


def _title(archive: zipfile.ZipFile) -> str:
    try:
        found = _TITLE.search(archive.read("docProps/core.xml"))
    except KeyError:
        return ""
    title = found[1].decode("utf-8", "replace").strip() if found else ""
    return "" if title.lower() in _NO_TITLES else title


def _slides(data: bytes, source: Source, context: ParseContext) -> Sequence[Slide]:
    from ingest.parsers.office.slides import slides

    try:
        return list(slides(data, context.warn))
    except MemoryError:
        raise
    # The converter lets through whatever python-pptx raises on files that break the format; there
    # is no common base class.
    except Exception as error:
        raise damaged(source, f"{type(error).__name__}: {error}") from error


def _word(
    data: bytes, title: str, source: Source, context: ParseContext, pictures: PictureReader
) -> Iterator[Segment]:
    from ingest.parsers.office.word import headers_and_footers, to_html

    try:
        html = to_html(data, context.warn)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            margins = headers_and_footers(archive)
    except MemoryError:
        raise
    # As for slides: mammoth has no common base class either.
    except Exception as error:
        raise damaged(source, f"{type(error).__name__}: {error}") from error
    if html:
        root = parse_tree(html)
        move_out_inner_tables(root)
        if not title and (first := next(root.iter("h1"), None)) is not None:
            title = inline_text(first)
    writer = SectionWriter(title or title_from_name(source.path))
    if html:
        yield from Walker(root, writer, pictures, is_page=False).segments()
    if margins:
        place = Locator(anchor="header-footer")
        text = "\n".join(margins)
        yield Segment(Modality.TEXT, place, text, writer.title, atomic=True)


def _sheets(data: bytes, source: Source) -> Iterator[tuple[int, SheetText]]:
    """Each sheet that holds anything, with its number from 1."""
    from ingest.parsers.office.sheets import sheets

    try:
        for number, sheet in enumerate(sheets(data), start=1):
            if sheet.markdown or sheet.remarks:
                yield number, sheet
    except MemoryError:
        raise
    # As for the converters: openpyxl has no common base class either.
    except Exception as error:
        raise damaged(source, f"{type(error).__name__}: {error}") from error


def _remaining_pictures(data: bytes, pictures: PictureReader, title: str) -> Iterator[Segment]:
    """Pictures in the archive that the text did not show: backgrounds, those of sheets."""
    writer = SectionWriter(title)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            name = PurePosixPath(member.filename)
            is_picture = "media" in name.parts and name.suffix.lower() in _PICTURE_SUFFIXES
            if not is_picture or member.file_size > _MAX_PICTURE_BYTES:
                continue
            writer.picture(pictures.by_bytes(archive.read(member), (), writer.locator, title, ()))
    writer.close()
    yield from writer.take()
