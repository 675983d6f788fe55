"""The parser of page documents: PDF, EPUB, XPS and comic archives."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.parsers.base import ParseContext
from ingest.parsers.pdf.file_types import FILE_TYPES
from kb.types import Segment, Source

__all__ = ["PdfParser"]


class PdfParser:
    """Reads page documents with MuPDF (see `ingest.parsers.base.Parser`)."""

    version = 5
    media_types = frozenset(FILE_TYPES)

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """Segments page by page: the sections of its text, its tables, then its image; at the end
        the pictures on pages of text that have words, such as charts.

        A page without a usable text layer is read by OCR, where there is one, and so are those
        pictures. What can't be read is reported through `context.warn`.

        Raises:
            ParseError: Empty, encrypted without a known password, without pages, or not
                readable at all.
            SourceTooLargeError: An archive unpacks to more than the cap.
            SourceUnavailableError: The file vanished or may not be read.
        """
        # Imported late: every sync asks a parser for its version, few open a file.
        from ingest.parsers.pdf.pages import read_pages

        return read_pages(source, context)
