"""From the elements of a page to its sections, tables, code and pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from ingest.parsers.html.table import inline_text, is_data_table, table_markdown
from ingest.parsers.linked_pictures import PictureReader, picture_reference
from ingest.parsers.sections import SectionWriter
from kb.types import Segment

__all__ = ["BLANKS", "Walker"]

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    """address article aside blockquote body center dd details div dl dt fieldset figcaption figure
    footer form header hr html li main nav ol p section summary table tbody td tfoot th thead tr
    ul""".split()
)
BLANKS = re.compile(r"[\s\u200b\x00-\x1f]+")
"""What stands between words, control characters too."""
_BREAK = "\x1e"
_LANGUAGE = re.compile(r"\b(?:lang(?:uage)?|highlight-source|brush:)-?\s*([\w+#]+)")
_MAX_LIST_DEPTH = 8
_MAX_CAPTION_CHARS = 500


class Walker:
    """One pass over the content's elements, without recursion: pages nest deeply.

    Args:
        content: The element that holds what is read.
        writer: Makes the segments.
        pictures: Reads the pictures.
        is_page: Of the web, whose tables may be its layout and where an ``aside`` is a part like
            any other. False where it was made of an office file: its tables hold data, a list of
            the class ``numbered`` has its numbers in its texts, and an ``aside`` is a remark.
    """

    def __init__(
        self,
        content: etree._Element,
        writer: SectionWriter,
        pictures: PictureReader,
        *,
        is_page: bool = True,
    ) -> None:
        self._content = content
        self._writer = writer
        self._is_page = is_page
        self._pictures = pictures
        self._inline: list[str] = []
        # One entry a list that is open: the next number, or None where it has none.
        self._lists: list[int | None] = []
        self._marker = ""

    def segments(self) -> Iterator[Segment]:
        """The segments in reading order."""
        walk = etree.iterwalk(self._content, events=("start", "end"))
        for event, element in walk:
            if event == "start":
                if self._read_whole(element):
                    walk.skip_subtree()
                else:
                    self._open(element)
            else:
                self._leave(element)
                if element is not self._content:
                    self._inline.append(element.tail or "")
            yield from self._writer.take()
        self._flush()
        self._writer.close()
        yield from self._writer.take()

    def _read_whole(self, element: etree._Element) -> bool:
        """Read a heading, code block, data table or picture at once, if it is one."""
        tag = element.tag
        if tag in _HEADINGS:
            self._flush()
            if text := inline_text(element):
                self._writer.heading(_HEADINGS[tag], text, _anchor(element))
        elif tag == "pre":
            self._flush()
            self._writer.block(_code(element))
        elif tag == "aside" and not self._is_page:
            self._flush()
            self._writer.remark(inline_text(element))
        elif tag == "table" and self._holds_data(element):
            self._flush()
            self._writer.atomic(table_markdown(element))
        elif tag != "img":
            return False
        for picture in element.iter("img"):
            self._picture(picture)
        return True

    def _holds_data(self, table: etree._Element) -> bool:
        if self._is_page:
            return is_data_table(table)
        rows = [len(row) for row in table.iterdescendants("tr")]
        return len(rows) > 1 and max(rows) > 1

    def _open(self, element: etree._Element) -> None:
        tag = element.tag
        if tag == "br":
            self._inline.append(_BREAK)
        elif tag in _BLOCKS:
            self._flush()
        if tag in ("ul", "ol"):
            self._lists.append(1 if tag == "ol" else None)
        elif tag == "li":
            indent = "  " * (min(len(self._lists), _MAX_LIST_DEPTH) - 1)
            number = self._lists[-1] if self._lists else None
            self._marker = f"{indent}- " if number is None else f"{indent}{number}. "
            if not self._is_page and element.getparent().get("class") == "numbered":
                self._marker = indent
            if number is not None:
                self._lists[-1] = number + 1
        self._inline.append(element.text or "")

    def _leave(self, element: etree._Element) -> None:
        if element.tag in _BLOCKS:
            self._flush()
        if element.tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif element.tag == "li":
            self._marker = ""

    def _flush(self) -> None:
        lines = [BLANKS.sub(" ", line).strip() for line in "".join(self._inline).split(_BREAK)]
        self._inline.clear()
        text = "\n".join(line for line in lines if line)
        if text:
            self._writer.block(self._marker + text, tight=bool(self._lists))
            self._marker = ""

    def _picture(self, element: etree._Element) -> None:
        reference = picture_reference(dict(element.attrib))
        if not reference:
            return
        figure = next(element.iterancestors("figure"), None)
        caption = next(figure.iterdescendants("figcaption"), None) if figure is not None else None
        words = (
            element.get("alt", "") or element.get("title", ""),
            inline_text(caption)[:_MAX_CAPTION_CHARS] if caption is not None else "",
        )
        writer = self._writer
        writer.picture(
            self._pictures.by_reference(
                reference, words, writer.locator, writer.title, writer.headings
            )
        )


def _anchor(heading: etree._Element) -> str | None:
    """The id that leads to `heading`: its own, one inside, or that of the section it opens."""
    for element in heading.iter():
        if found := element.get("id") or (element.tag == "a" and element.get("name")):
            return str(found)
    parent = heading.getparent()
    if parent is not None and parent.tag in ("section", "article", "div") and parent[0] is heading:
        found = parent.get("id")
        return str(found) if found else None
    return None


def _code(element: etree._Element) -> str:
    """A ``pre`` element as a fenced block, with the language that its class names."""
    for line_break in element.iterdescendants("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    code = "".join(element.itertext()).strip("\r\n").replace("\r\n", "\n")
    if not code.strip():
        return ""
    classes = [element.get("class", ""), *(child.get("class", "") for child in element)]
    language = _LANGUAGE.search(" ".join(classes))
    fence = "```" if "```" not in code else "````"
    return f"{fence}{language[1] if language else ''}\n{code}\n{fence}"
