"""Chinese and Japanese in columns from top to bottom: MuPDF gives every character as a line of its
own, and reading those row by row mixes the columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["columns_of"]

# In font sizes, from the top of a character to that of the next one below it, and aside.
_MIN_PITCH_EM, _MAX_PITCH_EM, _MAX_ASIDE_EM = 0.7, 1.8, 0.4
_MIN_CHARS = 3
_MAX_UPRIGHT_CHARS = 3  # of a number that stands upright in its column
# So large a share of a page's characters: a table may have a column of single characters.
_MIN_SHARE = 0.6


def columns_of(
    lines: Sequence[dict[str, Any]],
) -> list[tuple[tuple[float, float], list[dict[str, Any]]]] | None:
    """The lines of a page by column, in the file's order; None for a page that is not written so.

    Args:
        lines: Of MuPDF's dictionary, with ``dir``, ``bbox`` and ``spans``.

    Returns:
        Directions and spans: of a column, without a gap between its spans, ``(0, 1)``; of a line
        that is in none (a page number) its own.
    """
    if sum(_may_stack(line) for line in lines) < _MIN_CHARS:
        return None
    columns = list(_columns(lines))
    n_chars = sum(len(_text(line)) for line in lines)
    n_stacked = sum(
        len(_text(line)) for column in columns if len(column) >= _MIN_CHARS for line in column
    )
    if n_stacked < _MIN_SHARE * n_chars:
        return None
    down = (0.0, 1.0)
    return [
        (down if len(column) > 1 else column[0]["dir"], list(_joined(column))) for column in columns
    ]


def _columns(lines: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    column: list[dict[str, Any]] = []
    for line in lines:
        if column and not (_may_stack(line) and _is_below(line, column[-1])):
            yield column
            column = []
        column.append(line)
        if not _may_stack(line):
            yield column
            column = []
    if column:
        yield column


def _joined(column: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(column):
        for span in line["spans"]:
            x0, y0, x1, y1 = span["bbox"]
            if number + 1 < len(column):
                # Loosely set characters are one text all the same.
                y1 = column[number + 1]["bbox"][1]
            yield {**span, "bbox": (x0, y0, x1, y1)}


def _may_stack(line: dict[str, Any]) -> bool:
    text = _text(line)
    # Fonts for vertical writing go down by themselves, and are cut up all the same.
    if max(line["dir"]) <= 0.9 or not text:
        return False
    if len(text) == 1:
        return unicodedata.east_asian_width(text) in "WF" or text.isalnum()
    return len(text) <= _MAX_UPRIGHT_CHARS and text.isdecimal()


def _is_below(line: dict[str, Any], above: dict[str, Any]) -> bool:
    size = max(span["size"] for span in above["spans"]) or 1.0
    middle, middle_above = (sum(one["bbox"][0::2]) / 2 for one in (line, above))
    pitch = line["bbox"][1] - above["bbox"][1]
    return bool(
        _MIN_PITCH_EM * size <= pitch <= _MAX_PITCH_EM * size
        and abs(middle - middle_above) <= _MAX_ASIDE_EM * size
    )


def _text(line: dict[str, Any]) -> str:
    return "".join(span["text"] for span in line["spans"]).strip()
