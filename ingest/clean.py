"""What parsers give, without what the ledger can't hold."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from kb.types import Locator, Span

__all__ = ["clean_locator", "clean_span", "clean_text"]

_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_PAGE = 2**31


def clean_text(text: str) -> str:
    """`text` with what is no character (half of a surrogate pair) replaced, one for one."""
    return _SURROGATE.sub("\ufffd", text)


def clean_span(span: Span) -> Span:
    """`span` with a `clean_locator`."""
    locator = clean_locator(span.locator)
    return span if locator is span.locator else replace(span, locator=locator)


def clean_locator(place: Locator) -> Locator:
    """`place` without what no page, picture or clip has: such numbers can't be stored."""
    anchor = place.anchor and clean_text(place.anchor)
    page = place.page if place.page is None or 0 < place.page < _MAX_PAGE else None
    boxes = place.boxes
    if not all(map(math.isfinite, (x for b in boxes for x in (b.x0, b.y0, b.x1, b.y1)))):
        boxes = ()
    start_s, end_s = (
        s if s is None or math.isfinite(s) else None for s in (place.start_s, place.end_s)
    )
    cleaned = (page, boxes, start_s, end_s, anchor)
    if cleaned == (place.page, place.boxes, place.start_s, place.end_s, place.anchor):
        return place
    return Locator(page, boxes, start_s, end_s, anchor)
