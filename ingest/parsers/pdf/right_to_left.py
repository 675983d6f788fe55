"""Lines of Hebrew and Arabic, whose letters lie from right to left on the page.

MuPDF parts such lines at each space and each change of direction, in the order of their places. By
the places of the letters they are put together again: the order of reading is that of the places,
from the right, but for numbers and words of other scripts (the reverse of what the Unicode
bidirectional algorithm does to display them, https://www.unicode.org/reports/tr9/).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

__all__ = ["holds_right_to_left", "rows_of_block"]

_LETTERS = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_FORMS = re.compile("[\ufb1d-\ufdff\ufe70-\ufefc]+")
_MIRRORED = str.maketrans("()[]{}", ")(][}{")
# In font sizes: a space, and what sets columns apart.
_SPACE_EM, _COLUMN_EM = 0.15, 2.5
_SAME_ROW = 0.5


class _Sign(NamedTuple):
    """A letter with the marks on it, and its place."""

    text: str
    x0: float
    x1: float
    size: float
    kind: str  # R or L for letters of a direction, N for digits, M for marks, O for others


def holds_right_to_left(spans: Sequence[dict[str, Any]]) -> bool:
    """Whether there is a letter of Hebrew, Arabic or their like."""
    return any(_LETTERS.search(span["text"]) for span in spans)


def rows_of_block(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The lines of a block as MuPDF gives it with each letter's place (``rawdict``), as spans of
    whole lines in the order of reading.

    Args:
        block: Of horizontal text.
    """
    for lines in _rows(block["lines"]):
        spans = [span for line in lines for span in line["spans"]]
        signs = _with_marks([sign for span in spans for sign in _signs(span)])
        parts = list(_parts(signs))
        is_rightward = 2 * sum(s.kind == "R" for s in signs) >= sum(s.kind in "RL" for s in signs)
        for part in reversed(parts) if is_rightward else parts:
            text = _facing("".join(_logical(part, is_rightward)))
            inside = [
                s
                for s in spans
                if part[0].x0 - 1 <= s["bbox"][2] and s["bbox"][0] <= part[-1].x1 + 1
            ]
            boxes = [span["bbox"] for span in inside or spans]
            longest = max(inside or spans, key=lambda span: len(span["chars"]))
            yield {
                **{key: longest[key] for key in ("size", "font", "flags", "char_flags")},
                "text": _FORMS.sub(lambda m: unicodedata.normalize("NFKC", m.group()), text),
                "bbox": (
                    part[0].x0,
                    min(box[1] for box in boxes),
                    max(sign.x1 for sign in part),
                    max(box[3] for box in boxes),
                ),
            }


def _rows(lines: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """MuPDF's lines that stand on one height, from the top."""
    rows: list[list[dict[str, Any]]] = []
    for line in sorted(lines, key=lambda line: line["bbox"][1] + line["bbox"][3]):
        y0, y1 = line["bbox"][1], line["bbox"][3]
        if rows:
            above = rows[-1][0]["bbox"]
            shared = min(y1, above[3]) - max(y0, above[1])
            if shared > _SAME_ROW * min(y1 - y0, above[3] - above[1]):
                rows[-1].append(line)
                continue
        rows.append([line])
    return rows


def _signs(span: dict[str, Any]) -> Iterator[_Sign]:
    for char in span["chars"]:
        text, (x0, _, x1, _) = char["c"], char["bbox"]
        yield _Sign(text, x0, x1, span["size"], _kind(text))


def _with_marks(signs: Sequence[_Sign]) -> list[_Sign]:
    """The letters from the left, each with the marks (vowels) that stand at its place."""
    letters = sorted((sign for sign in signs if sign.kind != "M"), key=lambda s: s.x0 + s.x1)
    middles = [(sign.x0 + sign.x1) / 2 for sign in letters]
    for mark in (sign for sign in signs if sign.kind == "M") if letters else ():
        x = (mark.x0 + mark.x1) / 2
        at = bisect_left(middles, x)
        nearest = min(
            range(max(0, at - 1), min(len(letters), at + 1)), key=lambda i: abs(middles[i] - x)
        )
        letters[nearest] = letters[nearest]._replace(text=letters[nearest].text + mark.text)
    return letters


def _kind(text: str) -> str:
    if unicodedata.combining(text[:1]):
        return "M"
    direction = unicodedata.bidirectional(text[:1])
    if direction in ("R", "AL"):
        return "R"
    if direction in ("EN", "AN", "ET"):
        return "N"
    return "L" if direction == "L" else "O"


def _parts(signs: Sequence[_Sign]) -> Iterator[list[_Sign]]:
    """Signs from the left, parted where columns are, with spaces where gaps are."""
    part: list[_Sign] = []
    for sign in signs:
        if part:
            gap = sign.x0 - part[-1].x1
            if gap > _COLUMN_EM * sign.size:
                yield part
                part = []
            elif gap > _SPACE_EM * sign.size and not (part[-1].text + sign.text).isspace():
                part.append(_Sign(" ", part[-1].x1, sign.x0, sign.size, "O"))
        part.append(sign)
    if part:
        yield part


def _facing(text: str) -> str:
    """A text with its brackets the right way round: some programs write those that are seen, some
    those that are meant."""
    brackets = [char for char in text if char in "()[]{}"]
    if len(brackets) > 1 and brackets[0] in ")]}" and brackets[-1] in "([{":
        return text.translate(_MIRRORED)
    return text


def _logical(signs: Sequence[_Sign], is_rightward: bool) -> list[str]:
    """The texts of signs, given from the left, in the order of reading."""
    if not is_rightward:
        ordered: list[str] = []
        for is_run, run in _runs(signs, "R", "L"):
            ordered += _backward(run) if is_run else [sign.text for sign in run]
        return ordered
    return _backward(signs)


def _backward(signs: Sequence[_Sign]) -> list[str]:
    """Signs read from the right, words and numbers that run the other way kept."""
    ordered: list[str] = []
    for is_run, run in reversed(list(_runs(signs, "LN", "R"))):
        if not is_run:
            ordered += [sign.text for sign in reversed(run)]
        elif any(sign.kind == "L" for sign in run):
            ordered += [sign.text for sign in run]
        else:
            # Of two numbers beside each other the right one comes first.
            tokens = re.split(r"(\s+)", "".join(sign.text for sign in run))
            ordered += reversed(tokens)
    return ordered


def _runs(
    signs: Sequence[_Sign], inside: str, outside: str
) -> Iterator[tuple[bool, Sequence[_Sign]]]:
    """Parts from the left: those that begin and end with a sign of the kinds `inside`, without one
    of `outside` between, and the rest."""
    at = 0
    while at < len(signs):
        if signs[at].kind not in inside:
            end = at + 1
            while end < len(signs) and signs[end].kind not in inside:
                end += 1
            yield False, signs[at:end]
        else:
            end = last = at + 1
            while end < len(signs) and signs[end].kind not in outside:
                end += 1
                if signs[end - 1].kind in inside:
                    last = end
            end = last
            yield True, signs[at:end]
        at = end
