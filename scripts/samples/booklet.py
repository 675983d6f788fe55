"""PDF pages set with MuPDF's Story: flowing text, steps, warnings, tables, labelled drawings."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pymupdf
from PIL import Image

from scripts.samples import fonts
from scripts.samples.canvas import rgb

ACCENT = "#1f6f68"
INK = "#1d2b33"
SOFT = "#66767e"
RULE = "#c9d3d2"
CALLOUTS = {
    "warning": ("#c2571a", "#fdf1e7"),
    "danger": ("#b3261e", "#fbeae8"),
    "note": (ACCENT, "#eaf3f1"),
}
CSS = """
* { font-family: book; }
body { margin: 0; font-size: %(size)spt; line-height: %(leading)s; color: #1d2b33; }
p { margin: 0; %(paragraph)s }
h1 { margin: 0; font-size: 20pt; line-height: 1.2; color: #1f6f68; }
h2 { margin: 0; font-size: 12.5pt; line-height: 1.3; color: #1d2b33; }
h3 { margin: 0; font-size: 10pt; line-height: 1.3; color: #1f6f68; }
ol, ul { margin: 0; padding-left: 15pt; }
li { margin-bottom: 3pt; }
"""

Drawing = Callable[[pymupdf.Page], None]


def colour(value: str) -> tuple[float, float, float]:
    """``#rrggbb`` as MuPDF's numbers in [0, 1]."""
    r, g, b = rgb(value)
    return (r / 255, g / 255, b / 255)


@dataclass
class _Page:
    blocks: list[tuple[pymupdf.Rect, str]] = field(default_factory=list)
    below: list[Drawing] = field(default_factory=list)
    links: list[tuple[tuple[float, float, float, float], int]] = field(default_factory=list)


class Booklet:
    """Pages filled from the top; `left`, `right` and `y` say where the next block goes.

    Attributes:
        y: Where the next block starts, in points from the top of the page.
    """

    def __init__(
        self,
        width: float,
        height: float,
        alphabet: str,
        size: float = 9.2,
        leading: float = 1.45,
        family: str = "Sans",
        justify: bool = False,
    ) -> None:
        self.width, self.height = width, height
        self.left, self.right, self.y = 38.0, width - 38.0, 44.0
        self._pages: list[_Page] = []
        self._outline: list[tuple[int, str, int, float]] = []
        self._archive = pymupdf.Archive()
        css = ""
        for weight in ("Regular", "Bold"):
            self._archive.add(fonts.subset_font(family, weight, alphabet), f"{weight}.otf")
            bold = "font-weight: bold;" if weight == "Bold" else ""
            css += f"@font-face {{ font-family: book; {bold} src: url({weight}.otf); }}\n"
        self._css = css + CSS % {
            "size": size,
            "leading": leading,
            "paragraph": "text-align: justify;" if justify else "",
        }

    @property
    def page_number(self) -> int:
        """The number of the page being filled, from 1."""
        return len(self._pages)

    def new_page(self, top: float = 44.0) -> None:
        """Start a page."""
        self._pages.append(_Page())
        self.y = top

    def below(self, drawing: Drawing) -> None:
        """Draw under the page's text."""
        self._pages[-1].below.append(drawing)

    def link(self, box: tuple[float, float, float, float], page_number: int) -> None:
        """A link from `box` to the top of a page, from 1."""
        self._pages[-1].links.append((box, page_number))

    def outline(self, level: int, text: str) -> None:
        """An entry of the outline that points to here."""
        self._outline.append((level, text, self.page_number, self.y))

    def place(self, box: tuple[float, float, float, float], html: str) -> float:
        """Set `html` into `box` and return the height it takes, in points."""
        rect = pymupdf.Rect(box)
        story = pymupdf.Story(html, user_css=self._css, archive=self._archive)
        more, filled = story.place(pymupdf.Rect(rect.x0, rect.y0, rect.x1, 5000))
        if more or filled[3] > rect.y1 + 0.5:
            raise ValueError(f"page {self.page_number}: no room in {box} for {html[:60]!r}")
        self._pages[-1].blocks.append((rect, html))
        return float(filled[3] - rect.y0)

    def html(self, html: str, gap: float = 7.0) -> None:
        """A block of text over the whole width."""
        self.y += self.place((self.left, self.y, self.right, self.height - 30), html) + gap

    def heading(self, level: int, text: str, gap: float = 6.0) -> None:
        """A heading, also in the outline."""
        if level == 2:
            self.y += 5
        self.outline(level, text)
        self.html(f"<h{level}>{text}</h{level}>", gap)
        if level == 1:
            y = self.y
            self.below(
                lambda page: page.draw_rect(
                    (self.left, y - 2, self.left + 46, y + 0.4), fill=colour(ACCENT), width=0
                )
            )
            self.y += 12

    def steps(self, items: Sequence[str], gap: float = 9.0) -> None:
        """A numbered list."""
        self.html("<ol>" + "".join(f"<li>{item}</li>" for item in items) + "</ol>", gap)

    def bullets(self, items: Sequence[str], gap: float = 9.0) -> None:
        """A list."""
        self.html("<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>", gap)

    def callout(self, kind: str, title: str, text: str) -> None:
        """A warning, danger or note in its coloured frame."""
        bar, ground = CALLOUTS[kind]
        top = self.y
        html = f'<p style="color:{bar}"><b>{title}</b></p><p>{text}</p>'
        height = self.place((self.left + 14, top + 7, self.right - 10, self.height - 30), html)
        left, right, bottom = self.left, self.right, top + height + 15

        def draw(page: pymupdf.Page) -> None:
            page.draw_rect((left, top, right, bottom), fill=colour(ground), width=0, radius=0.04)
            page.draw_rect((left, top, left + 4, bottom), fill=colour(bar), width=0)

        self.below(draw)
        self.y = bottom + 10

    def table(self, rows: Sequence[Sequence[str]], shares: Sequence[float], pad: float = 4) -> None:
        """A table with a header row; `shares` are the columns' parts of the width."""
        total = sum(shares)
        edges = [self.left]
        for share in shares:
            edges.append(edges[-1] + (self.right - self.left) * share / total)
        top, lines = self.y, [self.y]
        for i, row in enumerate(rows):
            heights = [
                self.place(
                    (edges[k] + 5, self.y + pad, edges[k + 1] - 4, self.height - 30),
                    f'<p style="color:#ffffff;text-align:left"><b>{cell}</b></p>'
                    if i == 0
                    else f'<p style="text-align:left">{cell}</p>',
                )
                for k, cell in enumerate(row)
            ]
            self.y += max(heights) + 2 * pad
            lines.append(self.y)
        left, right = self.left, self.right

        def draw(page: pymupdf.Page) -> None:
            page.draw_rect((left, top, right, lines[1]), fill=colour(ACCENT), width=0)
            for k in range(2, len(lines) - 1, 2):
                page.draw_rect(
                    (left, lines[k], right, lines[k + 1]), fill=colour("#f1f6f5"), width=0
                )
            for y in lines:
                page.draw_line((left, y), (right, y), color=colour(RULE), width=0.6)
            for x in edges:
                page.draw_line((x, top), (x, lines[-1]), color=colour(RULE), width=0.6)

        self.below(draw)
        self.y += 12

    def label(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 7.5,
        align: str = "left",
        ink: str = INK,
        bold: bool = False,
        width: float = 160,
    ) -> None:
        """A line of small text whose middle height is `y`, aligned at `x`."""
        start = {"left": x, "center": x - width / 2, "right": x - width}[align]
        text = f"<b>{text}</b>" if bold else text
        style = f"font-size:{size}pt;line-height:1.2;text-align:{align};color:{ink}"
        html = f'<p style="{style}">{text}</p>'
        n_lines = text.count("<br>") + 1
        self.place((start, y - size * 0.62 * n_lines, start + width, y + size * 5), html)

    def picture(
        self, box: tuple[float, float, float, float], picture: Image.Image, width_px: int = 900
    ) -> None:
        """A picture as JPEG, filling `box`."""
        small = picture.resize((width_px, round(width_px * picture.height / picture.width)))
        data = io.BytesIO()
        small.convert("RGB").save(data, "JPEG", quality=84)
        self.below(lambda page: page.insert_image(box, stream=data.getvalue()))

    def save(
        self, path: Path, title: str, author: str, date: str, footer: str, plain: Sequence[int] = ()
    ) -> None:
        """Write the PDF.

        Args:
            date: As PDF has it, ``D:20260302090000Z``.
            footer: At the foot of every page but those in `plain`, beside its number.
            plain: Pages without a footer, from 1.
        """
        for number in range(1, len(self._pages) + 1):
            if number not in plain:
                self._foot(number, footer)
        buffer = io.BytesIO()
        writer = pymupdf.DocumentWriter(buffer)
        for page in self._pages:
            device = writer.begin_page(pymupdf.Rect(0, 0, self.width, self.height))
            for rect, html in page.blocks:
                story = pymupdf.Story(html, user_css=self._css, archive=self._archive)
                story.place(pymupdf.Rect(rect.x0, rect.y0, rect.x1, 5000))
                story.draw(device)
            writer.end_page()
        writer.close()
        with pymupdf.open("pdf", buffer.getvalue()) as text, pymupdf.open() as document:
            for number, content in enumerate(self._pages):
                page = document.new_page(width=self.width, height=self.height)
                for drawing in content.below:
                    drawing(page)
                if content.blocks:
                    page.show_pdf_page(page.rect, text, number)
            for number, content in enumerate(self._pages):
                for box, target in content.links:
                    document[number].insert_link(
                        {
                            "kind": pymupdf.LINK_GOTO,
                            "from": pymupdf.Rect(box),
                            "page": target - 1,
                            "to": pymupdf.Point(0, 0),
                        }
                    )
            document.set_toc(
                [
                    [level, heading, number, {"kind": pymupdf.LINK_GOTO, "to": pymupdf.Point(0, y)}]
                    for level, heading, number, y in self._outline
                ]
            )
            document.set_metadata(
                {"title": title, "author": author, "creationDate": date, "modDate": date}
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            document.save(
                path,
                garbage=4,
                deflate=True,
                deflate_fonts=True,
                clean=True,
                use_objstms=1,
                no_new_id=True,
            )

    def _foot(self, number: int, footer: str) -> None:
        page, y = self._pages[number - 1], self.height - 24
        small = f'style="font-size:7pt;color:{SOFT};text-align:%s"'
        page.blocks.append(
            (pymupdf.Rect(38, y, self.width - 38, y + 14), f"<p {small % 'left'}>{footer}</p>")
        )
        page.blocks.append(
            (pymupdf.Rect(38, y, self.width - 38, y + 14), f"<p {small % 'right'}>{number}</p>")
        )
