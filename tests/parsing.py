"""What the parser tests share: a file on disk as a source, parsed with its warnings."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from ingest.parsers.base import OcrText, ParseContext, Parser
from kb.config import IngestConfig
from kb.types import EncodedImage, Kind, Segment, Source


def parse(
    parser: Parser,
    path: Path,
    media_type: str,
    *,
    companions: tuple[Path, ...] = (),
    root: Path | None = None,
    size_bytes: int | None = None,
    read_words: Callable[[EncodedImage], OcrText] | None = None,
) -> tuple[list[Segment], list[str]]:
    """The segments of a file and the warnings given meanwhile."""
    root = root or path.parent
    data = path.read_bytes()
    source = Source(
        root=root,
        path=path.relative_to(root).as_posix(),
        media_type=media_type,
        kind=Kind.TEXT,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data) if size_bytes is None else size_bytes,
        mtime_ns=path.stat().st_mtime_ns,
        companions=companions,
    )
    warnings: list[str] = []
    context = ParseContext(IngestConfig(), read_words, warnings.append)
    return list(parser.parse(source, context)), warnings


def png(colour: str = "red", width_px: int = 64, height_px: int = 48) -> bytes:
    """A PNG file of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (width_px, height_px), colour).save(buffer, "PNG")
    return buffer.getvalue()
