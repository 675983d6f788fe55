"""From the lines of a document's pages to paragraphs, headings and tables in reading order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from statistics import median

from ingest.decode.reading_order import reading_order, union
from ingest.parsers.pdf.cells import Table
from ingest.parsers.pdf.shelf import Shelf
from ingest.parsers.pdf.style import (
    Style,
    is_page_number,
    is_running,
    joiner,
    learn_style,
    running_key,
)
from ingest.parsers.pdf.tables import find_tables
from ingest.parsers.pdf.text import Line, PageText

__all__ = ["Block", "Heading", "Layout", "OutlineEntry", "Paragraph"]

MAX_HEADING_CHARS = 160
MAX_HEADING_ROWS = 3
# A heading's font size against the body's: larger, or bold and about as large.
LARGE, ABOUT_SAME = 1.15, 0.95

_SECTION_NUMBER = re.compile(r"(?:[A-Z]\b|\d+)(?:\.\d+)*(?=[\s.、]|$)")
_SENTENCE_END = re.compile(r"[.,;:。，；：…]$")
_LETTER = re.compile(r"[^\W\d_]")
_BULLET = re.compile(r"[•·▪◦‣●○■□–—*\-\uf0b7]")
_LEADER = re.compile(r"(?:\.\s?){4,}|…{2,}|·{4,}")
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A line of the document's own outline: its level from 1, its words, its page from 1."""

    level: int
    title: str
    page: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Rows of lines that belong together, each row from the left."""

    rows: list[list[Line]]

    @property
    def lines(self) -> list[Line]:
        """All lines in reading order."""
        return [line for row in self.rows for line in row]

    @property
    def size(self) -> float:
        """The largest font size, in points."""
        return max(line.size for row in self.rows for line in row)


@dataclass(frozen=True, slots=True)
class Heading:
    """A paragraph that heads what follows; level from 0, outermost first."""

    paragraph: Paragraph
    text: str
    level: int


Block = Paragraph | Heading | Table
_Look = tuple[float, bool, int]  # Size, bold, depth of numbering: how a heading looks.


class Layout:
    """The pages of a document as blocks in reading order.

    Args:
        pages: The text layers of its pages.
        outline: The document's own outline; empty where it has none.
    """

    def __init__(self, pages: Shelf[PageText], outline: Iterable[OutlineEntry]) -> None:
        self.style = learn_style(pages)
        self._outline: dict[int, list[OutlineEntry]] = {}
        for entry in outline:
            self._outline.setdefault(entry.page, []).append(entry)
        self._pages = pages
        self._plain: Shelf[list[Paragraph | Table]] = Shelf()
        self._told: set[tuple[str, int]] = set()
        self._new_running: dict[int, list[list[Line]]] = {}
        self._levels = self._learn_levels()

    def blocks(self, number: int) -> list[Block]:
        """The blocks of a page in reading order; none where it has no text layer."""
        if number not in self._pages:
            return []
        page = self._pages[number]
        return [self._as_heading(block, page) for block in self._plain[number]]

    def lay_out(self, page: PageText) -> list[Block]:
        """The blocks of a page whose lines changed (OCR added some)."""
        return [self._as_heading(block, page) for block in self._plain_blocks(page)]

    def running(self, number: int) -> list[list[Line]]:
        """The running headers and footers of a page that none before it had, those at its top and
        those at its bottom; nothing of numbers that pages count."""
        return self._new_running.get(number, [])

    def first_title(self) -> str:
        """The largest heading of the first two pages; empty where there is none."""
        headings = [
            block
            for number in islice(self._pages, 2)
            for block in self.blocks(number)
            if isinstance(block, Heading) and block.paragraph.size >= LARGE * self.style.body_size
        ]
        return max(headings, key=lambda h: h.paragraph.size).text if headings else ""

    def _plain_blocks(self, page: PageText) -> list[Paragraph | Table]:
        tables, lines, running = self._parted(page)
        self._keep_running(page, running)
        upright = [line for line in lines if line.upright]
        rects = [*(line.at for line in upright), *(table.at for table in tables)]
        # A table is as good as prose where columns are looked for.
        n_chars = [*(len(line.text) for line in upright), *(100 for _ in tables)]
        blocks: list[Paragraph | Table] = []
        for region in reading_order(rects, n_chars):
            rows: list[list[Line]] = []
            for row in region:
                found = [tables[i - len(upright)] for i in row if i >= len(upright)]
                if found:
                    blocks.extend(_paragraphs(rows, self.style))
                    blocks.extend(found)
                    rows = []
                if words := [upright[i] for i in row if i < len(upright)]:
                    rows.append(words)
            blocks.extend(_paragraphs(rows, self.style))
        # What runs up a margin (a preprint's stamp, the name of an axis) is read last.
        blocks.extend(Paragraph([[line]]) for line in lines if not line.upright)
        return blocks

    def _parted(self, page: PageText) -> tuple[list[Table], list[Line], list[Line]]:
        """The tables of a page, the lines that are in none, and the running ones."""
        which = is_running(page, self.style)
        running = [line for line in page.lines if id(line) in which]
        others = [line for line in page.lines if id(line) not in which]
        tables, lines = find_tables(others, page.rules, self.style)
        if running and tables:
            # The names of a table's columns stand at one height of its pages, too.
            whole, rest = find_tables(page.lines, page.rules, self.style)
            left = set(map(id, rest))
            grown = [line for line in running if id(line) not in left]
            if grown and len(whole) == len(tables):
                running = [line for line in running if id(line) in left]
                return whole, [line for line in rest if id(line) not in which], running
        return tables, lines, running

    def _keep_running(self, page: PageText, running: list[Line]) -> None:
        if page.number in self._new_running:
            return
        new: list[list[Line]] = [[], []]
        for line in running:
            key = running_key(line, page)
            if key not in self._told and not is_page_number(line.text):
                self._told.add(key)
                new[2 * line.box.y0 > page.height].append(line)
        self._new_running[page.number] = [lines for lines in new if lines]

    def _learn_levels(self) -> dict[_Look, int]:
        """Find the plain blocks of all pages, and levels of the looks of headings: the outline's
        where it names them, else by size."""
        looks: set[_Look] = set()
        outlined: dict[_Look, int] = {}
        for page in self._pages.values():
            blocks = self._plain_blocks(page)
            self._plain[page.number] = blocks
            for block in blocks:
                if isinstance(block, Table):
                    continue
                entry = self._outline_entry(block, page.number)
                if entry is not None:
                    look = _look(block)
                    outlined[look] = min(entry.level, outlined.get(look, entry.level))
                elif _may_head(block, self.style) and not _is_label(block, page):
                    looks.add(_look(block))
        levels: dict[_Look, int] = {}
        deepest = 0
        for look in sorted({*looks, *outlined}, key=lambda look: (-look[0], not look[1], look[2])):
            if look in outlined:
                levels[look] = outlined[look]
                deepest = max(deepest, outlined[look])
            elif outlined and not deepest:
                levels[look] = 0  # Larger than all that the outline names: the title.
            else:
                deepest += 1
                levels[look] = deepest
        return levels

    def _as_heading(self, block: Paragraph | Table, page: PageText) -> Block:
        if isinstance(block, Table):
            return block
        entry = self._outline_entry(block, page.number)
        if entry is None and (not _may_head(block, self.style) or _is_label(block, page)):
            return block
        level = entry.level if entry is not None else self._levels.get(_look(block), 1)
        return Heading(block, _one_line(block, self.style), level)

    def _outline_entry(self, paragraph: Paragraph, number: int) -> OutlineEntry | None:
        entries = self._outline.get(number)
        if not entries or len(paragraph.rows) > MAX_HEADING_ROWS:
            return None
        words = _letters(" ".join(line.text for line in paragraph.lines))
        for entry in entries:
            title = _letters(entry.title)
            shorter, longer = sorted((words, title), key=len)
            # The numbering may stand in one of the two only.
            if shorter and longer.endswith(shorter) and len(shorter) >= 0.6 * len(longer):
                return entry
        return None


def _paragraphs(rows: list[list[Line]], style: Style) -> Iterator[Paragraph]:
    if not rows:
        return
    gaps = [
        gap
        for above, below in pairwise(rows)
        if (gap := below[0].at.y0 - above[0].at.y1) < 1.5 * (below[0].at.y1 - below[0].at.y0)
    ]
    usual_gap = max(median(gaps), 0.0) if gaps else 0.0
    width = max(row[-1].at.x1 for row in rows) - min(row[0].at.x0 for row in rows)
    right = max(row[-1].at.x1 for row in rows) - 0.15 * width
    current = [rows[0]]
    for above, row in pairwise(rows):
        if _begins(row, above, usual_gap, right, style):
            yield Paragraph(current)
            current = []
        current.append(row)
    yield Paragraph(current)


def _begins(
    row: list[Line], above: list[Line], usual_gap: float, right: float, style: Style
) -> bool:
    """Whether a new paragraph begins with `row`; lines that end before `right` are short."""
    last, first = above[-1], row[0]
    height = first.at.y1 - first.at.y0
    gap = first.at.y0 - above[0].at.y1
    if gap > usual_gap + 0.35 * height or gap < -2 * height:
        return True
    if last.ocr or first.ocr:
        return False
    if max(last.size, first.size) > 1.12 * min(last.size, first.size):
        return True
    if not style.bold_body and all(x.bold for x in above) != all(x.bold for x in row):
        # A full line of bold words goes on in the next: they begin a paragraph, no heading.
        return last.at.x1 < right or gap > usual_gap + 0.1 * height
    indent = first.at.x0 - above[0].at.x0
    return indent > 0.8 * first.size and last.text[-1] in ".!?。！？"


def _look(paragraph: Paragraph) -> _Look:
    lines = paragraph.lines
    numbering = _SECTION_NUMBER.match(lines[0].text)
    depth = numbering.group().count(".") + 1 if numbering else 1
    return paragraph.size, all(line.bold for line in lines), depth


def _may_head(paragraph: Paragraph, style: Style) -> bool:
    """Whether a paragraph looks like a heading: short, and larger or bolder than the body."""
    rows = paragraph.rows
    if len(rows) > MAX_HEADING_ROWS:
        return False
    size, bold, _ = _look(paragraph)
    is_bold = bold and not style.bold_body and size >= ABOUT_SAME * style.body_size
    if size < LARGE * style.body_size and not (is_bold and len(rows) <= 2):
        return False
    # Lines side by side are no heading, but for a number set apart from its name.
    if any(len(row) > 2 or (len(row) == 2 and len(row[0].text) > 8) for row in rows):
        return False
    if any(line.ocr or not line.upright for line in paragraph.lines):
        return False
    text = " ".join(line.text for line in paragraph.lines)
    return (
        len(text) <= MAX_HEADING_CHARS
        and len(_LETTER.findall(text)) >= 2
        and not _SENTENCE_END.search(text)
        and not _LEADER.search(text)
        and not _BULLET.match(text)
    )


def _is_label(paragraph: Paragraph, page: PageText) -> bool:
    """Whether a paragraph stands in the middle of a drawn box: part of a diagram. A bar
    across the page behind a title is none, and neither is a page's background."""
    at = union([line.at for line in paragraph.lines])
    for shape in page.shapes:
        width, height = shape.x1 - shape.x0, shape.y1 - shape.y0
        if (
            width < 0.9 * page.width
            and shape.x0 <= at.x0 + 1
            and at.x1 - 1 <= shape.x1
            and shape.y0 <= at.y0 + 2
            and at.y1 - 2 <= shape.y1
            and abs(at.x0 + at.x1 - shape.x0 - shape.x1) < 0.2 * width
        ):
            is_amid = abs(at.y0 + at.y1 - shape.y0 - shape.y1) < 0.4 * height
            if width < 0.6 * page.width or (is_amid and height > 2 * (at.y1 - at.y0)):
                return True
    return False


def _letters(text: str) -> str:
    return _NOT_WORD.sub("", text).casefold()


def _one_line(paragraph: Paragraph, style: Style) -> str:
    text = ""
    for line in paragraph.lines:
        if text:
            text, between = joiner(text, line.text, style)
            text += between
        text += line.text
    return text
