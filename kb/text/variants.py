"""Traditional and simplified Chinese characters, as one."""

from __future__ import annotations

from functools import lru_cache

import opencc

__all__ = ["fold_variants"]

# The blocks that hold characters with a simplified form.
_HAN_BLOCKS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x2FA20))


def fold_variants(text: str) -> str:
    """`text` with each traditional character as its simplified one, by OpenCC's tables.

    Character by character, so that length and offsets are unchanged; words that the regions
    choose differently stay different.
    """
    if text.isascii():
        return text
    table = _table()
    # Most texts have none, and each character takes long to look up.
    return text if table.keys().isdisjoint(map(ord, set(text))) else text.translate(table)


@lru_cache(maxsize=1)
def _table() -> dict[int, str]:
    """Simplified by the code of the traditional character."""
    characters = [chr(code) for start, end in _HAN_BLOCKS for code in range(start, end)]
    simplified = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {
        ord(one): other
        for one, other in zip(characters, simplified, strict=True)
        if one != other and len(other) == 1
    }
