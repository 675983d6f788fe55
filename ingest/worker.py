"""Parsing one file, as it runs in a worker process.

Native decoders can hang while they hold the GIL, eat memory, or crash: in a process of its
own a file can do no more than fail.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter

from ingest.chunk import Chunker
from ingest.ocr import OcrReader
from ingest.parsers import parser_for
from ingest.parsers.base import OcrText, ParseContext
from ingest.rendered import RenderedImage
from kb.assets import AssetStore
from kb.config import IngestConfig
from kb.errors import (
    IngestError,
    ModelError,
    ParseError,
    ParseTimeoutError,
    SourceUnavailableError,
    UnsupportedMediaError,
)
from kb.protocols import Float32Array, PictureEncoder
from kb.types import Chunk, EncodedImage, FrameRef, Segment, Source, chunk_id

__all__ = ["ParsedFile", "WorkerSettings", "initialise_worker", "parse_file"]


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker process needs, given once when it starts.

    Attributes:
        assets: The folder of the asset store.
        pictures: What describes the pictures of chunks; None where nothing does.
        ocr_cache: The folder of what OCR has read.
        n_threads: Threads that native code may use in this process.
    """

    config: IngestConfig
    assets: Path
    pictures: PictureEncoder | None
    ocr_cache: Path
    n_threads: int


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a file became.

    Attributes:
        pictures: For each chunk with pictures, by its id, the rows that
            `PictureEncoder.encode_chunk` gives.
        warnings: What could not be read while the rest could.
        date_ns: When a picture was taken, nanoseconds since the epoch.
    """

    chunks: tuple[Chunk, ...]
    pictures: dict[str, Float32Array]
    title: str
    warnings: tuple[str, ...] = ()
    date_ns: int | None = None

    def __reduce__(self) -> tuple[object, ...]:
        # A page has dozens of places: as JSON they travel in a third of the time.
        rest = (self.pictures, self.title, self.warnings, self.date_ns)
        return (_rebuild_parsed_file, (_CHUNKS.dump_json(self.chunks), *rest))


_CHUNKS = TypeAdapter(tuple[Chunk, ...])


def _rebuild_parsed_file(
    chunks: bytes,
    pictures: dict[str, Float32Array],
    title: str,
    warnings: tuple[str, ...],
    date_ns: int | None,
) -> ParsedFile:
    return ParsedFile(_CHUNKS.validate_json(chunks), pictures, title, warnings, date_ns)


_OUT_OF_MEMORY = re.compile(
    r"cannot allocate|malloc|bad_alloc|(?:out of|insufficient|not enough) memory", re.IGNORECASE
)
_settings: WorkerSettings | None = None
_ocr: OcrReader | None = None


def initialise_worker(settings: WorkerSettings) -> None:
    """Set the process's limits, and keep `settings` for `parse_file`."""
    global _settings, _ocr
    _settings = settings
    _ocr = None
    if settings.config.ocr.enabled:
        _ocr = OcrReader(settings.ocr_cache, settings.config.ocr, settings.n_threads)
    if settings.pictures is not None:
        import cv2

        cv2.setNumThreads(settings.n_threads)
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (settings.config.memory_limit_bytes, hard))
        # The user's own work comes first.
        os.nice(5)


def parse_file(source: Source, fingerprint: str) -> ParsedFile:
    """Parse, chunk and store the pictures of one file.

    Args:
        source: The file.
        fingerprint: Goes into the chunks' ids.

    Raises:
        IngestError: The file can't be read; the message says why and what to do.
    """
    assert _settings is not None
    parser = parser_for(source.media_type)
    if parser is None:
        raise UnsupportedMediaError(
            f"No parser reads {source.media_type}. Convert the file to PDF, a common picture or "
            "video format, HTML, Markdown or text.",
            source=source.path,
        )
    warnings: list[str] = []
    context = ParseContext(
        config=_settings.config,
        read_words=partial(_read_words, _ocr, warnings) if _ocr else None,
        warn=warnings.append,
    )
    chunker = Chunker(_settings.config.chunking)
    assets = AssetStore(_settings.assets)
    chunks: list[Chunk] = []
    pictures: dict[str, Float32Array] = {}
    title = ""
    try:
        for segment in chunker.split(parser.parse(source, context)):
            title = title or segment.title
            chunk = _to_chunk(segment, source, len(chunks), fingerprint, assets)
            chunks.append(chunk)
            if _settings.pictures is not None and chunk.pictures:
                # Here, where its pixels may be at hand, and by as many cores as there are.
                drawn = segment.image.pixels if isinstance(segment.image, RenderedImage) else None
                pictures[chunk.id] = _settings.pictures.encode_chunk(chunk, drawn)
    except IngestError as error:
        error.source = source.path
        raise
    except MemoryError as error:
        raise _out_of_memory(source) from error
    except OSError as error:
        raise _io_error(error, source) from error
    except Exception as error:
        # Native libraries tell of it in words, under types of their own.
        if _OUT_OF_MEMORY.search(str(error)):
            raise _out_of_memory(source) from error
        raise
    if not chunks:
        raise ParseError(
            "Nothing was found in the file to index: it holds no text and no pictures.",
            source=source.path,
        )
    return ParsedFile(
        tuple(chunks), pictures, title, tuple(dict.fromkeys(warnings)), _date_ns(source)
    )


def _read_words(ocr: OcrReader, warnings: list[str], image: EncodedImage) -> OcrText:
    try:
        return ocr.read_words(image)
    except ModelError as error:
        warnings.append(f"The words in its pictures could not be read: {error}")
        return OcrText("", ())


def _out_of_memory(source: Source) -> ParseTimeoutError:
    assert _settings is not None
    return ParseTimeoutError(
        f"Reading the file took more than {_settings.config.memory_limit_bytes:,} bytes of memory "
        "and was stopped. Split the file or make it smaller, or raise "
        "`ingest.memory_limit_bytes` in kb.yaml.",
        source=source.path,
    )


def _io_error(error: OSError, source: Source) -> IngestError:
    if isinstance(error, FileNotFoundError | PermissionError):
        return SourceUnavailableError(
            f"The file can't be read ({error.strerror}): it was moved or locked meanwhile. It "
            "will be read by the next sync.",
            source=source.path,
        )
    if error.errno == errno.ENOMEM:
        return _out_of_memory(source)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SourceUnavailableError(
            "The disk is full: there is no room for the file's pictures. Free some space on the "
            "disk that holds the index, then sync again.",
            source=source.path,
        )
    return SourceUnavailableError(
        f"Reading the file failed ({error.strerror}). Check the disk or the network drive, then "
        "sync again.",
        source=source.path,
    )


def _date_ns(source: Source) -> int | None:
    if not source.media_type.startswith("image/"):
        return None
    from ingest.parsers.image import capture_date_ns

    return capture_date_ns(source.absolute)


def _to_chunk(
    segment: Segment, source: Source, ordinal: int, fingerprint: str, assets: AssetStore
) -> Chunk:
    return Chunk(
        id=chunk_id(source.sha256, segment.locator, ordinal, fingerprint),
        document_sha256=source.sha256,
        ordinal=ordinal,
        kind=source.kind,
        modality=segment.modality,
        locator=segment.locator,
        text=segment.text,
        title=segment.title,
        headings=segment.headings,
        spans=segment.spans,
        image=assets.put(segment.image) if segment.image else None,
        frames=tuple(FrameRef(frame.time_s, assets.put(frame.image)) for frame in segment.frames),
    )
