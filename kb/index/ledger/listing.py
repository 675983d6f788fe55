"""The files of a ledger as people look through them: some of many, by status and by name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

__all__ = [
    "FileCount",
    "FileOrder",
    "FileQuery",
    "FileRow",
    "FolderCount",
    "count_files",
    "count_folders",
    "find_files",
]


class FileOrder(StrEnum):
    """What files are sorted by; those that are alike in it, by path."""

    NAME = "name"
    STATUS = "status"
    KIND = "kind"
    SIZE = "size"
    CHUNKS = "chunks"
    CHANGED = "changed"
    DATED = "dated"


@dataclass(frozen=True, slots=True)
class FileQuery:
    """Which files are looked for.

    Attributes:
        waiting: ``(root, path)`` of files that a running sync has still to read: those have the
            status ``waiting``, also where the ledger knows them as they were, or not at all.
        reading: The path of the one that it reads now; its status is ``indexing``.
        status: One of those, or of `DocumentStatus`; empty for any.
        kind: Of `Kind`; empty for any.
        name: What the path contains, whatever the case; empty for any.
        seen_from_ns: Not hashed before this, nanoseconds since the epoch: a file is when it is new
            or changed.
        seen_before_ns: Hashed before this; None sets no end.
        dated_from_ns: The content is not older than this, nanoseconds since the epoch; see
            `Document.date_ns`. None sets no start, and takes files that were not read, too.
        dated_before_ns: It is older than this; likewise.
        root: Its root; empty for any.
        folder: What the path begins with: a folder with a slash at its end; empty for any.
        order: What they are sorted by.
        is_descending: The last ones first.
    """

    waiting: Collection[tuple[str, str]] = ()
    reading: str = ""
    status: str = ""
    kind: str = ""
    name: str = ""
    seen_from_ns: int = 0
    seen_before_ns: int | None = None
    dated_from_ns: int | None = None
    dated_before_ns: int | None = None
    root: str = ""
    folder: str = ""
    order: FileOrder = FileOrder.NAME
    is_descending: bool = False


class FileRow(NamedTuple):
    """One file.

    Attributes:
        sha256: Of its document; None where it was not read, likewise `kind`.
        size_bytes: None where the ledger does not know the file yet, likewise `mtime_ns`.
        reason: Why it failed or is partial.
        date_ns: When its content was made; see `Document.date_ns`. None where it was not read.
    """

    root: str
    path: str
    sha256: str | None
    kind: str | None
    size_bytes: int | None
    mtime_ns: int | None
    status: str
    reason: str
    n_chunks: int
    date_ns: int | None


class FileCount(NamedTuple):
    """How many files have a status, and their size as far as it is known."""

    n_files: int
    size_bytes: int


class FolderCount(NamedTuple):
    """How many files lie in a folder itself: `folder` is empty, or ends with a slash."""

    root: str
    folder: str
    n_files: int


# What a sync has still to read comes as JSON: a table of it would be one for each connection. A
# join with it, or IN with two columns, would look at every pair of rows: so a key of one column.
_FILES = """
WITH waiting AS MATERIALIZED (
    SELECT json_extract(value, '$[0]') AS root, json_extract(value, '$[1]') AS path
    FROM json_each(:waiting)
), known AS MATERIALIZED (
    SELECT p.root, p.path, d.sha256, d.kind, p.size_bytes, p.mtime_ns, p.seen_ns,
        d.n_chunks, d.date_ns,
        iif(d.sha256 IS NULL OR p.reason <> '', 'failed', d.status) AS status,
        coalesce(nullif(p.reason, ''), d.reason, '') AS reason,
        p.root || char(0) || p.path IN (SELECT root || char(0) || path FROM waiting) AS is_waiting
    FROM paths p LEFT JOIN documents d USING (sha256)
), files AS (
    SELECT root, path, iif(is_waiting, NULL, sha256) AS sha256,
        iif(is_waiting, NULL, kind) AS kind, size_bytes, mtime_ns,
        iif(is_waiting, iif(path = :reading, 'indexing', 'waiting'), status) AS status,
        iif(is_waiting, '', reason) AS reason,
        iif(is_waiting, 0, coalesce(n_chunks, 0)) AS n_chunks,
        iif(is_waiting, NULL, date_ns) AS date_ns, seen_ns
    FROM known
    UNION ALL
    SELECT root, path, NULL, NULL, NULL, NULL, iif(path = :reading, 'indexing', 'waiting'), '', 0,
        NULL, 0
    FROM waiting w
    WHERE NOT EXISTS (SELECT 1 FROM paths p WHERE p.root = w.root AND p.path = w.path)
)
"""
_WHERE = """
WHERE (:status = '' OR status = :status) AND (:kind = '' OR kind = :kind)
    AND (:name = '' OR instr(casefold(path), :name))
    AND (:root = '' OR root = :root) AND substr(path, 1, length(:folder)) = :folder
    AND seen_ns >= :seen_from_ns AND (:seen_before_ns IS NULL OR seen_ns < :seen_before_ns)
    AND (:dated_from_ns IS NULL OR date_ns >= :dated_from_ns)
    AND (:dated_before_ns IS NULL OR date_ns < :dated_before_ns)
"""
_FIND = f"""{_FILES}
SELECT root, path, sha256, kind, size_bytes, mtime_ns, status, reason, n_chunks, date_ns
FROM files {_WHERE} ORDER BY %s casefold(path), path, root LIMIT :limit OFFSET :offset
"""  # noqa: S608 - of constants only
_COUNT = f"""{_FILES}
SELECT status, count(*), coalesce(sum(size_bytes), 0) FROM files {_WHERE} GROUP BY status
"""  # noqa: S608 - of constants only
# What of a path is no slash, taken from its end, leaves its folder.
_FOLDERS = f"""{_FILES}
SELECT root, rtrim(path, replace(path, '/', '')) AS folder, count(*) FROM files {_WHERE}
GROUP BY root, folder ORDER BY casefold(folder), folder, root
"""  # noqa: S608 - of constants only
_ORDERS = {
    FileOrder.NAME: "casefold(path)",
    FileOrder.STATUS: "status",
    FileOrder.KIND: "coalesce(kind, '')",
    FileOrder.SIZE: "coalesce(size_bytes, -1)",
    FileOrder.CHUNKS: "n_chunks",
    FileOrder.CHANGED: "coalesce(mtime_ns, -1)",
    # Those that were not read come first: a date may be before 1970.
    FileOrder.DATED: "date_ns",
}


def find_files(
    reader: sqlite3.Connection, query: FileQuery, limit: int | None = None, offset: int = 0
) -> list[FileRow]:
    """Files in their order; by path whatever the case, then by root."""
    values = _values(query) | {"limit": -1 if limit is None else limit, "offset": offset}
    order = f"{_ORDERS[query.order]} {'DESC' if query.is_descending else 'ASC'},"
    return [FileRow(*row) for row in reader.execute(_FIND % order, values).fetchall()]


def count_files(reader: sqlite3.Connection, query: FileQuery) -> dict[str, FileCount]:
    """By status; those that no file has are left out."""
    rows = reader.execute(_COUNT, _values(query)).fetchall()
    return {status: FileCount(n_files, size_bytes) for status, n_files, size_bytes in rows}


def count_folders(reader: sqlite3.Connection, query: FileQuery) -> list[FolderCount]:
    """Folders that hold files themselves, by path."""
    return [FolderCount(*row) for row in reader.execute(_FOLDERS, _values(query)).fetchall()]


def _values(query: FileQuery) -> dict[str, str | int | None]:
    return {
        "waiting": json.dumps(list(query.waiting)),
        "reading": query.reading,
        "status": query.status,
        "kind": query.kind,
        "name": query.name.casefold(),
        "seen_from_ns": query.seen_from_ns,
        "seen_before_ns": query.seen_before_ns,
        "dated_from_ns": query.dated_from_ns,
        "dated_before_ns": query.dated_before_ns,
        "root": query.root,
        "folder": query.folder,
    }
