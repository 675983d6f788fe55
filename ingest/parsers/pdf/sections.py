"""From blocks in reading order to segments: one a section of a page, one a group of table rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ingest.parsers.pdf.cells import Table, box_around
from ingest.parsers.pdf.going_on import TableCarrier
from ingest.parsers.pdf.layout import Block, Heading, Paragraph
from ingest.parsers.pdf.style import Style, joiner
from ingest.parsers.pdf.text import Line
from kb.types import Box, Locator, Modality, Segment, Span

__all__ = ["SectionWriter"]

MAX_TABLE_CHARS = 1500  # Of one segment; a longer table is cut between rows.
BOX_GAP_PT = 16.0
SAME_COLUMN = 0.6  # Of the wider box's width is shared.

_CAPTION = re.compile(
    r"(?:table|tab\.|tabelle|tableau|表)\s*[\dA-Z一二三四五六七八九十]", re.IGNORECASE
)
_LIST_ITEM = re.compile(
    r"[•·▪◦‣●○■□*\uf0b7]|[–—-]\s|[(（]?(?:\d{1,2}|[a-z])[.)）、]\s?\D|[①-⑳]|步骤\s*\d"
)
_SENTENCE_END = re.compile(r"[.!?:;。！？：；]['\"”’)\]）]*$")


class SectionWriter:
    """Writes the segments of one document, page after page.

    The heading path is carried over pages. A heading that nothing follows (a cover page's
    lines) becomes text itself, so that no word of a page is lost.

    Args:
        title: The document's title.
        style: Of the document.
    """

    def __init__(self, title: str, style: Style) -> None:
        self.title = title
        self._style = style
        self._path: list[tuple[int, str]] = []
        self._bare: list[tuple[int, Heading]] = []  # Page and heading without text so far.
        self._n_segments = 0
        self._tables = TableCarrier()

    @property
    def headings(self) -> tuple[str, ...]:
        """The heading path where the writer stands, without the title."""
        return tuple(text for _, text in self._path if text != self.title)

    def page(self, number: int, blocks: Sequence[Block]) -> Iterator[Segment]:
        """The segments of one page.

        Args:
            number: Of the page, from 1.
            blocks: In reading order.
        """
        body = _Text(number, self._style)
        blocks = self._tables.carried(number, blocks)
        for block, caption in _with_captions(blocks):
            if isinstance(block, Heading):
                yield from self._flush(body)
                body = _Text(number, self._style)
                yield from self._bare_headings(block.level)
                while self._path and self._path[-1][0] >= block.level:
                    self._path.pop()
                self._path.append((block.level, block.text))
                self._bare.append((number, block))
            elif isinstance(block, Table):
                yield from self._flush(body)
                body = _Text(number, self._style)
                self._bare.clear()
                yield from self._table(number, block, caption)
            else:
                body.add(block)
        yield from self._flush(body)
        levels = [block.level for block in blocks if isinstance(block, Heading)]
        if blocks and len(levels) == len(blocks):
            # A cover: its lines are words of their own, and only the largest heads the rest.
            yield from self._bare_headings(-1)
            self._path = [item for item in self._path if item[0] <= min(levels)]

    def aside(self, number: int, text: str, boxes: Sequence[Box]) -> Segment:
        """What stands beside the text of a page: a reviewer's comment, a running header."""
        self._n_segments += 1
        return Segment(
            Modality.TEXT,
            Locator(page=number, boxes=tuple(boxes)),
            text=text,
            title=self.title,
            headings=self.headings,
            atomic=True,
        )

    def finish(self) -> Iterator[Segment]:
        """What is left at the end: headings with nothing after them."""
        yield from self._bare_headings(-1)

    def _flush(self, body: _Text) -> Iterator[Segment]:
        if body.text:
            self._bare.clear()
            yield self._segment(body, self.headings)

    def _bare_headings(self, level: int) -> Iterator[Segment]:
        """Text of the headings that one of `level` ends before anything followed them."""
        ended = [item for item in self._bare if item[1].level >= level]
        self._bare = [item for item in self._bare if item[1].level < level]
        above = tuple(
            text
            for depth, text in self._path
            if text != self.title and all(depth < heading.level for _, heading in ended)
        )
        for number in dict.fromkeys(number for number, _ in ended):
            body = _Text(number, self._style)
            for page, heading in ended:
                # The title is on every segment already, where there are any.
                if page == number and (heading.text != self.title or not self._n_segments):
                    body.add(heading.paragraph)
            if body.text:
                yield self._segment(body, above)

    def _segment(self, body: _Text, headings: tuple[str, ...], *, atomic: bool = False) -> Segment:
        self._n_segments += 1
        return Segment(
            Modality.TEXT,
            Locator(page=body.page, boxes=tuple(body.boxes)),
            text=body.text,
            title=self.title,
            headings=headings,
            spans=tuple(body.spans),
            atomic=atomic,
        )

    def _table(self, number: int, table: Table, caption: Paragraph | None) -> Iterator[Segment]:
        def begin() -> _Text:
            body = _Text(number, self._style)
            if caption is not None:
                body.add(caption)
            body.add_row(
                "\n\n" if body.text else "", _markdown(table.header.cells), table.header.box
            )
            rule = _markdown(["---"] * len(table.header.cells))
            body.text += f"\n{rule}"
            return body

        body = begin()
        n_head = len(body.text)
        for row in table.rows:
            line = _markdown(row.cells)
            if len(body.text) > n_head and len(body.text) + len(line) > MAX_TABLE_CHARS:
                yield self._segment(body, self.headings, atomic=True)
                body = begin()
            body.add_row("\n", line, row.box)
        yield self._segment(body, self.headings, atomic=True)


def _with_captions(blocks: Sequence[Block]) -> Iterator[tuple[Block, Paragraph | None]]:
    """Blocks, each table with the caption right above or below it, which is left out."""
    captions: dict[int, int] = {}
    for i, block in enumerate(blocks):
        if isinstance(block, Table):
            for j in (i - 1, i + 1):
                near = blocks[j] if 0 <= j < len(blocks) else None
                if (
                    isinstance(near, Paragraph)
                    and j not in captions.values()
                    and _CAPTION.match(near.lines[0].text)
                ):
                    captions[i] = j
                    break
    for i, block in enumerate(blocks):
        if i not in captions.values():
            caption = blocks[captions[i]] if i in captions else None
            yield block, caption if isinstance(caption, Paragraph) else None


def _has_gap(row: Sequence[Line]) -> bool:
    """Whether a row's lines stand apart like cells, unlike a formula's indices."""
    return any(b.at.x0 - a.at.x1 > max(a.size, b.size) for a, b in pairwise(row))


def _markdown(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


class _Text:
    """The text of one segment as it grows, with a span for each line."""

    def __init__(self, page: int, style: Style) -> None:
        self.page = page
        self.text = ""
        self.spans: list[Span] = []
        self.boxes: list[Box] = []
        self._style = style
        self._last: Paragraph | None = None

    def add(self, paragraph: Paragraph) -> None:
        """Add a paragraph: a line break for each item of a list and after each short line,
        an empty line before it, unless it goes on in the middle of a sentence."""
        right = max(line.at.x1 for line in paragraph.lines)
        left = min(line.at.x0 for line in paragraph.lines)
        for i, row in enumerate(paragraph.rows):
            if i == 0:
                self._open(paragraph)
            else:
                above = paragraph.rows[i - 1]
                is_short = above[-1].at.x1 < right - 0.2 * (right - left)
                is_apart = _has_gap(above) or _has_gap(row) or row[0].mono
                if (
                    is_apart
                    or _LIST_ITEM.match(row[0].text)
                    or (is_short and not above[-1].text.endswith("-"))
                ):
                    self.text += "\n"
                else:
                    self._join(row[0])
            for j, line in enumerate(row):
                if j:
                    self.text += " "
                self._append(line.text, line.box)
        self._box(box_around(paragraph.lines))
        self._last = paragraph

    def add_row(self, before: str, text: str, box: Box | None) -> None:
        """Add a table's row after the characters `before`; one without a box stands elsewhere."""
        self.text += before
        if box is None:
            self.text += text
            return
        self._append(text, box)
        self._box(box)

    def _open(self, paragraph: Paragraph) -> None:
        if self._last is None:
            return
        before, first = self._last.lines[-1], paragraph.lines[0]
        same = abs(before.size - first.size) < 0.5
        if same and first.text[0].islower() and not _SENTENCE_END.search(self.text):
            self._join(first)
        elif len(self._last.rows) == 1 and len(paragraph.rows) == 1:
            self.text += "\n"
        else:
            self.text += "\n\n"

    def _join(self, line: Line) -> None:
        before, between = joiner(self.text, line.text, self._style)
        if len(before) < len(self.text) and self.spans:
            last = self.spans[-1]
            self.spans[-1] = Span(last.start, min(last.end, len(before)), last.locator)
        self.text = before + between

    def _append(self, text: str, box: Box) -> None:
        start = len(self.text)
        self.text += text
        self.spans.append(Span(start, len(self.text), Locator(self.page, (box,))))

    def _box(self, box: Box) -> None:
        """Add a box, or widen the last one where this one stands right below it and both are
        of one column."""
        if self.boxes:
            last = self.boxes[-1]
            shared = min(box.x1, last.x1) - max(box.x0, last.x0)
            wider = max(box.x1 - box.x0, last.x1 - last.x0)
            if -2 <= box.y0 - last.y1 <= BOX_GAP_PT and shared >= SAME_COLUMN * wider:
                self.boxes[-1] = Box(
                    min(last.x0, box.x0), last.y0, max(last.x1, box.x1), max(last.y1, box.y1)
                )
                return
        self.boxes.append(box)
