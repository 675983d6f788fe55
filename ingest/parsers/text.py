"""Plain text, code, logs and subtitle files of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TextIO

from ingest.decode.charset import decode
from ingest.parsers.base import ParseContext
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Locator, Modality, Segment, Source, Span

__all__ = ["TextParser", "open_text", "read_text", "title_from_name"]

_MAX_BYTES = 256 * 1024 * 1024
_MAX_TITLE_CHARS = 100
# A log has no empty line, and a dump no line's end: they are cut here.
_MAX_PARAGRAPH_CHARS = 1 << 18
_BLOCK_BYTES = 1 << 20
_HEAD_CHARS = 4096
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
        raise _is_empty(source)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")


def _is_empty(source: Source) -> ParseError:
    return ParseError(
        "The file is empty. Remove it, or put its content back and sync again.",
        source=source.path,
    )


def open_text(source: Source, newline: str | None = None) -> TextIO:
    """A file to be read line by line, in the encoding that it is found to have. Bytes that are
    none of it become U+FFFD.

    Args:
        newline: As for `open`.
    """
    encoding = _encoding(source.absolute)
    return source.absolute.open(encoding=encoding, errors="replace", newline=newline)


def _encoding(path: Path) -> str:
    """The encoding of a file, from its first block that is more than ASCII."""
    with path.open("rb") as file:
        head = block = file.read(_BLOCK_BYTES)
        while _says_nothing(block) and (further := file.read(_BLOCK_BYTES)):
            block = further
    # A character cut off at the end of the block would count as damage.
    whole = block[: block.rfind(b"\n") + 1] or block
    encoding = decode(whole if _says_nothing(head) else head)[1]
    marked = head[:2] in (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb")
    # Python's names for "with a byte order mark", which is then no part of the first name.
    with_mark = {"utf-8": "utf-8-sig", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}
    return with_mark.get(encoding, encoding) if marked else encoding


def _says_nothing(block: bytes) -> bool:
    """Whether a block looks the same in every encoding: in ISO 2022 others than ASCII's
    characters follow an escape, in UTF-16 zeros stand between them."""
    return block.isascii() and b"\x1b$" not in block and b"\0" not in block


def title_from_name(path: str) -> str:
    """The file's name without its suffix; empty where it holds no word (``0042.txt``), since
    a number before each chunk would only blur what it says."""
    stem = PurePosixPath(path).stem
    return stem if _WORD.search(stem) else ""


class TextParser:
    """Each paragraph is a segment; its anchor ``L12`` is the line it begins at. Of subtitles
    each cue is one, with its seconds."""

    version = 2
    media_types = frozenset({"text/plain", "text/vtt", "application/x-subrip"})

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:  # noqa: ARG002
        """The paragraphs or cues in order; paragraphs are read as a stream.

        Raises:
            ParseError: The file is empty.
            SourceTooLargeError: A file of subtitles has more than 256 MiB.
        """
        found = False
        if source.media_type != "text/plain":
            for cue in _cues(read_text(source), title_from_name(source.path)):
                found = True
                yield cue
            if found:
                return
        with open_text(source) as file:
            title = _title(file.read(_HEAD_CHARS), source.path)
            file.seek(0)
            for number, text in _paragraphs(file):
                found = True
                yield Segment(Modality.TEXT, Locator(anchor=f"L{number}"), text, title)
        if not found:
            raise _is_empty(source)


def _paragraphs(file: TextIO) -> Iterator[tuple[int, str]]:
    """Lines up to an empty one, with the number of the first; those that have no end in parts."""
    parts: list[str] = []
    n_chars, number, first = 0, 1, 1
    while line := file.readline(_MAX_PARAGRAPH_CHARS):
        if parts and (line.isspace() or n_chars + len(line) > _MAX_PARAGRAPH_CHARS):
            yield first, "".join(parts).removesuffix("\n")
            parts, n_chars = [], 0
        if not line.isspace():
            first = first if parts else number
            parts.append(line.replace("\0", "\ufffd"))
            n_chars += len(line)
        number += line.endswith("\n")
    if parts:
        yield first, "".join(parts).removesuffix("\n")


def _title(head: str, path: str) -> str:
    """The first line where it looks like a title: short, apart from what follows, without
    the end mark of a sentence.

    Args:
        head: What the file begins with.
    """
    name = title_from_name(path)
    if PurePosixPath(path).suffix.lower() not in _PROSE_SUFFIXES:
        return name
    lines = head.lstrip("\n").split("\n", 2)
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
