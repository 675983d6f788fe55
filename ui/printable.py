"""Text for a terminal, in which nothing is an order to it."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["printable", "printable_json"]

# Control characters of both sets, but line feed and tab; what turns the direction of writing or
# breaks a line unseen; and halves of pairs, which no output takes.
_ORDERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """`text` with escapes (``\\x1b``) in place of what a terminal would obey: colours, titles,
    the clipboard, another direction of writing. Lines may end in CR LF."""
    return _ORDERS.sub(_escaped, text.replace("\r\n", "\n"))


def printable_json(value: Any, indent: int | None = None) -> str:
    """`value` as JSON that a terminal may show; it means the same to who reads it."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _ORDERS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
