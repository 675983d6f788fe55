"""What files are, and which others belong to them: found out in worker processes.

A name says little about a file, so its first bytes are looked at, and the pictures that a page
shows are searched for in its text. Both run over bytes that anybody may have written: a file over
which they hang, crash or fill the memory is a file that failed.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future
from pathlib import Path
from typing import NamedTuple

from pebble import ProcessExpired

from ingest.decode.media import sniff
from ingest.failures import is_out_of_memory, unforeseen
from ingest.limits import MemoryLimit
from ingest.parsers import parser_for
from ingest.scan import Found, check_place, find_companions
from ingest.workers import Workers, broken
from kb.config import IngestConfig
from kb.errors import IngestError, ParseError, ParseTimeoutError, UnsupportedMediaError
from kb.index.ledger import Companion
from kb.types import Kind

__all__ = ["Look", "look_at", "look_at_all"]

_BATCH = 32
# A file takes a few milliseconds; a network drive may be slow, and a machine loaded.
_BATCH_S = 120.0
_FILE_S = 30.0
_FILE_BYTES = 512 * 1024 * 1024


class Look(NamedTuple):
    """What a file is.

    Attributes:
        companions: The files that are part of its content.
    """

    media_type: str
    kind: Kind
    companions: tuple[Companion, ...]


def look_at_all(
    founds: Sequence[Found], workers: Workers, config: IngestConfig
) -> list[Look | Exception]:
    """A look at every file, in order, or why there is none: IngestError or OSError."""
    workers.begin(len(founds))
    batches = [founds[start : start + _BATCH] for start in range(0, len(founds), _BATCH)]
    begun = [workers.schedule(look_at, (batch, config), _BATCH_S) for batch in batches]
    looks: list[Look | Exception] = []
    for batch, future in zip(batches, begun, strict=True):
        try:
            looks += pickle.loads(_result(future))  # noqa: S301 - our own worker wrote it
        except IngestError:
            # One of them is at fault, and which is not known.
            looks += [_alone(found, workers, config) for found in batch]
    return looks


def look_at(founds: Sequence[Found], config: IngestConfig) -> bytes:
    """In a worker: a pickled list of a `Look` or an exception for each file."""
    # What does not come back whole is asked for again, one by one.
    return pickle.dumps([_look(found, config) for found in founds])


def _look(found: Found, config: IngestConfig) -> Look | Exception:
    try:
        check_place(found.absolute, Path(found.root), follow_links=config.follow_links)
        with MemoryLimit(_FILE_BYTES, config.memory_limit_bytes).applied():
            media = sniff(found.absolute)
            if media is None or parser_for(media[0]) is None:
                return UnsupportedMediaError(
                    "This kind of file is not supported. Convert it to PDF, a common picture or "
                    "video format, HTML, Markdown, text, docx, pptx, xlsx, odt or eml; or add its "
                    "name to `ingest.ignore` in kb.yaml.",
                    source=found.path,
                )
            return Look(*media, find_companions(found))
    except (IngestError, OSError) as error:
        return error
    except Exception as error:
        if is_out_of_memory(error):
            return ParseError(
                "To see what kind of file it is took more than 512 MiB of memory. It is damaged, "
                "or made to fill the memory, and was not read: save it anew, then sync again.",
                source=found.path,
            )
        return unforeseen(error, found.path, "Looking at")


def _alone(found: Found, workers: Workers, config: IngestConfig) -> Look | Exception:
    try:
        (look,) = pickle.loads(  # noqa: S301 - our own worker wrote it
            _result(workers.schedule(look_at, ([found], config), _FILE_S))
        )
    except IngestError as error:
        error.source = found.path
        return error
    assert isinstance(look, Look | Exception)
    return look


def _result(future: Future[bytes]) -> bytes:
    """What a worker found.

    Raises:
        IngestError: It was ended, or crashed.
        KnowledgeBaseError: No worker can be started.
    """
    try:
        return future.result()
    except TimeoutError as error:
        raise ParseTimeoutError(
            f"To see what kind of file it is took more than {_FILE_S:.0f} s. It is damaged, or on "
            "a drive that does not answer: copy or save it anew, then sync again."
        ) from error
    except BrokenExecutor as error:
        raise broken() from error
    except (ProcessExpired, CancelledError) as error:
        raise ParseError(
            "The program that looked at the file crashed. Save the file anew or convert it to "
            "PDF, then sync again."
        ) from error
