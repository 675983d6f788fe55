"""One module a format. `parser_for` finds the one that reads a media type."""

from __future__ import annotations

from functools import cache

from ingest.parsers.base import Parser

__all__ = ["all_parsers", "parser_for"]


@cache
def _by_media_type() -> dict[str, Parser]:
    from ingest.parsers.html.archive import WebArchiveParser
    from ingest.parsers.html.parser import HtmlParser
    from ingest.parsers.image import ImageParser
    from ingest.parsers.mail import MailParser
    from ingest.parsers.markdown import MarkdownParser
    from ingest.parsers.notebook import NotebookParser
    from ingest.parsers.office.open_document import OpenDocumentParser
    from ingest.parsers.office.parser import OfficeParser
    from ingest.parsers.office.rich_text import RichTextParser
    from ingest.parsers.pdf.parser import PdfParser
    from ingest.parsers.records import RecordsParser
    from ingest.parsers.sound.parser import SoundParser
    from ingest.parsers.text import TextParser
    from ingest.parsers.video.parser import VideoParser

    parsers: tuple[Parser, ...] = (
        PdfParser(),
        ImageParser(),
        VideoParser(),
        SoundParser(),
        HtmlParser(),
        WebArchiveParser(),
        MailParser(),
        NotebookParser(),
        MarkdownParser(),
        RecordsParser(),
        OfficeParser(),
        OpenDocumentParser(),
        RichTextParser(),
        TextParser(),
    )
    return {media_type: parser for parser in parsers for media_type in parser.media_types}


def all_parsers() -> tuple[Parser, ...]:
    """Every parser once."""
    return tuple(dict.fromkeys(_by_media_type().values()))


def parser_for(media_type: str) -> Parser | None:
    """The parser of a media type, or None where no parser reads it."""
    return _by_media_type().get(media_type)
