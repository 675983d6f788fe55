"""What shaped a document's chunks: a change of it has the document read again."""

from __future__ import annotations

import hashlib

from ingest.chunk.chunker import Chunker
from ingest.parsers import all_parsers
from ingest.parsers.base import Parser
from ingest.parsers.mail import MailParser
from ingest.parsers.video.parser import VideoParser
from ingest.tables import TABLES_FINGERPRINT
from kb.config import IngestConfig
from kb.types import Kind

__all__ = ["document_fingerprint", "failure_fingerprint"]

_CHUNKED = frozenset(Kind) - {Kind.IMAGE, Kind.VIDEO}
_LISTENED_TO = frozenset({Kind.VIDEO, Kind.AUDIO})
_READ_BY_OCR = frozenset({Kind.PDF, Kind.EBOOK, Kind.IMAGE, Kind.VIDEO})


def document_fingerprint(parser: Parser, kind: Kind, config: IngestConfig) -> str:
    """Parser and version with those settings that change what it makes of a `kind`."""
    parts = [f"{type(parser).__name__}/{parser.version}"]
    if kind is Kind.VIDEO and not isinstance(parser, VideoParser):
        # A GIF that is a clip: the picture parser hands it on.
        parts.append(f"VideoParser/{VideoParser.version}")
    if kind in _CHUNKED:
        parts += [Chunker(config.chunking).fingerprint, TABLES_FINGERPRINT]
    if kind in _READ_BY_OCR:
        parts.append(config.ocr.model_dump_json())
    if isinstance(parser, MailParser):
        # What is attached is read by any of them.
        parts += [f"{type(one).__name__}/{one.version}" for one in all_parsers()]
        parts += [config.ocr.model_dump_json(), config.video.model_dump_json(), _sound(config)]
    if kind is Kind.VIDEO:
        parts.append(config.video.model_dump_json())
    if kind in _LISTENED_TO:
        parts.append(_sound(config))
    return "|".join(parts)


def _sound(config: IngestConfig) -> str:
    return f"sound:{config.sound.model if config.sound.enabled else None}"


def failure_fingerprint(parser: Parser | None, config: IngestConfig) -> str:
    """What a failed file is tried again for: another parser version, or any other setting
    of ingest (a password, a limit)."""
    settings = hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]
    return f"failed|{type(parser).__name__}/{parser.version if parser else 0}|{settings}"
