"""RTF files: their text by striprtf."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.parsers.base import ParseContext
from ingest.parsers.sections import SectionWriter
from ingest.parsers.text import title_from_name
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Segment, Source

__all__ = ["RichTextParser"]

_MAX_BYTES = 64 * 1024 * 1024
_CODE_PAGE = re.compile(rb"\\ansicpg(\d{3,5})")
_PICTURE = re.compile(rb"\\(?:pict|object)\b")


class RichTextParser:
    """The paragraphs of the text, rows of tables with bars between their cells."""

    version = 1
    media_types = frozenset({"application/rtf"})

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The text in its order.

        Raises:
            ParseError: There is no text in it.
            SourceTooLargeError: It has more than 64 MiB.
        """
        from striprtf.striprtf import rtf_to_text

        if source.size_bytes > _MAX_BYTES:
            raise SourceTooLargeError(
                f"The file has {source.size_bytes:,} bytes, over the limit of {_MAX_BYTES:,} for "
                "RTF. Save it as docx.",
                source=source.path,
            )
        data = source.absolute.read_bytes()
        page = _CODE_PAGE.search(data)
        try:
            text = rtf_to_text(
                data.decode("latin-1"),
                encoding=f"cp{page[1].decode()}" if page else "cp1252",
                errors="replace",
            )
        except MemoryError:
            raise
        # striprtf lets through LookupError, IndexError and others on what breaks the format.
        except Exception as error:
            raise ParseError(
                f"The RTF is damaged ({type(error).__name__}: {error}). Open it in its program and "
                "save it as docx.",
                source=source.path,
            ) from error
        if _PICTURE.search(data):
            context.warn(
                "Pictures and embedded objects in it were not read: save it as docx to have them."
            )
        writer = SectionWriter(title_from_name(source.path))
        for line in text.replace("\x00", "\ufffd").splitlines():
            writer.block(line.strip())
            yield from writer.take()
        writer.close()
        yield from writer.take()
