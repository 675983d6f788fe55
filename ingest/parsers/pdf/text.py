"""The text layer of one page: lines with boxes, and the rules drawn around them.

All boxes are PDF points with the origin at the top left of the page as displayed: MuPDF's
display list has the page's rotation and crop box already applied. Layout is judged in the
page turned so that most of its text runs from left to right (`Line.at`).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ingest.decode.reading_order import Rect
from ingest.parsers.pdf.mupdf import pymupdf
from ingest.parsers.pdf.right_to_left import holds_right_to_left, rows_of_block
from ingest.parsers.pdf.unseen import take_unseen
from ingest.parsers.pdf.vertical import columns_of
from kb.types import Box

__all__ = ["Line", "PageText", "read_page"]

# Ligatures are spelled out, text outside the page is left out, and boxes take their heights
# from the glyphs, since fonts lie about them. Drawn paths come with the
# same run over the page, which costs less than asking for them apart.
FLAGS = (
    pymupdf.TEXT_PRESERVE_WHITESPACE
    | pymupdf.TEXT_MEDIABOX_CLIP
    | pymupdf.TEXT_ACCURATE_ASCENDERS
    | pymupdf.TEXT_COLLECT_VECTORS
)
TEXT_BLOCK, VECTOR_BLOCK = 0, 3
BOLD_FLAG, MONO_FLAG = 16, 8  # of a span's `flags`
BOLD_CHAR_FLAG = 8  # of a span's `char_flags`: bold by the font, or drawn twice
# In font sizes: a space between words, a gap that may part cells, one that parts lines.
WORD_GAP_EM, PART_GAP_EM, LINE_GAP_EM = 0.15, 0.45, 1.0
MAX_RULE_PT = 3.0
MIN_RULE_PT = 12.0
MIN_LOST = 4

_BOLD_NAME = re.compile(r"bold|black|heavy|semibold|demi|simhei|heiti", re.IGNORECASE)
_MONO_NAME = re.compile(r"mono|courier|consol|menlo|typewriter|inconsolata", re.IGNORECASE)
_ORNAMENT_NAME = re.compile(r"wingdings|webdings|dingbats", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_Span = tuple[dict[str, Any], Rect]
# Unmapped glyphs: the replacement character, private use, control characters.
_GARBAGE = re.compile(r"[\ufffd\ue000-\uf8ff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_UNSEEN = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff\ud800-\udfff\ufffd]"
)
# Kangxi radicals and compatibility ideographs stand for plain ideographs: browsers and Word
# write them into PDFs, and no one types them.
_COMPATIBILITY = re.compile(r"[\u2e80-\u2fdf\uf900-\ufaff]")


@dataclass(slots=True)
class Line:
    """A run of text on one baseline, ended by a gap wider than a character.

    Attributes:
        text: Without leading and trailing space.
        box: On the page as displayed.
        at: The same in the turned page, where text runs from left to right.
        size: Font size in points, of most of its characters.
        n_garbage: Characters without a meaning (unmapped glyphs), some no longer in `text`.
        upright: False where it runs across the page's main direction.
        ocr: Read by OCR, so that `size` says nothing.
        parts: Where gaps inside it are wider than a usual space: the lines it may be in a
            table with narrow gaps between its columns.
    """

    text: str
    box: Box
    at: Rect
    size: float
    bold: bool = False
    mono: bool = False
    upright: bool = True
    ocr: bool = False
    n_garbage: int = 0
    parts: tuple[Line, ...] = ()


@dataclass(slots=True)
class PageText:
    """What one page's text layer holds.

    Attributes:
        number: From 1.
        width: Of the page as displayed, in points.
        height: Likewise.
        lines: In the order of the file, which is not the order of reading.
        rules: Thin drawn rectangles (table lines, cell edges) in the turned page.
        shapes: Other drawn figures in the turned page, by their bounding boxes.
        n_lost: Characters without a meaning in lines of which little else is left.
        unseen: Lines that the page holds and does not show, which are not among `lines`.
    """

    number: int
    width: float
    height: float
    lines: list[Line] = field(default_factory=list)
    rules: list[Rect] = field(default_factory=list)
    shapes: list[Rect] = field(default_factory=list)
    n_lost: int = 0
    unseen: list[tuple[str, Box]] = field(default_factory=list)

    @property
    def n_garbage(self) -> int:
        """Characters without a meaning."""
        return sum(line.n_garbage for line in self.lines)

    @property
    def n_chars(self) -> int:
        """Characters of text, spaces left out."""
        return sum(len(line.text) - line.text.count(" ") for line in self.lines)


def read_page(number: int, page: Any, display: Any) -> PageText:
    """The text layer of a MuPDF page.

    Args:
        number: The page's number, from 1.
        page: A `pymupdf.Page`.
        display: Its display list.
    """
    layer = pymupdf.TextPage(display.get_textpage(FLAGS))
    blocks = layer.extractDICT()["blocks"]
    letters: list[dict[str, Any]] = []
    result = PageText(number, page.rect.width, page.rect.height, unseen=take_unseen(blocks, page))
    directions: Counter[tuple[int, int]] = Counter()
    runs: list[tuple[tuple[int, int], list[dict[str, Any]]]] = []
    lines = [line for b in blocks if b["type"] == TEXT_BLOCK for line in b["lines"]]
    columns = columns_of(lines)
    for way, spans in columns or ():
        direction = _direction(*way)
        directions[direction] += sum(len(span["text"]) for span in spans)
        runs.append((direction, spans))
    for number_of_block, block in enumerate(blocks):
        if block["type"] != TEXT_BLOCK or columns is not None:
            continue
        spans_of_block = [span for line in block["lines"] for span in line["spans"]]
        is_horizontal = all(_direction(*line["dir"]) == (1, 0) for line in block["lines"])
        if is_horizontal and holds_right_to_left(spans_of_block):
            letters = letters or layer.extractRAWDICT()["blocks"]
            for row in rows_of_block(letters[number_of_block]):
                directions[1, 0] += len(row["text"])
                runs.append(((1, 0), [row]))
            continue
        for line in block["lines"]:
            direction = _direction(*line["dir"])
            directions[direction] += sum(len(span["text"]) for span in line["spans"])
            runs.append((direction, line["spans"]))
    main = directions.most_common(1)[0][0] if directions else (1, 0)
    for direction, spans in runs:
        _split(spans, direction, main, result)
    for block in blocks:
        if block["type"] == VECTOR_BLOCK:
            at = _turn(block["bbox"], main, result)
            if min(at.x1 - at.x0, at.y1 - at.y0) >= MIN_RULE_PT:
                result.shapes.append(at)
            if block["isrect"]:
                result.rules.extend(_edges(at, block["stroked"]))
    return result


def _direction(x: float, y: float) -> tuple[int, int]:
    return (1 if x > 0 else -1, 0) if abs(x) >= abs(y) else (0, 1 if y > 0 else -1)


def _turn(bbox: tuple[float, float, float, float], main: tuple[int, int], page: PageText) -> Rect:
    """`bbox` in the page turned so that text in direction `main` runs from left to right."""
    x0, y0, x1, y1 = bbox
    if main == (1, 0):
        return Rect(x0, y0, x1, y1)
    if main == (0, -1):
        return Rect(page.height - y1, x0, page.height - y0, x1)
    if main == (0, 1):
        return Rect(y0, page.width - x1, y1, page.width - x0)
    return Rect(page.width - x1, page.height - y1, page.width - x0, page.height - y0)


def _split(
    spans: list[dict[str, Any]],
    direction: tuple[int, int],
    main: tuple[int, int],
    page: PageText,
) -> None:
    """Add the lines of one MuPDF line, cut where a gap is wider than a character."""
    lines: list[list[list[_Span]]] = []
    last_x1 = 0.0
    for span in spans:
        if not span["text"].strip():
            continue
        at = _turn(span["bbox"], direction, page)
        gap = (at.x0 - last_x1) / (span["size"] or 1.0)
        if not lines or gap > LINE_GAP_EM:
            lines.append([[(span, at)]])
        elif gap > PART_GAP_EM:
            lines[-1].append([(span, at)])
        else:
            lines[-1][-1].append((span, at))
        last_x1 = at.x1
    for parts in lines:
        runs = [span for part in parts for span in part]
        whole = _line(runs, direction == main, main, page)
        n_lost = _n_lost(runs, whole)
        if n_lost:
            page.n_lost += n_lost
            continue
        if whole is None:
            continue
        if len(parts) > 1:
            made = (_line(part, whole.upright, main, page) for part in parts)
            whole.parts = tuple(part for part in made if part is not None)
        page.lines.append(whole)


def _n_lost(spans: list[_Span], line: Line | None) -> int:
    """How many characters of a line have no meaning, if those are most of it: of a font that does
    not say what its glyphs are. A lone one is a bullet or a symbol."""
    if line is not None and not line.n_garbage:
        return 0
    n_garbage = sum(len(_GARBAGE.findall(span["text"])) for span, _ in spans)
    n_chars = sum(len(span["text"]) - span["text"].count(" ") for span, _ in spans)
    return n_garbage if n_garbage >= MIN_LOST and 2 * n_garbage >= n_chars else 0


def _line(spans: list[_Span], upright: bool, main: tuple[int, int], page: PageText) -> Line | None:
    raw = ""
    last_x1 = 0.0
    sizes: dict[float, int] = {}
    n_bold = n_mono = 0
    for span, at in spans:
        text = span["text"]
        if raw and not raw.endswith(" ") and at.x0 - last_x1 > WORD_GAP_EM * span["size"]:
            raw += " "
        n = len(text)
        size = round(span["size"] * 2) / 2
        sizes[size] = sizes.get(size, 0) + n
        bold, mono, ornament = _style(span["font"])
        if ornament and n == 1:
            text = "•"
        raw += text
        last_x1 = at.x1
        if bold or span["flags"] & BOLD_FLAG or span["char_flags"] & BOLD_CHAR_FLAG:
            n_bold += n
        if mono or span["flags"] & MONO_FLAG:
            n_mono += n
    text = _clean(raw)
    x0, y0, x1, y1 = spans[0][0]["bbox"]
    for span, _ in spans[1:]:
        bbox = span["bbox"]
        x0, y0 = min(x0, bbox[0]), min(y0, bbox[1])
        x1, y1 = max(x1, bbox[2]), max(y1, bbox[3])
    x0, y0, x1, y1 = max(0.0, x0), max(0.0, y0), min(page.width, x1), min(page.height, y1)
    if not text or x1 <= x0 or y1 <= y0:
        return None
    n_all = len(raw)
    return Line(
        text,
        Box(round(x0, 2), round(y0, 2), round(x1, 2), round(y1, 2)),
        _turn((x0, y0, x1, y1), main, page),
        max(sizes, key=sizes.__getitem__),
        bold=n_bold > 0.8 * n_all,
        mono=n_mono > 0.8 * n_all,
        upright=upright,
        n_garbage=0 if raw.isascii() and raw.isprintable() else len(_GARBAGE.findall(raw)),
    )


@lru_cache(maxsize=4096)
def _style(font: str) -> tuple[bool, bool, bool]:
    """Whether a font is bold, monospaced, and made of ornaments, by its name."""
    return (
        bool(_BOLD_NAME.search(font)),
        bool(_MONO_NAME.search(font)),
        bool(_ORNAMENT_NAME.search(font)),
    )


def _clean(text: str) -> str:
    text = _SPACES.sub(" ", text)
    if not text.isascii():
        text = _UNSEEN.sub("", text)
        text = _COMPATIBILITY.sub(_plain, text)
    elif not text.isprintable():
        text = _UNSEEN.sub("", text)
    return text.strip()


def _plain(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match.group())


def _edges(rect: Rect, stroked: bool) -> list[Rect]:
    """The thin rectangles of a drawn one: itself, or its four sides.

    MuPDF gives a path's bounding box with the stroke's width added on every side.
    """
    width, height = rect.x1 - rect.x0, rect.y1 - rect.y0
    if min(width, height) <= MAX_RULE_PT:
        return [rect] if max(width, height) >= MIN_RULE_PT else []
    if min(width, height) < MIN_RULE_PT and not stroked:
        return []
    return [
        Rect(rect.x0, rect.y0, rect.x1, rect.y0),
        Rect(rect.x0, rect.y1, rect.x1, rect.y1),
        Rect(rect.x0, rect.y0, rect.x0, rect.y1),
        Rect(rect.x1, rect.y0, rect.x1, rect.y1),
    ]
