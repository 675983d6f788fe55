"""The page's own script: its parts in one file. Gradio adds scripts to the page in no order."""

from __future__ import annotations

from pathlib import Path

__all__ = ["STATIC", "page_script"]

STATIC = Path(__file__).parent / "static"
# A later one uses what an earlier one says.
_PARTS = (
    "app.js",
    "address.js",
    "talk.js",
    "rate.js",
    "why.js",
    "shelf.js",
    "tokens.js",
    "keys.js",
)
# What Gradio built before this came waits for it.
_READY = b'document.dispatchEvent(new Event("kb-ready"));\n'


def page_script() -> bytes:
    """The script, UTF-8."""
    return b"\n".join([*((STATIC / name).read_bytes() for name in _PARTS), _READY])
