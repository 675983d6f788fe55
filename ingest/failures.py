"""What is one file's failure, and what ends the sync: the one place that decides.

Whatever a file's content does to the code that reads, cuts, encodes or writes it is that
file's failure, foreseen or not; an error that was not foreseen is a bug as well, and is put
into the bug log with what is needed to mend it. The sync itself ends where no file is to
blame: the store, the ledger, a model or its server, the configuration, a full disk. What is
no `Exception` (Ctrl+C, the end of the process) always goes through.
"""

from __future__ import annotations

import errno
import logging
import os
import platform
import re
import traceback
from datetime import UTC, datetime
from pathlib import Path

from ingest.clean import clean_text
from ingest.limits import Limits
from kb.config import IngestConfig
from kb.errors import (
    IngestError,
    KnowledgeBaseError,
    ParseError,
    ParseTimeoutError,
    SourceUnavailableError,
    StoreError,
)
from kb.files import size_bytes
from kb.stopping import StoppedError
from kb.types import Source

__all__ = [
    "BugLog",
    "ParserBugError",
    "is_of_one_file",
    "is_out_of_memory",
    "of_the_machine",
    "out_of_time",
    "says_out_of_memory",
    "told",
    "unforeseen",
]

_log = logging.getLogger(__name__)

# The machine is to blame, whatever file was at hand.
_OF_THE_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EIO}
)
_OUT_OF_MEMORY = re.compile(
    r"cannot allocate|failed to map segment|[cm]alloc|bad_alloc"
    r"|(?:out of|insufficient|not enough) memory",
    re.IGNORECASE,
)
_MAX_MESSAGE_CHARS = 200
_MAX_REPORT_CHARS = 20_000
_MAX_LOG_BYTES = 4 * 1024 * 1024


class ParserBugError(ParseError):
    """A file's content met an error that nobody foresaw.

    Attributes:
        report: The traceback.
    """

    report: str = ""

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (str(self), self.source, self.report))


def _rebuild(message: str, source: str | None, report: str) -> ParserBugError:
    error = ParserBugError(message, source=source)
    error.report = report
    return error


def is_of_one_file(error: Exception) -> bool:
    """Whether an error that came up with a file at hand is that file's, so that the others
    go on without it."""
    if isinstance(error, KnowledgeBaseError):
        return isinstance(error, IngestError)
    if isinstance(error, StoppedError):
        return False
    return not (isinstance(error, OSError) and error.errno in _OF_THE_MACHINE)


def of_the_machine(error: Exception) -> KnowledgeBaseError:
    """What is raised of an error that is no single file's."""
    if isinstance(error, KnowledgeBaseError):
        return error
    return StoreError(
        f"The index could not be written ({error}). Check the disk that it lies on, and free some "
        "space on it, then sync again; nothing was lost."
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was no memory left."""
    if isinstance(error, MemoryError):
        return True
    # Native libraries tell of it in words, under types of their own.
    is_ours = isinstance(error, KnowledgeBaseError | OSError)
    return not is_ours and says_out_of_memory(str(error))


def says_out_of_memory(text: str) -> bool:
    """Whether the words of an error tell of lacking memory."""
    return _OUT_OF_MEMORY.search(text) is not None


def unforeseen(error: BaseException, source: str, doing: str = "Reading") -> ParserBugError:
    """The failure of a file with which something went wrong that no code expects.

    Args:
        source: The file, relative to its root.
        doing: What was being done with it.
    """
    told = " ".join(clean_text(f"{type(error).__name__}: {error}").split())
    if len(told) > _MAX_MESSAGE_CHARS:
        told = told[:_MAX_MESSAGE_CHARS] + "…"
    bug = ParserBugError(
        f"{doing} the file failed in a way that this program does not foresee ({told}). Save it "
        "anew or convert it to PDF, then sync again.",
        source=source,
    )
    bug.report = clean_text("".join(traceback.format_exception(error)))[-_MAX_REPORT_CHARS:]
    return bug


def told(error: BaseException, source: Source, limits: Limits, config: IngestConfig) -> IngestError:
    """What an error that ended the reading means to the person whose file it is."""
    if isinstance(error, IngestError):
        error.source = source.path
        return error
    if is_out_of_memory(error):
        return _out_of_memory(source, limits, config)
    if isinstance(error, RecursionError):
        return ParseError(
            "The file nests its parts too deep to be read. Flatten it, or save it as PDF.",
            source=source.path,
        )
    if isinstance(error, OSError):
        return _io_error(error, source, limits, config)
    return unforeseen(error, source.path)


def _share(is_share: bool, source: Source) -> str:
    return f", the limit for its kind and its {source.size_bytes:,} bytes," if is_share else ""


def out_of_time(limit_s: float, source: Source, config: IngestConfig) -> ParseTimeoutError:
    """The failure of a file that took too long."""
    share = _share(limit_s < config.time_limit_s, source)
    return ParseTimeoutError(
        f"Reading the file took more than {limit_s:g} s{share} and was stopped. Split the file, "
        "or raise `ingest.time_limit_s` in kb.yaml.",
        source=source.path,
    )


def _out_of_memory(source: Source, limits: Limits, config: IngestConfig) -> ParseTimeoutError:
    share = _share(limits.memory_bytes < config.memory_limit_bytes, source)
    return ParseTimeoutError(
        f"Reading the file took more than {limits.memory_bytes:,} bytes of memory{share} and was "
        "stopped. Split the file or make it smaller, or raise `ingest.memory_limit_bytes` in "
        "kb.yaml.",
        source=source.path,
    )


def _io_error(error: OSError, source: Source, limits: Limits, config: IngestConfig) -> IngestError:
    if isinstance(error, FileNotFoundError | PermissionError):
        return SourceUnavailableError(
            f"The file can't be read ({error.strerror}): it was moved or locked meanwhile. It "
            "will be read by the next sync.",
            source=source.path,
        )
    if error.errno == errno.ENOMEM:
        return _out_of_memory(source, limits, config)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SourceUnavailableError(
            "The disk is full: there is no room for the file's pictures. Free some space on the "
            "disk that holds the index, then sync again.",
            source=source.path,
        )
    if error.errno is None:
        # Raised by Python code about the content; the system's own errors have a number.
        return unforeseen(error, source.path)
    return SourceUnavailableError(
        f"Reading the file failed ({error.strerror}). Check the disk or the network drive, then "
        "sync again.",
        source=source.path,
    )


class BugLog:
    """Collects what whoever mends a bug has to know.

    Args:
        path: The file; it is begun anew when it has grown to some megabytes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def told(self, bug: ParserBugError) -> str:
        """The reason of a failure that nobody foresaw, once its report is written down."""
        return f"{bug} {self.add(bug.source or '', bug.report)}"

    def add(self, source: str, report: str) -> str:
        """Write a report down; returns a sentence that says where it is and what to do."""
        head = (
            f"== {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, Python {platform.python_version()}, "
            f"{platform.system()} {platform.machine()}\nfile: {clean_text(source)!r}\n"
        )
        try:
            is_full = (size_bytes(self._path) or 0) > _MAX_LOG_BYTES
            flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if is_full else os.O_APPEND)
            handle = os.open(self._path, flags, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as log:
                log.write(f"{head}{report}\n")
        except OSError as error:
            # Its place is the index, whose disk may be full: then the program's log must do.
            _log.error("%r met a bug; %s: %s\n%s", source, self._path, error.strerror, report)
            return "It is a bug: please report it with what the program's log says."
        _log.error("%r met a bug of this program; what to report is in %s", source, self._path)
        return f"It is a bug: please report it with the last entry of {self._path}."
