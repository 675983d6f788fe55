"""Parsing one file, as it runs in a worker process.

Native decoders can hang while they hold the GIL, eat memory, or crash: in a process of its
own a file can do no more than fail.
"""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ingest.chunk.chunker import Chunker
from ingest.clean import clean_locator, clean_span, clean_text
from ingest.content_dates import content_date_ns
from ingest.decode.ocr import OcrReader
from ingest.decode.rendered import RenderedImage
from ingest.decode.speech import SpeechReader
from ingest.failures import ParserBugError, is_of_one_file, out_of_time, told, unforeseen
from ingest.limits import MemoryLimit, limit_data, limits_of
from ingest.listening import Listener
from ingest.parsers import parser_for
from ingest.parsers.base import OcrText, ParseContext
from ingest.scan import check_place
from ingest.spool import Batches, Spool
from ingest.tables import TableReader
from kb.config import IngestConfig
from kb.errors import (
    IngestError,
    ModelError,
    ParseError,
    SourceTooLargeError,
    SourceUnavailableError,
    UnsupportedMediaError,
)
from kb.index.assets import AssetStore
from kb.index.tables import pack
from kb.protocols import Float32Array, PictureEncoder
from kb.types import Chunk, EncodedImage, FrameRef, Segment, Source, chunk_id

__all__ = [
    "ParsedFile",
    "WorkerSettings",
    "initialise_worker",
    "parse_file",
    "read_file",
    "unpack",
]


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker process needs, given once when it starts.

    Attributes:
        assets: The folder of the asset store.
        pictures: What describes the pictures of chunks; None where nothing does.
        ocr_cache: The folder of what OCR has read.
        n_threads: Threads that native code may use in this process.
        spool: The folder of what is on its way from here; it is emptied after each sync.
        speech_cache: The folder of what was heard.
        models: Where `kb models pull` puts models.
    """

    config: IngestConfig
    assets: Path
    pictures: PictureEncoder | None
    ocr_cache: Path
    n_threads: int
    spool: Path
    speech_cache: Path
    models: Path


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a file became.

    Attributes:
        batches: Its chunks; for each with pictures, the rows that `PictureEncoder.encode_chunk`
            gives.
        warnings: What could not be read while the rest could.
        date_ns: When the content was made, as far as it tells, nanoseconds since the epoch.
        tables: Those in the chunks, typed, as `kb.index.tables.pack` gives them.
        report: The traceback of what ended the reading half-way, where nobody foresaw it.
    """

    batches: Batches
    title: str
    warnings: tuple[str, ...] = ()
    date_ns: int | None = None
    report: str = ""
    tables: tuple[bytes, ...] = ()


_NOTHING = "Nothing was found in the file to index: it holds no text and no pictures."

_settings: WorkerSettings | None = None
_ocr: OcrReader | None = None
_speech: SpeechReader | None = None
_is_worker = False


def initialise_worker(settings: WorkerSettings) -> None:
    """Set the process's limits, and keep `settings` for `parse_file`."""
    global _settings, _ocr, _speech, _is_worker
    _settings = settings
    _is_worker = True
    _ocr = _speech = None
    if settings.config.ocr.enabled:
        _ocr = OcrReader(settings.ocr_cache, settings.config.ocr, settings.n_threads)
    if settings.config.sound.enabled:
        _speech = SpeechReader(
            settings.speech_cache,
            settings.config.sound.model,
            settings.models,
            settings.n_threads,
        )
    if settings.pictures is not None:
        import cv2

        cv2.setNumThreads(settings.n_threads)
    # What parsers put aside is swept away with what is on its way, should this process be killed.
    settings.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.tempdir = str(settings.spool)
    # What a parser prints must not get into what the program prints.
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    limit_data(settings.config.memory_limit_bytes)
    if sys.platform == "linux":
        # The user's own work comes first.
        os.nice(5)


def read_file(source: Source, fingerprint: str) -> bytes:
    """`parse_file` for the pool of workers, which loses track of the others when a result
    can't be pickled or unpickled, and of itself when a parser ends the process.

    Returns:
        What `unpack` takes.
    """
    result: ParsedFile | IngestError
    try:
        result = parse_file(source, fingerprint)
    except IngestError as error:
        result = error
    except BaseException as error:
        result = unforeseen(error, source.path)
    try:
        return pickle.dumps(result)
    except Exception as error:
        return pickle.dumps(unforeseen(error, source.path))


def unpack(data: bytes) -> ParsedFile:
    """What `read_file` read.

    Raises:
        IngestError: The file can't be read.
    """
    # Our own worker wrote it.
    result = pickle.loads(data)  # noqa: S301
    if isinstance(result, IngestError):
        raise result
    assert isinstance(result, ParsedFile)
    return result


def parse_file(source: Source, fingerprint: str) -> ParsedFile:
    """Parse, chunk and store the pictures of one file. What was read before something went
    wrong is kept, and a warning says what did.

    Args:
        source: The file.
        fingerprint: Goes into the chunks' ids.

    Raises:
        IngestError: Nothing of the file can be read; the message says why and what to do.
    """
    assert _settings is not None
    spool = Spool(_settings.spool)
    try:
        return _parse(source, fingerprint, _settings, spool)
    except BaseException:
        spool.discard()
        raise


def _parse(source: Source, fingerprint: str, settings: WorkerSettings, spool: Spool) -> ParsedFile:
    parser = parser_for(source.media_type)
    if parser is None:
        raise UnsupportedMediaError(
            f"No parser reads {source.media_type}. Convert the file to PDF, a common picture or "
            "video format, HTML, Markdown or text.",
            source=source.path,
        )
    config = settings.config
    limits = limits_of(source.kind, source.size_bytes, config)
    memory = MemoryLimit(limits.memory_bytes, config.memory_limit_bytes if _is_worker else None)
    warnings = _left_out(source, config)
    bugs: list[ParserBugError] = []
    tables = TableReader()
    for reader in (_ocr, _speech):
        if reader is not None:
            reader.uses.begin(source.sha256)
    listener = None
    if _speech is not None:
        listener = Listener(_speech.hear, source, config, memory, warnings.append, settings.spool)
    context = ParseContext(
        config=config,
        read_words=partial(_read_words, _ocr, memory, bugs, warnings) if _ocr else None,
        warn=warnings.append,
        keep_record=tables.record,
        listen=listener.listen if listener else None,
    )
    chunker = Chunker(config.chunking)
    assets = AssetStore(settings.assets)
    title = ""
    errors: list[BaseException] = []
    place = _place(source, config)
    try:
        with memory.applied():
            segments = _until_error(
                lambda: parser.parse(source, context),
                errors,
                limits.time_s,
                source,
                config,
                lambda: listener.spent_s if listener else 0.0,
            )
            for segment in chunker.split(segments):
                title = title or clean_text(segment.title)
                chunk = _to_chunk(segment, source, spool.n_chunks, fingerprint, assets)
                tables.see(chunk)
                rows = None
                if settings.pictures is not None and chunk.pictures:
                    with memory.lifted():
                        rows = _describe(chunk, segment, settings.pictures, bugs)
                spool.add(chunk, rows)
    # A parser may ask for the end of the process, too.
    except BaseException as error:
        errors.append(error)
    if errors:
        failure = told(errors[0], source, limits, config)
        if not spool.n_chunks or isinstance(failure, SourceUnavailableError | SourceTooLargeError):
            raise failure from errors[0]
        if isinstance(failure, ParserBugError):
            bugs.append(failure)
            warnings.append("Only a part of the file was read.")
        else:
            warnings.append(f"Only a part of the file was read. {failure}")
    if _place(source, config) != place:
        raise SourceUnavailableError(
            "Another file was put into its place while it was read. It will be read by the next "
            "sync.",
            source=source.path,
        )
    if not spool.n_chunks:
        raise ParseError(
            " ".join([_NOTHING, *_left_out(source, config)]),
            source=source.path,
        )
    reasons = tuple(dict.fromkeys(clean_text(text) for text in (*warnings, *map(str, bugs))))
    report = bugs[0].report if bugs else ""
    packed = tuple(map(pack, tables.tables(source.sha256)))
    return ParsedFile(spool.finish(), title, reasons, content_date_ns(source), report, packed)


def _left_out(source: Source, config: IngestConfig) -> list[str]:
    """The warning of files beside it that are too large."""
    if not source.left_out:
        return []
    n_more = len(source.left_out) - 1
    more = f" and {n_more:,} more files" if n_more else ""
    return [
        f"{source.left_out[0].name}{more} beside it, which it shows, were left out: together with "
        f"what it shows before they have more than {config.max_file_bytes:,} bytes. Make them "
        "smaller, or raise `ingest.max_file_bytes` in kb.yaml and sync with `--retry`."
    ]


def _place(source: Source, config: IngestConfig) -> tuple[str, int, int, int]:
    """What tells whether the same file lies at the same place.

    Raises:
        SourceUnavailableError: None lies there, or one that may not be read.
    """
    about = check_place(source.absolute, source.root, follow_links=config.follow_links)
    # To move a file away and back changes the time of its inode.
    return os.path.realpath(source.absolute), about.st_dev, about.st_ino, about.st_ctime_ns


def _until_error(
    parse: Callable[[], Iterator[Segment]],
    errors: list[BaseException],
    limit_s: float,
    source: Source,
    config: IngestConfig,
    listened_s: Callable[[], float],
) -> Iterator[Segment]:
    """The segments that come before an error, which is put into `errors`: what holds them
    back, to cut them into chunks, lets them go when they end in order.

    Args:
        listened_s: Seconds that don't count: listening has a limit of its own.
    """
    end_s = time.monotonic() + limit_s
    try:
        for segment in parse():
            yield segment
            if time.monotonic() > end_s + listened_s():
                errors.append(out_of_time(limit_s, source, config))
                return
    except GeneratorExit:
        raise
    except BaseException as error:
        errors.append(error)


def _describe(
    chunk: Chunk, segment: Segment, encoder: PictureEncoder, bugs: list[ParserBugError]
) -> Float32Array:
    """What `PictureEncoder.encode_chunk` gives; no rows where it fails on these pictures."""
    # Here, where its pixels may be at hand, and by as many cores as there are.
    drawn = segment.image.pixels if isinstance(segment.image, RenderedImage) else None
    try:
        return encoder.encode_chunk(chunk, drawn)
    except Exception as error:
        if not is_of_one_file(error):
            raise
        bugs.append(unforeseen(error, "", "Describing a picture of"))
        return np.empty((0, 0), np.float32)


def _read_words(
    ocr: OcrReader,
    memory: MemoryLimit,
    bugs: list[ParserBugError],
    warnings: list[str],
    image: EncodedImage,
) -> OcrText:
    try:
        with memory.lifted():
            return ocr.read_words(image)
    except ModelError as error:
        warnings.append(f"The words in its pictures could not be read: {error}")
    except Exception as error:
        if not is_of_one_file(error):
            raise
        bugs.append(unforeseen(error, "", "Reading the words in a picture of"))
    return OcrText("", ())


def _to_chunk(
    segment: Segment, source: Source, ordinal: int, fingerprint: str, assets: AssetStore
) -> Chunk:
    locator = clean_locator(segment.locator)
    return Chunk(
        id=chunk_id(source.sha256, locator, ordinal, fingerprint),
        document_sha256=source.sha256,
        ordinal=ordinal,
        kind=source.kind,
        modality=segment.modality,
        locator=locator,
        text=clean_text(segment.text),
        title=clean_text(segment.title),
        headings=tuple(map(clean_text, segment.headings)),
        about=clean_text(segment.about),
        spans=tuple(map(clean_span, segment.spans)),
        image=assets.put(segment.image) if segment.image else None,
        frames=tuple(FrameRef(frame.time_s, assets.put(frame.image)) for frame in segment.frames),
    )
