"""Markdown by its headings, with code and tables whole and pictures beside the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from ingest.parsers.base import ParseContext
from ingest.parsers.front_matter import read_front_matter
from ingest.parsers.linked_pictures import PictureReader, picture_reference
from ingest.parsers.sections import SectionWriter
from ingest.parsers.text import read_text, title_from_name
from kb.types import Segment, Source

__all__ = ["MarkdownParser", "first_heading", "write_markdown"]

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX_START = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_THEMATIC_BREAK = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_HEADING_ID = re.compile(r"\{#([\w:.\-]++)[^}]*+\}\Z")
_TABLE_RULE = re.compile(
    r"[ \t]*+(?:\|[ \t]*+)?:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+(?:\|[ \t]*+)?$"
)
_LIST_OR_QUOTE = re.compile(r"\s*(?:[-*+>]|\d+[.)])(?:\s|$)")
# Descriptions, names, titles and addresses in brackets have limits, or each of many that never end
# would be looked for to the end of the file.
_PICTURE = re.compile(
    r"!\[(?P<alt>[^\]]{0,299})\](?:\(\s*+(?:<(?P<quoted>[^>\n]{1,499})>"
    r"|(?P<plain>[^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)*+))"
    r"(?:\s++[\"'(](?P<title>[^\"')]{0,299})[\"')])?\s*+\)|\[(?P<name>[^\]]{0,299})\])"
    # Of any length, or with a "<" in what it says.
    r"|(?P<tag><img\b(?:[^<>]*+|[^>]{0,999})>)",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(r"[\w\-. ]+\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf|webp|svg)", re.IGNORECASE)
_DEFINITION = re.compile(
    r"^ {0,3}\[([^\]\n]{1,999})\]:\s*+<?(\S+?)>?(?:\s++[\"'(].*+)?$", re.MULTILINE
)
_LINK = re.compile(r"(?<!!)\[([^\[\]]+)\]\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\")?\)")
_EMPHASIS = re.compile(r"(\*\*|__|\*|`)(?=\S)(.{1,200}?)(?<=\S)\1")


# In longer ones no marks are looked for; they are texts: see `SectionWriter.heading`.
_MAX_HEADING_CHARS = 2000


class MarkdownParser:
    """A section under each heading, its anchor as GitHub makes it; tables whole."""

    version = 3
    media_types = frozenset({"text/markdown"})

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The segments in reading order.

        Raises:
            ParseError: The file is empty.
            SourceTooLargeError: It has more than 256 MiB.
        """
        text = read_text(source)
        front = read_front_matter(text)
        text = text[front.end :]
        writer = SectionWriter(front.title or first_heading(text) or title_from_name(source.path))
        writer.block("\n".join(front.fields))
        yield from write_markdown(text, writer, PictureReader(source, context))


def write_markdown(
    text: str, writer: SectionWriter, pictures: PictureReader | None
) -> Iterator[Segment]:
    """The segments of Markdown text, through `writer`.

    Args:
        pictures: Reads the pictures it shows; None leaves them out.
    """
    definitions = {name.lower(): target for name, target in _DEFINITION.findall(text)}
    lines = text.expandtabs(4).split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip() or _THEMATIC_BREAK.match(line):
            at += 1
        elif (fence := _FENCE.match(line)) is not None:
            end = _end_of_fence(lines, at, fence[1])
            writer.block("\n".join(lines[at:end]))
            at = end
        elif (heading := _atx(line)) is not None:
            _heading(writer, *heading)
            at += 1
        elif _begins_table(lines, at):
            end = _end_of_paragraph(lines, at, table=True)
            writer.atomic("\n".join(lines[at:end]))
            at = end
        else:
            end = _end_of_paragraph(lines, at)
            block = lines[at:end]
            at = end
            rule = _SETEXT.match(lines[end]) if end < len(lines) else None
            if rule is not None and not _LIST_OR_QUOTE.match(block[0]):
                _heading(writer, 1 if rule[1][0] == "=" else 2, " ".join(block))
                at += 1
            else:
                _paragraph(writer, "\n".join(block), definitions, pictures)
        yield from writer.take()
    writer.close()
    yield from writer.take()


def first_heading(text: str) -> str:
    """The first heading of level 1 outside of code, if the text begins with it or nearly so."""
    lines = text.split("\n", 200)[:200]
    fenced = False
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if _FENCE.match(line):
            fenced = not fenced
        if fenced:
            continue
        if (heading := _atx(line)) is not None and heading[0] == 1 and heading[1]:
            return _plain(_split_id(heading[1])[0])
        if line.strip() and following.strip() and not following.strip().strip("="):
            return _plain(line)
    return ""


def _heading(writer: SectionWriter, level: int, text: str) -> None:
    text, anchor = _split_id(text)
    if plain := _plain(text):
        writer.heading(level, plain, anchor)


def _atx(line: str) -> tuple[int, str] | None:
    """Level and text of a heading that begins with number signs; those that close it are off."""
    start = _ATX_START.match(line)
    if start is None:
        return None
    text = line[start.end() :].strip(" \t")
    open_text = text.rstrip("#")
    if open_text.endswith((" ", "\t")):
        text = open_text.rstrip(" \t")
    return len(start[1]), text


def _split_id(heading: str) -> tuple[str, str | None]:
    """A heading without the ``{#id}`` at its end, and that."""
    at = heading.rfind("{#")
    found = _HEADING_ID.match(heading, at) if at >= 0 else None
    return (heading[:at].rstrip(), found[1]) if found else (heading, None)


def _paragraph(
    writer: SectionWriter,
    text: str,
    definitions: dict[str, str],
    pictures: PictureReader | None,
) -> None:
    for match in _PICTURE.finditer(text):
        reference, words = _reference(match, definitions)
        if pictures is not None and reference:
            writer.picture(
                pictures.by_reference(
                    reference, words, writer.locator, writer.title, writer.headings
                )
            )
    without = _PICTURE.sub(lambda match: _said(match["alt"]), text)
    if without != text or "<!--" in text:
        without = "\n".join(line for line in _without_comments(without).split("\n") if line.strip())
    writer.block(without)


def _without_comments(text: str) -> str:
    parts, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        parts.append(text[at:start])
        at = end + 3
    return "".join([*parts, text[at:]])


def _reference(match: re.Match[str], definitions: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """Where a picture is, and its alternative text and title."""
    if match["tag"]:
        from bs4 import BeautifulSoup

        tag = BeautifulSoup(match["tag"], "lxml").find("img")
        assert tag is not None
        attributes = {key: str(value) for key, value in tag.attrs.items()}
        return picture_reference(attributes), (_said(attributes.get("alt")),)
    alt = match["alt"] or ""
    if match["name"] is not None:
        return definitions.get((match["name"] or alt).lower(), ""), (_said(alt),)
    return match["quoted"] or match["plain"] or "", (_said(alt), match["title"] or "")


def _said(alt: str | None) -> str:
    """An alternative text, unless it is the file's name, which programs put there."""
    return "" if alt is None or _FILE_NAME.fullmatch(alt.strip()) else alt


def _begins_table(lines: list[str], at: int) -> bool:
    return (
        "|" in lines[at]
        and at + 1 < len(lines)
        and "-" in lines[at + 1]
        and "|" in lines[at + 1]
        and _TABLE_RULE.match(lines[at + 1]) is not None
    )


def _end_of_fence(lines: list[str], at: int, fence: str) -> int:
    for end in range(at + 1, len(lines)):
        mark = lines[end].strip()
        if mark.startswith(fence) and not mark.strip(fence[0]):
            return end + 1
    return len(lines)


def _end_of_paragraph(lines: list[str], at: int, *, table: bool = False) -> int:
    for end in range(at + 1, len(lines)):
        line = lines[end]
        if not line.strip() or _FENCE.match(line) or _ATX_START.match(line):
            return end
        if table:
            if "|" not in line:
                return end
        elif _SETEXT.match(line) or _begins_table(lines, end):
            return end
    return len(lines)


def _plain(text: str) -> str:
    """A heading without its marks of emphasis, code and links."""
    if len(text) <= _MAX_HEADING_CHARS:
        text = _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", text))
    return unescape(text).strip()
