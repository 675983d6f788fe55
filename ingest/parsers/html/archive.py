"""Web pages that browsers saved whole in one file: MHTML (RFC 2557)."""

from __future__ import annotations

import base64
import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from urllib.parse import urljoin

from lxml import etree

from ingest.parsers.base import ParseContext
from ingest.parsers.html.content import parse_tree
from ingest.parsers.html.parser import HtmlParser, page_segments
from ingest.parsers.linked_pictures import picture_reference
from ingest.parsers.mail import decoded_body, header
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Segment, Source

__all__ = ["WebArchiveParser"]

_MAX_BYTES = 256 * 1024 * 1024
_MAX_PARTS = 5000
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


class WebArchiveParser:
    """The page, as `HtmlParser` reads it, with the pictures that were saved with it."""

    version = HtmlParser.version
    media_types = frozenset({"application/x-mimearchive"})

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The segments of the page in reading order.

        Raises:
            ParseError: There is no page in it.
            SourceTooLargeError: It has more than 256 MiB.
        """
        if source.size_bytes > _MAX_BYTES:
            raise SourceTooLargeError(
                f"The saved page has {source.size_bytes:,} bytes, over the limit of "
                f"{_MAX_BYTES:,}. Save it as HTML with its pictures beside it.",
                source=source.path,
            )
        data = source.absolute.read_bytes()
        message = email.message_from_bytes(data, EmailMessage, policy=email.policy.default)
        parts = [part for part, _ in zip(message.walk(), range(_MAX_PARTS), strict=False)]
        pages = [part for part in parts if part.get_content_type() in _PAGES]
        if not pages:
            raise ParseError(
                "There is no page in the file. Save it anew from the browser, as one file or as "
                "HTML.",
                source=source.path,
            )
        markup = _with_pictures(decoded_body(pages[0]), pages[0], parts)
        yield from page_segments(markup, source, context)


def _with_pictures(markup: str, page: EmailMessage, parts: list[EmailMessage]) -> str:
    """The page with the pictures of the archive in place of their addresses."""
    pictures: dict[str, EmailMessage] = {}
    for part in parts:
        if part.get_content_maintype() == "image":
            pictures.setdefault(header(part, "Content-Location"), part)
            pictures.setdefault("cid:" + header(part, "Content-ID").strip("<>"), part)
    base = header(page, "Content-Location")
    if not pictures or not markup.strip():
        return markup
    try:
        tree = parse_tree(markup)
    except ValueError:
        return markup
    for element in tree.iter("img"):
        reference = picture_reference(dict(element.attrib))
        try:
            shown = pictures.get(reference) or pictures.get(urljoin(base, reference))
        except ValueError:  # No address at all.
            continue
        payload = shown.get_payload(decode=True) if shown is not None else None
        if shown is not None and isinstance(payload, bytes):
            for name in ("data-src", "data-original", "data-lazy-src"):
                element.attrib.pop(name, None)
            encoded = base64.b64encode(payload).decode()
            element.set("src", f"data:{shown.get_content_type()};base64,{encoded}")
    return str(etree.tostring(tree, encoding="unicode", method="html"))
