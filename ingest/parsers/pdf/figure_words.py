"""The words of pictures that stand on pages of text, which are in no text layer: OCR reads them.

What is read is a drawing of the place and not the picture of the file: so it is turned, masked and
put together from strips as the page shows it.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeGuard

from PIL import Image

from ingest.decode.pictures import BOUND_PX, encode_picture
from ingest.decode.reading_order import Rect, union
from ingest.parsers.base import OcrText, ParseContext
from ingest.parsers.pdf.cells import box_around
from ingest.parsers.pdf.figures import DAMAGED, Figure, holds
from ingest.parsers.pdf.layout import Block, Heading
from ingest.parsers.pdf.mupdf import pymupdf
from ingest.parsers.pdf.opening import MUPDF_ERRORS
from ingest.parsers.pdf.text import PageText
from kb.types import Box, EncodedImage, Locator, Modality, Segment, Span

__all__ = ["FigureReader", "Section", "last_section", "section_of"]

_MAX_KNOWN_SHARE = 0.5
_MIN_WORD_CHARS = 3
_MAX_IN_DOCUMENT = 200
_MAX_ZOOM = 300 / 72
_WORD_CHAR = re.compile(r"\w")
_CAPTION = re.compile(
    r"(?:fig(?:ure|\.)?|chart|graph|diagram|exhibit|plate|photo|abb(?:ildung|\.)|table|tab\."
    r"|[图圖表]表?|附图|照片)\s*(?:[A-Z][.-]?)?[\d一二三四五六七八九十]",
    re.IGNORECASE,
)
# In heights of its line: how far a caption stands from its picture, and its lines from each other.
_CAPTION_GAP, _LINE_GAP = 2.5, 1.0
_MAX_CAPTION_LINES = 3


class Section(NamedTuple):
    """Where a section begins on a page, in points; with its headings alone, one that goes on."""

    headings: tuple[str, ...]
    top: float = -math.inf
    left: float = -math.inf
    right: float = math.inf


def section_of(segment: Segment, blocks: Sequence[Block]) -> Section:
    """Where a segment of a page's `blocks` begins: at its heading, if that is on the page."""
    boxes = segment.locator.boxes
    heads = [_place(one) for one in blocks if _heads(one, segment.headings)]
    if not boxes and not heads:
        return Section(segment.headings)
    at = union([*heads[-1:], *(Rect(box.x0, box.y0, box.x1, box.y1) for box in boxes)])
    top = heads[-1].y0 if heads else boxes[0].y0
    return Section(segment.headings, top, at.x0, at.x1)


def last_section(headings: tuple[str, ...], blocks: Sequence[Block]) -> list[Section]:
    """The heading that a page's `blocks` end with, if they do: what it heads has no text there."""
    last = blocks[-1] if blocks else None
    return [Section(headings, _place(last).y0)] if isinstance(last, Heading) else []


def _heads(block: Block, headings: tuple[str, ...]) -> TypeGuard[Heading]:
    return isinstance(block, Heading) and block.text == (headings or ("",))[-1]


def _place(heading: Heading) -> Rect:
    box = box_around(heading.paragraph.lines)
    return Rect(box.x0, box.y0, box.x1, box.y1)


class FigureReader:
    """Reads the pictures of one document, each once however often it is shown.

    Args:
        document: The `pymupdf.Document`.
        title: The document's.
        context: Its `read_words` must be set; told where a picture can't be read.
    """

    def __init__(self, document: Any, title: str, context: ParseContext) -> None:
        self._document = document
        self._title = title
        self._context = context
        self._seen: set[bytes] = set()
        self._is_full = False

    def read(
        self,
        text: PageText,
        figures: Sequence[Figure],
        sections: Sequence[Section],
        read_words: Callable[[EncodedImage], OcrText],
    ) -> Iterator[Segment]:
        """An IMAGE segment for each of a page's `figures` that has words: its caption, if it has
        one, then the words line by line with their boxes, in points of the page. Its headings are
        those of the last of the page's `sections` that begins above it, of which the first is
        what goes on from the page before."""
        try:
            display = self._document[text.number - 1].get_displaylist() if figures else None
            drawn = [(figure, _draw(display, figure)) for figure in figures]
        except MUPDF_ERRORS:
            self._context.warn(DAMAGED.format(text.number))
            return
        for figure, (image, place) in drawn:
            digest = hashlib.sha256(image.data).digest()
            if digest in self._seen:
                continue
            if len(self._seen) == _MAX_IN_DOCUMENT:
                self._tell_full()
                return
            self._seen.add(digest)
            words = _on_page(read_words(image), place, text.number)
            if _says_something(words, text):
                headings = _headings_above(figure.at, sections)
                yield self._segment(text, figure, headings, words, image)

    def _segment(
        self,
        page: PageText,
        figure: Figure,
        headings: tuple[str, ...],
        words: OcrText,
        image: EncodedImage,
    ) -> Segment:
        text = ""
        spans: list[Span] = []
        for line, box in _caption(figure.at, page):
            spans.append(
                Span(len(text), len(text) + len(line), Locator(page=page.number, boxes=(box,)))
            )
            text += f"{line}\n"
        n = len(text)
        spans += [Span(one.start + n, one.end + n, one.locator) for one in words.spans]
        return Segment(
            Modality.IMAGE,
            Locator(page=page.number, boxes=(_box(figure.at),)),
            text=text + words.text,
            title=self._title,
            headings=headings,
            spans=tuple(spans),
            image=image,
            atomic=True,
        )

    def _tell_full(self) -> None:
        if not self._is_full:
            self._is_full = True
            self._context.warn(
                f"The words of only the first {_MAX_IN_DOCUMENT} pictures on its pages were read. "
                "Split the file to have all of them."
            )


def _draw(display: Any, figure: Figure) -> tuple[EncodedImage, tuple[float, float, float]]:
    """A figure as the page shows it, with its left and top edge on the page in points and its
    pixels to a point: those of the picture, as far as it stays within `BOUND_PX` and 300 dpi."""
    at = figure.at
    width, height = at.x1 - at.x0, at.y1 - at.y0
    # MuPDF rounds edges outward to whole pixels.
    room = min((BOUND_PX[0] - 2) / width, (BOUND_PX[1] - 2) / height)
    zoom = min(figure.zoom, room, _MAX_ZOOM)
    # Moved to the corner, so that the same picture elsewhere is the same drawing.
    matrix = pymupdf.Matrix(zoom, 0, 0, zoom, -at.x0 * zoom, -at.y0 * zoom)
    clip = pymupdf.Rect(*at)
    pixmap = display.get_pixmap(matrix=matrix, colorspace=pymupdf.csRGB, alpha=False, clip=clip)
    picture = Image.frombytes("RGB", (pixmap.width, pixmap.height), bytes(pixmap.samples_mv))
    return encode_picture(picture), (at.x0, at.y0, zoom)


def _on_page(words: OcrText, place: tuple[float, float, float], number: int) -> OcrText:
    """`words` with their boxes in points of the page."""
    left, top, zoom = place

    def at(box: Box) -> Box:
        return _box(
            Rect(
                left + box.x0 / zoom, top + box.y0 / zoom, left + box.x1 / zoom, top + box.y1 / zoom
            )
        )

    spans = (
        Span(
            span.start,
            span.end,
            Locator(page=number, boxes=tuple(at(box) for box in span.locator.boxes)),
        )
        for span in words.spans
    )
    return OcrText(words.text, tuple(spans))


def _says_something(words: OcrText, page: PageText) -> bool:
    """Whether there are words, and most of them are not in the text layer already."""
    if len(_WORD_CHAR.findall(words.text)) < _MIN_WORD_CHARS:
        return False
    known = 0
    for span in words.spans:
        known += any(holds(line.box, span.locator.boxes[0]) for line in page.lines)
    return known < _MAX_KNOWN_SHARE * len(words.spans)


def _caption(at: Rect, page: PageText) -> list[tuple[str, Box]]:
    """The lines of the caption right below a picture or right above it, with their places."""
    lines = sorted(
        (line for line in page.lines if line.box.x0 < at.x1 and line.box.x1 > at.x0),
        key=lambda line: (line.box.y0, line.box.x0),
    )
    for index, line in enumerate(lines):
        height = line.box.y1 - line.box.y0
        gap = max(line.box.y0 - at.y1, at.y0 - line.box.y1)
        if not (_CAPTION.match(line.text) and -height <= gap <= _CAPTION_GAP * height):
            continue
        caption = [line]
        for after in lines[index + 1 : index + _MAX_CAPTION_LINES]:
            is_next = after.box.y0 - caption[-1].box.y1 <= _LINE_GAP * height
            if not is_next or abs(after.size - line.size) > 0.5 or holds(at, after.box):
                break
            caption.append(after)
        return [(one.text, one.box) for one in caption]
    return []


def _headings_above(at: Rect, sections: Sequence[Section]) -> tuple[str, ...]:
    """Of the last section that begins above a picture, in its column where there is one."""
    above = [one for one in sections if one.top <= at.y0]
    beside = [one for one in above if one.left < at.x1 and one.right > at.x0]
    return (beside or above)[-1].headings


def _box(at: Rect) -> Box:
    return Box(*(round(value, 2) for value in (at.x0, at.y0, at.x1, at.y1)))
