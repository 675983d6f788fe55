"""Rows of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pydantic import TypeAdapter

from kb.types import Chunk, Document, ImageRef

__all__ = [
    "CHUNK_BODY",
    "COMPANIONS",
    "Companion",
    "DocumentRecord",
    "DocumentStatus",
    "PathRecord",
    "Shared",
    "Stale",
    "Standing",
]


class DocumentStatus(StrEnum):
    """How well a document was read."""

    INDEXED = "indexed"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that is part of another's content, as it was when that was read.

    Attributes:
        size_bytes: None where the file was not there.
        mtime_ns: Likewise.
    """

    path: str
    size_bytes: int | None
    mtime_ns: int | None


class PathRecord(NamedTuple):
    """One file as it was last seen. A tuple, since a scan makes one for every file.

    Attributes:
        root: Absolute folder.
        path: Relative to `root`, with forward slashes.
        sha256: Its document; None where the file could not be read.
        seen_ns: When it was hashed, nanoseconds since the epoch.
        reason: Why it could not be read.
    """

    root: str
    path: str
    sha256: str | None
    size_bytes: int
    mtime_ns: int
    seen_ns: int
    companions: tuple[Companion, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document with how it was read.

    Attributes:
        fingerprint: Parser version and the configuration that shaped its chunks.
        reason: Why it is PARTIAL or FAILED.
    """

    document: Document
    fingerprint: str
    status: DocumentStatus
    reason: str = ""


class Shared(NamedTuple):
    """What many documents have in common; plain strings for speed."""

    media_type: str
    kind: str
    status: str
    fingerprint: str


class Standing(NamedTuple):
    """How a document stands, as far as a scan needs to know."""

    shared: Shared
    n_chunks: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stale:
    """What a transaction left without use.

    Attributes:
        point_ids: Chunks that no longer answer; delete them from the store, then `settle`.
        assets: Pictures that a document no longer shows; another may.
    """

    point_ids: tuple[str, ...]
    assets: tuple[ImageRef, ...]


CHUNK_BODY = TypeAdapter(Chunk)
"""What stands in ``chunks.body``, as JSON."""

COMPANIONS = TypeAdapter(tuple[Companion, ...])
"""What stands in ``paths.companions``, as JSON."""
