"""PowerPoint files as Markdown by slide.

MarkItDown reads texts, pictures and notes; charts, tables, diagrams and comments are read here.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ingest.parsers.html.table import markdown_table
from ingest.parsers.office.drawings import chart_rows, chart_title, diagram_texts
from ingest.parsers.office.xml import R, read_part, relationships

__all__ = ["Slide", "slides"]

_PRESENTATION = "ppt/presentation.xml"
_SLIDE = re.compile(r"<!-- Slide number: (\d{1,5}) -->")
_MAX_COMMENTS = 1000


@dataclass(frozen=True, slots=True)
class Slide:
    """A slide: its number from 1, its Markdown, and what people noted at it."""

    number: int
    markdown: str
    remarks: tuple[str, ...]


def slides(data: bytes, warn: Callable[[str], None]) -> Iterator[Slide]:
    """The slides of a file in order.

    Args:
        data: The file.
        warn: Told what could not be read.

    Raises:
        Exception: Whatever python-pptx raises on a file that breaks the format.
    """
    # Imported late: it takes long, and a sync of unchanged files never needs it.
    from markitdown import StreamInfo
    from markitdown.converters import PptxConverter

    class Converter(PptxConverter):  # type: ignore[misc]
        """Its own charts have no points but the categories', and its tables no merged cells."""

        def _convert_chart_to_markdown(self, chart: Any) -> str:
            root = chart.part._element
            title, rows = chart_title(root), chart_rows(root)
            if not rows:
                warn("A chart in it keeps no values that can be read.")
            head = f"\n\n**{title}**" if title else ""
            return f"{head}\n\n{markdown_table(rows)}\n\n" if rows else f"{head}\n\n"

        def _convert_table_to_markdown(self, table: Any, **_: Any) -> str:
            rows = [[" ".join(cell.text.split()) for cell in row.cells] for row in table.rows]
            for i, row in enumerate(table.rows):
                for j, cell in enumerate(row.cells):
                    for below in range(i + 1, i + cell.span_height if cell.is_merge_origin else 0):
                        rows[below][j] = rows[i][j]
            return f"\n\n{markdown_table(rows)}\n\n"

    about = StreamInfo(extension=".pptx")
    result = Converter().convert(io.BytesIO(data), about, keep_data_uris=True)
    parts = _SLIDE.split(str(result.markdown))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = _names(archive)
        authors = _authors(archive)
        for number, text in zip(map(int, parts[1::2]), parts[2::2], strict=True):
            name = names[number - 1] if number <= len(names) else ""
            related = list(relationships(archive, name).values()) if name else []
            said: list[str] = []
            for kind, target in related:
                root = read_part(archive, target) if kind == "diagramData" else None
                said += diagram_texts(root) if root is not None else ()
            shown = "\n".join(f"- {line}" for line in said)
            remarks = [
                remark
                for kind, target in related
                if kind == "comments"
                for remark in _comments(archive, target, authors)
            ]
            text = f"{text.rstrip()}\n\n{shown}" if shown else text
            yield Slide(number, text, tuple(remarks[:_MAX_COMMENTS]))


def _names(archive: zipfile.ZipFile) -> list[str]:
    """The parts of the slides in their order."""
    root = read_part(archive, _PRESENTATION)
    targets = relationships(archive, _PRESENTATION)
    ids = [] if root is None else [one.get(f"{R}id", "") for one in root.iter("{*}sldId")]
    return [targets.get(which, ("", ""))[1] for which in ids]


def _authors(archive: zipfile.ZipFile) -> dict[str, str]:
    """By id the names of those who wrote comments, in either form of them."""
    authors: dict[str, str] = {}
    for name in ("ppt/commentAuthors.xml", "ppt/authors.xml"):
        root = read_part(archive, name)
        for one in () if root is None else root.iter("{*}cmAuthor", "{*}author"):
            authors[one.get("id", "")] = " ".join(one.get("name", "").split())
    return authors


def _comments(archive: zipfile.ZipFile, name: str, authors: dict[str, str]) -> Iterator[str]:
    root = read_part(archive, name)
    for one in () if root is None else root.iter("{*}cm", "{*}reply"):
        # Below a comment stand its replies, which come in their turn.
        parts = [
            part.text or ""
            for part in one.iter("{*}text", "{*}t")
            if next(part.iterancestors("{*}cm", "{*}reply"), None) is one
        ]
        said = " ".join(" ".join(parts).split())
        author = authors.get(one.get("authorId", ""), "")
        if said:
            yield f"Comment{f' by {author}' if author else ''}: {said}"
