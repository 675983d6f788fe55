"""What reviewers wrote on the pages of a PDF: notes, and what they say of marked words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.parsers.pdf.mupdf import pymupdf
from ingest.parsers.pdf.opening import MUPDF_ERRORS
from ingest.parsers.pdf.text import PageText
from kb.types import Box

__all__ = ["remarks"]

_MAX_REMARKS = 1000
_MAX_CHARS = 4000
_MAX_QUOTED_CHARS = 300
_MARKS = frozenset(
    {
        pymupdf.PDF_ANNOT_HIGHLIGHT,
        pymupdf.PDF_ANNOT_UNDERLINE,
        pymupdf.PDF_ANNOT_SQUIGGLY,
        pymupdf.PDF_ANNOT_STRIKE_OUT,
    }
)
# What such an annotation says is drawn on the page, or belongs to another one.
_ELSEWHERE = frozenset({pymupdf.PDF_ANNOT_FREE_TEXT, pymupdf.PDF_ANNOT_POPUP})


def remarks(document: Any, text: PageText) -> Iterator[tuple[str, tuple[Box, ...]]]:
    """The text of each comment on a page with who wrote it and the words it is about, and where it
    stands, in points of the page as displayed.

    Args:
        document: The open PDF.
        text: Of the page.
    """
    if not document.is_pdf:
        return
    try:
        page = document[text.number - 1]
        if page.first_annot is None:
            return
        for _, annotation in zip(range(_MAX_REMARKS), page.annots(), strict=False):
            if annotation.type[0] in _ELSEWHERE:
                continue
            said = " ".join((annotation.info.get("content") or "").split())[:_MAX_CHARS]
            if not said:
                continue
            at = annotation.rect * page.rotation_matrix
            words = ""
            if annotation.type[0] in _MARKS:
                words = _marked(page, annotation)[:_MAX_QUOTED_CHARS]
            author = " ".join((annotation.info.get("title") or "").split())
            by = f" by {author}" if author else ""
            on = f" on “{words}”" if words else ""
            box = Box(*(round(x, 2) for x in (at.x0, at.y0, at.x1, at.y1)))
            yield f"Comment{by}{on}: {said}", (box,) if box.x1 > box.x0 and box.y1 > box.y0 else ()
    except MUPDF_ERRORS:
        # Damaged ones cost no text of the page.
        return


def _marked(page: Any, annotation: Any) -> str:
    """The words whose middle lies in one of the rectangles that an annotation marks."""
    points = annotation.vertices or []
    marked = [pymupdf.Quad(points[i : i + 4]).rect for i in range(0, len(points) - 3, 4)]
    return " ".join(
        word
        for x0, y0, x1, y1, word, *_ in page.get_text("words", sort=True)
        if any(pymupdf.Point((x0 + x1) / 2, (y0 + y1) / 2) in rect for rect in marked)
    )
