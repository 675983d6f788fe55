"""What a parser is, and what it may know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kb.config import IngestConfig
from kb.types import EncodedImage, Segment, Source, Span

__all__ = ["KeepRecord", "OcrText", "ParseContext", "Parser"]


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


class KeepRecord(Protocol):
    """Keeps a record for questions that compute: see `ParseContext.keep_record`."""

    def __call__(
        self,
        cells: Sequence[tuple[str, str]],
        text: str,
        name: str = "",
        headings: tuple[str, ...] = (),
    ) -> None: ...


def _keep_nothing(
    cells: Sequence[tuple[str, str]],
    text: str,
    name: str = "",
    headings: tuple[str, ...] = (),
) -> None:
    """For who wants the segments alone."""


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What parsers need beside the file.

    Attributes:
        read_words: OCR of one picture, cached by its content; None where OCR is off.
        keep_record: Called with a record's ``(name, text)`` of each field, its text as it stands
            in its segment, the name of what it belongs to and the headings above that; before
            the segment is handed over. Tables in Markdown need no such call.
        warn: Called with a sentence for the user when something in the file could not be
            read while the rest could: the file becomes PARTIAL with these reasons.
    """

    config: IngestConfig
    read_words: Callable[[EncodedImage], OcrText] | None
    warn: Callable[[str], None]
    keep_record: KeepRecord = _keep_nothing


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
