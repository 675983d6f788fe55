"""Plain text, code, logs and subtitle files of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ingest.charset import decode
from ingest.parsers.base import ParseContext
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Locator, Modality, Segment, Source, Span

__all__ = ["TextParser", "read_text", "title_from_name"]

_MAX_BYTES = 256 * 1024 * 1024
_MAX_TITLE_CHARS = 100
_PARAGRAPH = re.compile(r"^[^\S\n]*+\S[^\n]*+(?:\n[^\S\n]*+\S[^\n]*+)*+", re.MULTILINE)
_PROSE_SUFFIXES = frozenset({"", ".txt", ".text", ".rst"})
_WORD = re.compile(r"[^\W\d_]{2}")
_RULE = re.compile(r"[=\-~*_#]{3,}\s*$")
# WebVTT allows hours to be left out, SubRip writes a comma before the milliseconds.
_TIMES = re.compile(
    r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})\s*+-->"
    r"\s*+(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
)
_CUE_MARKUP = re.compile(r"<[^<>]*+>|\{\\[^{}]*+\}")


def read_text(source: Source) -> str:
    """The text of a file, its line breaks as ``\\n``.

    Raises:
        ParseError: There is nothing in it but white space.
        SourceTooLargeError: It has more than 256 MiB.
    """
    if source.size_bytes > _MAX_BYTES:
        raise SourceTooLargeError(
            f"The file has {source.size_bytes:,} bytes, over the limit of {_MAX_BYTES:,} for this "
            "kind of file. Split it into smaller files.",
            source=source.path,
        )
    text, _ = decode(source.absolute.read_bytes())
    if not text.strip():
        raise ParseError(
            "The file is empty. Remove it, or put its content back and sync again.",
            source=source.path,
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")


def title_from_name(path: str) -> str:
    """The file's name without its suffix; empty where it holds no word (``0042.txt``), since
    a number before each chunk would only blur what it says."""
    stem = PurePosixPath(path).stem
    return stem if _WORD.search(stem) else ""


class TextParser:
    """Each paragraph is a segment; its anchor ``L12`` is the line it begins at. Of subtitles
    each cue is one, with its seconds."""

    version = 1
    media_types = frozenset({"text/plain", "text/vtt", "application/x-subrip"})

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:  # noqa: ARG002
        """The paragraphs or cues in order.

        Raises:
            ParseError: The file is empty.
            SourceTooLargeError: It has more than 256 MiB.
        """
        text = read_text(source)
        if source.media_type != "text/plain":
            found = False
            for cue in _cues(text, title_from_name(source.path)):
                found = True
                yield cue
            if found:
                return
        title = _title(text, source.path)
        line, at = 1, 0
        for match in _PARAGRAPH.finditer(text):
            line += text.count("\n", at, match.start())
            at = match.start()
            yield Segment(Modality.TEXT, Locator(anchor=f"L{line}"), match.group(), title)


def _title(text: str, path: str) -> str:
    """The first line where it looks like a title: short, apart from what follows, without
    the end mark of a sentence."""
    name = title_from_name(path)
    if PurePosixPath(path).suffix.lower() not in _PROSE_SUFFIXES:
        return name
    lines = text.lstrip("\n").split("\n", 2)
    first = lines[0].strip()
    apart = len(lines) > 1 and (not lines[1].strip() or _RULE.match(lines[1].strip()))
    says_something = _WORD.search(first) and first[-1] not in ".。,，;；:："
    if apart and says_something and len(first) <= _MAX_TITLE_CHARS and lines[0][:1].strip():
        return first
    return name


def _cues(text: str, title: str) -> Iterator[Segment]:
    """The cues of SubRip or WebVTT (https://www.w3.org/TR/webvtt1/)."""
    before = ""
    for block in re.split(r"\n[ \t]*\n", text):
        times = _TIMES.search(block)
        if times is None:
            continue
        start_s, end_s = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        # What stands behind the times on their line are settings.
        words = _CUE_MARKUP.sub("", block[times.end() :].partition("\n")[2]).strip()
        # Live captions repeat a line while the next one rolls in.
        if not words or words == before:
            continue
        before = words
        locator = Locator(start_s=start_s, end_s=max(start_s, end_s))
        yield Segment(Modality.TEXT, locator, words, title, spans=(Span(0, len(words), locator),))


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")
