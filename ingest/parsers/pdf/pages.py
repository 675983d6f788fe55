"""Page documents to segments: text with boxes, tables, and an image of every page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import cv2
import numpy as np

from ingest.decode.reading_order import Rect
from ingest.decode.rendered import RenderedImage, halved
from ingest.parsers.base import OcrText, ParseContext
from ingest.parsers.pdf.figure_words import FigureReader, Section, last_section, section_of
from ingest.parsers.pdf.figures import Figure, figures_on
from ingest.parsers.pdf.layout import Layout, OutlineEntry
from ingest.parsers.pdf.mupdf import pymupdf
from ingest.parsers.pdf.opening import MUPDF_ERRORS, is_cut_short, opened
from ingest.parsers.pdf.remarks import remarks
from ingest.parsers.pdf.sections import SectionWriter
from ingest.parsers.pdf.shelf import Shelf
from ingest.parsers.pdf.text import Line, PageText, read_page
from kb.errors import ParseError
from kb.types import Box, EncodedImage, Locator, Modality, Segment, Source

__all__ = ["read_pages", "render_page"]

MAX_WIDTH_PX, MAX_HEIGHT_PX = 1280, 1440
MAX_ZOOM = 300 / 72  # Beyond 300 dpi a small page only gets blurred.
JPEG_QUALITY = 80
# Below this a page's text layer is looked at twice: it may be a stamp on a scan.
FEW_CHARS = 100
MAX_GARBAGE = 0.3
# A few letters without a meaning are symbols of a formula or a logo.
MIN_LOST_CHARS = 12
# Pages that are drawn when their text is read, from one interpretation of the page. The
# pictures wait in memory until the whole document's style is known: those of further pages
# are drawn when their turn comes.
DRAWN_AHEAD = 64
MIN_SCAN_AREA = 0.5
MIN_OUTLINES = 20

_BGR = pymupdf.Colorspace(pymupdf.mupdf.FzColorspace(pymupdf.mupdf.FzColorspace.Fixed_BGR))
_NO_MEANING = (
    "Page {} shows letters whose meaning the file does not say, and {}: its text is missing. Print "
    "it to a new PDF, or enable `ingest.ocr` in kb.yaml."
)
_LOSS = re.compile(r"zlib error|premature end of data|not a stream|cannot find (page|object)")
_NO_TITLE = re.compile(
    r"untitled|无标题|microsoft (word|powerpoint|excel)|(slide|document|presentation|文档)\s*\d*$"
    r"|[^\s]+\.(docx?|pptx?|xlsx?|tex|dvi|pdf|indd|qxd|html?|txt)$|[\W\d_]*$",
    re.IGNORECASE,
)


def read_pages(source: Source, context: ParseContext) -> Iterator[Segment]:
    """What `ingest.parsers.pdf.parser.PdfParser.parse` gives."""
    with opened(source, context) as document:
        yield from _segments(document, source, context)
        if is_cut_short(document, source):
            context.warn(
                f"The PDF is cut short: {document.page_count} pages could be recovered, "
                "and some may lack words or pictures. Get a complete copy of the file."
            )


_UNSEEN = "Text that the page holds and does not show:"


def render_page(page: Any, display: Any) -> RenderedImage:
    """A MuPDF page by its display list, upright and in RGB, as a JPEG of at most 1280 x 1440
    px."""
    width, height = page.rect.width, page.rect.height
    zoom = min(MAX_WIDTH_PX / width, MAX_HEIGHT_PX / height, MAX_ZOOM)
    # In OpenCV's order of colours, so that its encoder takes the pixels as they lie: the bytes
    # are those of Pillow's, which copies them first, in three quarters of the time.
    pixmap = display.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), colorspace=_BGR, alpha=False)
    pixels = np.frombuffer(pixmap.samples_mv, np.uint8).reshape(pixmap.height, pixmap.width, 3)
    # MuPDF rounds the page's edges outward to whole pixels.
    pixels = pixels[:MAX_HEIGHT_PX, :MAX_WIDTH_PX]
    _, jpeg = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    height_px, width_px = pixels.shape[:2]
    return RenderedImage(jpeg.tobytes(), "image/jpeg", width_px, height_px, halved(pixels))


def _segments(document: Any, source: Source, context: ParseContext) -> Iterator[Segment]:
    pages: Shelf[PageText] = Shelf()
    unread: set[int] = set()
    drawn: dict[int, RenderedImage | None] = {}
    figures: dict[int, list[Figure]] = {}
    damage: Exception | None = None
    for number in range(1, document.page_count + 1):
        pymupdf.TOOLS.reset_mupdf_warnings()
        try:
            page = document[number - 1]
            if page.rect.is_empty:
                raise ValueError("the page has no area")
            display = page.get_displaylist()
            text = read_page(number, page, display)
            if needs_ocr(page, text):
                unread.add(number)
            elif on_page := figures_on(document, display, text, context):
                figures[number] = on_page
        except MUPDF_ERRORS as error:
            damage = error
            context.warn(f"Page {number} is damaged and was left out.")
        else:
            pages[number] = text
            # MuPDF leaves out what it can't read of a page, and only notes it.
            if _LOSS.search(pymupdf.TOOLS.mupdf_warnings()):
                context.warn(f"Page {number} is damaged: some of it may be missing.")
            if number <= DRAWN_AHEAD:
                drawn[number] = _picture(document, number, display, context)
    if not pages:
        raise ParseError(
            "No page of the file can be read: it is damaged. Get a complete copy.",
            source=source.path,
        ) from damage
    layout = Layout(pages, _outline(document))
    writer = SectionWriter(_title(document, layout, source), layout.style)
    sections: dict[int, list[Section]] = {}
    for text in pages.values():
        number = text.number
        image = drawn.pop(number) if number in drawn else _picture(document, number, None, context)
        if number in unread and image is not None and context.read_words is not None:
            n_added = add_words(text, context.read_words(image), image)
            blocks = layout.lay_out(text)
            if text.n_lost >= MIN_LOST_CHARS and not n_added:
                context.warn(_NO_MEANING.format(number, "OCR read nothing there either"))
        else:
            blocks = layout.blocks(number)
        if text.n_lost >= MIN_LOST_CHARS and (image is None or context.read_words is None):
            context.warn(_NO_MEANING.format(number, "OCR, which could read it, is off"))
        headings: tuple[str, ...] | None = None
        if number in figures:
            sections[number] = [Section(writer.headings)]
        for segment in writer.page(number, blocks):
            headings = segment.headings if headings is None else headings
            if number in figures:
                sections[number].append(section_of(segment, blocks))
            yield segment
        if number in figures:
            sections[number] += last_section(writer.headings, blocks)
        for lines in layout.running(number):
            yield writer.aside(number, "\n".join(x.text for x in lines), [x.box for x in lines])
        if text.unseen:
            words = "\n".join(line for line, _ in text.unseen)
            yield writer.aside(number, f"{_UNSEEN} {words}", [box for _, box in text.unseen])
        for remark, boxes in remarks(document, text):
            yield writer.aside(number, remark, boxes)
        if image is not None:
            yield Segment(
                Modality.IMAGE,
                # The whole page: what stands on it is placed in its points.
                Locator(page=number, boxes=(Box(0, 0, *_size_points(text)),)),
                title=writer.title,
                headings=writer.headings if headings is None else headings,
                image=image,
                atomic=True,
            )
        else:
            # What shows a page's passages is its own picture.
            figures.pop(number, None)
    yield from writer.finish()
    if context.read_words is None:
        return
    # Last, since each takes a second: where the time is up, no text is lost. The first picture of a
    # page is the page's own.
    reader = FigureReader(document, writer.title, context)
    for number, on_page in figures.items():
        yield from reader.read(pages[number], on_page, sections[number], context.read_words)


def _size_points(page: PageText) -> tuple[float, float]:
    return round(page.width, 2), round(page.height, 2)


def _picture(
    document: Any, number: int, display: Any | None, context: ParseContext
) -> RenderedImage | None:
    try:
        page = document[number - 1]
        return render_page(page, display or page.get_displaylist())
    except MUPDF_ERRORS:
        context.warn(f"Page {number} is damaged and has no picture.")
        return None


def needs_ocr(page: Any, text: PageText) -> bool:
    """Whether a page shows words that its text layer does not hold.

    A layer of unmapped glyphs is emptied: it says nothing.
    """
    n_chars = text.n_chars
    if text.n_lost >= MIN_LOST_CHARS:
        return True
    if text.n_garbage > MAX_GARBAGE * (n_chars + text.n_garbage):
        text.lines.clear()
        return True
    if n_chars >= FEW_CHARS:
        return False
    drawn: Counter[str] = Counter()
    image_area = 0.0
    for kind, (x0, y0, x1, y1) in page.get_bboxlog():
        drawn[kind] += 1
        if kind == "fill-image":
            width = min(x1, page.rect.width) - max(x0, 0.0)
            height = min(y1, page.rect.height) - max(y0, 0.0)
            image_area += max(width, 0.0) * max(height, 0.0)
    if n_chars == 0:
        # Words drawn as outlines are many paths; a frame or a line is a few.
        return image_area > 0 or drawn["fill-path"] >= MIN_OUTLINES
    return bool(image_area >= MIN_SCAN_AREA * page.rect.width * page.rect.height)


def add_words(text: PageText, words: OcrText, image: EncodedImage) -> int:
    """Add what OCR read to a page's lines, where its text layer has no line already; returns how
    many lines that are."""
    n_before = len(text.lines)
    scale_x, scale_y = text.width / image.width_px, text.height / image.height_px
    layer = [line.box for line in text.lines]
    for span in words.spans:
        px = span.locator.boxes[0]
        box = Box(
            round(px.x0 * scale_x, 2),
            round(px.y0 * scale_y, 2),
            round(px.x1 * scale_x, 2),
            round(px.y1 * scale_y, 2),
        )
        x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
        if not any(b.x0 <= x <= b.x1 and b.y0 <= y <= b.y1 for b in layer):
            at = Rect(box.x0, box.y0, box.x1, box.y1)
            size = round((box.y1 - box.y0) * 2) / 2
            text.lines.append(Line(words.text[span.start : span.end], box, at, size, ocr=True))
    return len(text.lines) - n_before


def _outline(document: Any) -> list[OutlineEntry]:
    try:
        return [OutlineEntry(level, title, page) for level, title, page in document.get_toc()]
    except MUPDF_ERRORS:
        return []  # A damaged outline costs levels of headings, and no words.


def _title(document: Any, layout: Layout, source: Source) -> str:
    title = " ".join(((document.metadata or {}).get("title") or "").split())
    if len(title) < 3 or _NO_TITLE.match(title):
        title = layout.first_title()
    return title or PurePosixPath(source.path).stem
