"""Places in files, in words."""

from __future__ import annotations

from pathlib import PurePosixPath

from kb.text.humanize import timestamp
from kb.types import Locator
from ui.language import tr

__all__ = ["page_word", "place"]

_WORDS = {
    **dict.fromkeys((".pptx", ".odp"), "slide"),
    **dict.fromkeys((".xlsx", ".ods"), "sheet"),
}


def page_word(source: str) -> str:
    """What a file calls that which a locator's page counts: ``page``, ``slide`` or ``sheet``."""
    return _WORDS.get(PurePosixPath(source).suffix.lower(), "page")


def place(source: str, locator: Locator, time_s: float | None = None) -> str:
    """Where in its file something stands: ``page 3``, ``slide 2``, ``0:42``; empty if the
    whole file is meant. In the language that is spoken."""
    if time_s is not None:
        return timestamp(time_s)
    if locator.start_s is not None:
        start = timestamp(locator.start_s)
        end = timestamp(locator.end_s) if locator.end_s is not None else start
        return start if end == start else f"{start}–{end}"
    if locator.page is not None:
        match page_word(source):
            case "slide":
                return tr("slide {n}", n=locator.page)
            case "sheet":
                return tr("sheet {n}", n=locator.page)
        return tr("page {n}", n=locator.page)
    return ""
