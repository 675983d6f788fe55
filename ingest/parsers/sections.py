"""Sections of a document with headings: what HTML, Markdown and office files share."""

from __future__ import annotations

import re
from dataclasses import replace

from kb.types import Locator, Modality, Segment

__all__ = ["SectionWriter", "slug"]

# A page without headings is one section; handing it on in parts bounds memory.
_MAX_SECTION_CHARS = 20_000
# A heading stands before the text of each chunk below it. A longer one is a text as well.
_MAX_HEADING_CHARS = 300
_NOT_IN_SLUG = re.compile(r"[^\w\- ]+")


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes them: lower case, hyphens for blanks."""
    return "-".join(_NOT_IN_SLUG.sub("", heading.lower()).split())[:80]


class SectionWriter:
    """Collects blocks under a path of headings; `take` hands over finished segments."""

    def __init__(self, title: str, page: int | None = None) -> None:
        self._title = title
        self._page = page
        self._path: list[tuple[int, str]] = []
        self._anchor: str | None = None
        self._anchors: dict[str, int] = {}
        self._blocks: list[tuple[str, bool]] = []
        self._n_chars = 0
        self._heading_is_alone = False
        self._behind: list[Segment] = []
        self._ready: list[Segment] = []

    @property
    def title(self) -> str:
        """The document's title."""
        return self._title

    @property
    def headings(self) -> tuple[str, ...]:
        """The heading path, outermost first."""
        return tuple(text for _, text in self._path)

    @property
    def locator(self) -> Locator:
        """The place of the section that is being written."""
        return Locator(page=self._page, anchor=self._anchor)

    def start_page(self, page: int) -> None:
        """Begin a slide or sheet: its headings start anew."""
        self.close()
        self._page = page
        self._path.clear()
        self._anchor = None

    def heading(self, level: int, text: str, anchor: str | None = None) -> None:
        """Begin a section; `anchor` is its id in the document, else it is made of `text`."""
        goes_deeper = bool(self._path) and level > self._path[-1][0]
        self.close(keep_lone_heading=goes_deeper)
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, text[:_MAX_HEADING_CHARS]))
        self._anchor = self._unique(anchor or slug(text) or "section")
        self._heading_is_alone = True
        if len(text) > _MAX_HEADING_CHARS:
            self.block(text)

    def block(self, text: str, *, tight: bool = False) -> None:
        """Add a paragraph, an item of a list (`tight`: no empty line between two of them), or
        a code block."""
        if not text.strip():
            return
        if self._n_chars > _MAX_SECTION_CHARS:
            self._close_text()
        self._blocks.append((text, tight))
        self._n_chars += len(text)
        self._heading_is_alone = False

    def atomic(self, text: str) -> None:
        """Add what must not be cut, a table, as a segment of its own."""
        if not text.strip():
            return
        self._close_text()
        self._heading_is_alone = False
        self._ready.append(replace(self._segment(text), atomic=True))

    def picture(self, segment: Segment | None) -> None:
        """Add a picture; it comes after the section's text, which it does not cut."""
        if segment is not None:
            self._behind.append(segment)
            self._heading_is_alone = False

    def remark(self, text: str) -> None:
        """Add what somebody says of the section, as a segment of its own behind it."""
        if text.strip():
            self._behind.append(replace(self._segment(text), atomic=True))
            self._heading_is_alone = False

    def close(self, *, keep_lone_heading: bool = False) -> None:
        """Finish the section. A heading with nothing below it becomes a text itself, unless
        a deeper heading follows and carries it in its path (`keep_lone_heading`)."""
        if self._heading_is_alone and not keep_lone_heading:
            self._ready.append(self._segment(self._path[-1][1]))
        self._heading_is_alone = False
        self._close_text()
        self._ready += self._behind
        self._behind = []

    def take(self) -> list[Segment]:
        """Finished segments, each handed over once."""
        ready, self._ready = self._ready, []
        return ready

    def _close_text(self) -> None:
        parts: list[str] = []
        for i, (text, tight) in enumerate(self._blocks):
            if i:
                parts.append("\n" if tight and self._blocks[i - 1][1] else "\n\n")
            parts.append(text)
        if parts:
            self._ready.append(self._segment("".join(parts)))
        self._blocks, self._n_chars = [], 0

    def _segment(self, text: str) -> Segment:
        return Segment(Modality.TEXT, self.locator, text, self._title, self.headings)

    def _unique(self, anchor: str) -> str:
        candidate = anchor
        while candidate in self._anchors:
            # From where the last one of this name left off.
            self._anchors[anchor] += 1
            candidate = f"{anchor}-{self._anchors[anchor]}"
        self._anchors[candidate] = 1
        return candidate
