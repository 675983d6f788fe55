"""Web pages: the main content by section, with tables, code and pictures."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from ingest.decode.charset import decode
from ingest.parsers.base import ParseContext
from ingest.parsers.html.content import ExcessiveDepthError, keep_main_content, parse_tree
from ingest.parsers.html.walker import BLANKS, Walker
from ingest.parsers.linked_pictures import PictureReader, local_pictures
from ingest.parsers.sections import SectionWriter
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Locator, Modality, Segment, Source

__all__ = ["HtmlParser", "local_pictures", "page_segments"]

_MAX_BYTES = 64 * 1024 * 1024


class HtmlParser:
    """Main content of a page; each section is a segment whose anchor is its heading's id,
    each data table and each picture a segment of its own. Nothing is fetched."""

    version = 4
    media_types = frozenset({"text/html", "application/xhtml+xml"})

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The segments of a page in reading order.

        Raises:
            ParseError: The file is empty.
            SourceTooLargeError: It has more than 64 MiB.
        """
        if source.size_bytes > _MAX_BYTES:
            raise SourceTooLargeError(
                f"The page has {source.size_bytes:,} bytes, over the limit of {_MAX_BYTES:,} for "
                "HTML. Split it into several pages, or save it as text.",
                source=source.path,
            )
        markup, _ = decode(source.absolute.read_bytes())
        yield from page_segments(markup, source, context)


def page_segments(markup: str, source: Source, context: ParseContext) -> Iterator[Segment]:
    """The segments of a page's markup.

    Args:
        source: The file it came in, which names it where it has no title.

    Raises:
        ParseError: There is no text in it.
    """
    # libxml2 stops at a NUL and loses the rest.
    markup = markup.replace("\x00", "\ufffd")
    if not markup.strip():
        raise ParseError(
            "The page is empty. Save it anew from the browser and sync again.",
            source=source.path,
        )
    try:
        tree = parse_tree(markup)
    except ExcessiveDepthError:
        context.warn(
            "The page nests thousands of elements into each other; its text was read without "
            "headings, tables and pictures."
        )
        yield from _flat(markup, source)
        return
    except ValueError as error:
        raise ParseError(
            "There is no text in the page. Check that it was saved whole.", source=source.path
        ) from error
    title = _title(tree) or source.absolute.stem
    content = keep_main_content(tree, markup)
    pictures = PictureReader(source, context)
    n_segments = 0
    for segment in Walker(content, SectionWriter(title), pictures).segments():
        n_segments += 1
        yield segment
    if not n_segments:
        # All of it looked like something beside the content.
        tree = parse_tree(markup)
        etree.strip_elements(tree, "script", "style", "template", with_tail=False)
        body = tree.find("body")
        whole = tree if body is None else body
        yield from Walker(whole, SectionWriter(title), pictures).segments()


def _title(tree: etree._Element) -> str:
    for path in ("//head/title/text()", "//meta[@property='og:title']/@content", "//h1"):
        for found in tree.xpath(path)[:1]:
            text = found if isinstance(found, str) else "".join(found.itertext())
            if text := BLANKS.sub(" ", str(text)).strip():
                return text
    return ""


def _flat(markup: str, source: Source) -> Iterator[Segment]:
    """Paragraphs of a page that libxml2 can't build a tree of; Beautiful Soup can."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(markup, "lxml")
    for element in soup(["script", "style", "noscript", "template"]):
        element.decompose()
    title = source.absolute.stem
    for number, line in enumerate(soup.stripped_strings, start=1):
        yield Segment(Modality.TEXT, Locator(anchor=f"text-{number}"), line, title)
