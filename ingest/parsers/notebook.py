"""Jupyter notebooks: their Markdown, code and outputs as one text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ingest.parsers.base import ParseContext
from ingest.parsers.linked_pictures import PictureReader
from ingest.parsers.markdown import first_heading, write_markdown
from ingest.parsers.sections import SectionWriter
from ingest.parsers.text import read_text, title_from_name
from kb.errors import ParseError
from kb.types import Segment, Source

__all__ = ["NotebookParser"]

_MAX_OUTPUT_CHARS = 4000
_MAX_CELLS = 50_000
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
# What terminals take for colours.
_ESCAPES = re.compile(r"\x1b\[[0-9;]{0,30}[A-Za-z]")


class NotebookParser:
    """Sections under the headings of its Markdown cells; code and what it printed as blocks.

    https://nbformat.readthedocs.io/en/latest/format_description.html, versions 3 and 4.
    """

    version = 2
    media_types = frozenset({"application/x-ipynb+json"})

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The segments in reading order.

        Raises:
            ParseError: It is no notebook, or holds nothing.
            SourceTooLargeError: It has more than 256 MiB.
        """
        try:
            book = json.loads(read_text(source))
        except (json.JSONDecodeError, RecursionError) as error:
            raise ParseError(
                f"The notebook is not valid JSON ({error}). Open it in Jupyter and save it anew.",
                source=source.path,
            ) from error
        cells = _cells(book)
        if not cells:
            raise ParseError(
                "There are no cells in the notebook. Check that it was saved whole.",
                source=source.path,
            )
        if len(cells) > _MAX_CELLS:
            context.warn(f"Only the first {_MAX_CELLS:,} cells were read.")
        language = _language(book)
        parts = (part for cell in cells[:_MAX_CELLS] for part in _markdown(cell, language))
        text = "\n\n".join(part for part in parts if part.strip())
        writer = SectionWriter(first_heading(text) or title_from_name(source.path))
        yield from write_markdown(text, writer, PictureReader(source, context))


def _cells(book: Any) -> list[dict[str, Any]]:
    if not isinstance(book, dict):
        return []
    cells = book.get("cells")
    if not isinstance(cells, list):
        # Version 3.
        sheets = book.get("worksheets")
        sheets = (
            [one for one in sheets if isinstance(one, dict)] if isinstance(sheets, list) else []
        )
        cells = [cell for sheet in sheets for cell in sheet.get("cells", ())]
    return [cell for cell in cells if isinstance(cell, dict)]


def _language(book: dict[str, Any]) -> str:
    about = book.get("metadata")
    spec = about.get("kernelspec") if isinstance(about, dict) else None
    name = spec.get("language") if isinstance(spec, dict) else None
    return name if isinstance(name, str) and name.isalnum() else ""


def _markdown(cell: dict[str, Any], language: str) -> Iterator[str]:
    kind = cell.get("cell_type")
    text = _joined(cell.get("source", cell.get("input")))
    if kind == "heading":
        level = cell.get("level")
        depth = level if isinstance(level, int) and 1 <= level <= 6 else 1
        yield f"{'#' * depth} {' '.join(text.split())}"
    elif kind == "code":
        yield _fenced(text, language)
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict):
                yield from _output(output)
    else:
        attached = cell.get("attachments")
        for name, data in attached.items() if isinstance(attached, dict) else ():
            text = text.replace(f"attachment:{name}", _picture(data) or name)
        yield text


def _output(output: dict[str, Any]) -> Iterator[str]:
    data = output.get("data", output)
    data = data if isinstance(data, dict) else {}
    if output.get("output_type") == "stream":
        shown = _joined(output.get("text"))
    elif output.get("output_type") in ("error", "pyerr"):
        shown = f"{_joined(output.get('ename'))}: {_joined(output.get('evalue'))}"
    elif "text/markdown" in data:
        yield _joined(data["text/markdown"])[:_MAX_OUTPUT_CHARS]
        return
    else:
        shown = _joined(data.get("text/plain", data.get("text")))
    if shown.strip():
        yield _fenced(_ESCAPES.sub("", shown)[:_MAX_OUTPUT_CHARS], "")
    if address := _picture(data):
        yield f"![]({address})"


def _picture(data: Any) -> str:
    """A ``data:`` address of the first picture among forms of one output."""
    for kind in _PICTURES if isinstance(data, dict) else ():
        if isinstance(data.get(kind), str | list):
            return f"data:{kind};base64,{''.join(_joined(data[kind]).split())}"
    return ""


def _joined(text: Any) -> str:
    """A text, which may be a list of its lines."""
    if isinstance(text, list):
        return "".join(line for line in text if isinstance(line, str))
    return text if isinstance(text, str) else ""


def _fenced(code: str, language: str) -> str:
    code = code.strip("\n")
    fence = "```" if "```" not in code else "````"
    return f"{fence}{language}\n{code}\n{fence}" if code.strip() else ""
