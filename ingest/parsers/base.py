"""What a parser is, and what it may know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kb.config import IngestConfig
from kb.types import EncodedImage, Segment, Source, Span

__all__ = ["OcrText", "ParseContext", "Parser"]


@dataclass(frozen=True, slots=True)
class OcrText:
    """Words read in a picture.

    Attributes:
        text: Lines in reading order, joined with line breaks.
        spans: For each line, its range in `text` and a Locator with one Box in pixels of
            the picture that was read (the caller scales it to its page).
    """

    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What parsers need beside the file.

    Attributes:
        read_words: OCR of one picture, cached by its content; None where OCR is off.
        warn: Called with a sentence for the user when something in the file could not be
            read while the rest could: the file becomes PARTIAL with these reasons.
    """

    config: IngestConfig
    read_words: Callable[[EncodedImage], OcrText] | None
    warn: Callable[[str], None]


class Parser(Protocol):
    """Reads files of some media types.

    Attributes:
        version: Raised when the output changes, so that the files it reads are read again.
        media_types: What it reads.
    """

    version: int
    media_types: frozenset[str]

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The segments of a file in reading order, one at a time.

        Raises:
            ParseError: Nothing of the file can be read.
            SourceTooLargeError: The file, or what it unpacks to, is over a cap.
            SourceUnavailableError: The file vanished or may not be read.
        """
