"""What the line breaks of a chunk's text mean."""

from __future__ import annotations

from kb.text.sentences import Layout
from kb.types import Chunk, Kind, Modality

__all__ = ["layout"]


def layout(chunk: Chunk) -> Layout:
    """LINES for what was read in pictures or heard, RECORDS for data, else PROSE."""
    if chunk.modality is not Modality.TEXT or chunk.kind is Kind.AUDIO:
        return Layout.LINES
    return Layout.RECORDS if chunk.kind is Kind.DATA else Layout.PROSE
