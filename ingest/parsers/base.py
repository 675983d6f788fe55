"""What a parser is, and what it may know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kb.config import IngestConfig
from kb.models.speech import Utterance
from kb.types import EncodedImage, Segment, Source, Span

__all__ = ["Heard", "KeepRecord", "Listen", "OcrText", "ParseContext", "Parser", "Samples"]

Samples = NDArray[np.int16]
"""Sound: (n,), one channel at `kb.models.speech.SAMPLE_RATE_HZ`."""


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
class Heard:
    """What was said up to a second of a file, since what came before.

    Attributes:
        utterances: Sentences in order of time.
        until_s: All before this second was listened to.
        language: Its code, as ``en``; empty where nobody has spoken yet.
    """

    utterances: tuple[Utterance, ...]
    until_s: float
    language: str


Listen = Callable[[Iterable[Samples]], Iterator[Heard]]
"""Hears what is said in blocks of sound, some minutes at a time.

Raises ModelError where what hears is not installed, or fails."""


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
        listen: Speech to text, cached by content; None where it is switched off.
        warn: Called with a sentence for the user when something in the file could not be
            read while the rest could: the file becomes PARTIAL with these reasons.
    """

    config: IngestConfig
    read_words: Callable[[EncodedImage], OcrText] | None
    warn: Callable[[str], None]
    keep_record: KeepRecord = _keep_nothing
    listen: Listen | None = None


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
