"""The files of a ledger as people look through them: some of many, by status and by name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["FileCount", "FileQuery", "FileRow", "count_files", "find_files"]


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
    """

    waiting: Collection[tuple[str, str]] = ()
    reading: str = ""
    status: str = ""
    kind: str = ""
    name: str = ""


class FileRow(NamedTuple):
    """One file.

    Attributes:
        sha256: Of its document; None where it was not read, likewise `kind`.
        size_bytes: None where the ledger does not know the file yet, likewise `mtime_ns`.
        reason: Why it failed or is partial.
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


class FileCount(NamedTuple):
    """How many files have a status, and their size as far as it is known."""

    n_files: int
    size_bytes: int


# What a sync has still to read comes as JSON: a table of it would be one for each connection.
_FILES = """
WITH waiting AS MATERIALIZED (
    SELECT json_extract(value, '$[0]') AS root, json_extract(value, '$[1]') AS path,
        CASE json_extract(value, '$[1]') WHEN :reading THEN 'indexing' ELSE 'waiting' END AS status
    FROM json_each(:waiting)
), files AS (
    SELECT p.root, p.path, iif(w.status IS NULL, d.sha256, NULL) AS sha256,
        iif(w.status IS NULL, d.kind, NULL) AS kind, p.size_bytes, p.mtime_ns,
        CASE WHEN w.status IS NOT NULL THEN w.status
            WHEN d.sha256 IS NULL OR p.reason <> '' THEN 'failed' ELSE d.status END AS status,
        iif(w.status IS NULL, coalesce(nullif(p.reason, ''), d.reason, ''), '') AS reason,
        iif(w.status IS NULL, coalesce(d.n_chunks, 0), 0) AS n_chunks
    FROM paths p LEFT JOIN documents d USING (sha256)
        LEFT JOIN waiting w ON w.path = p.path AND w.root = p.root
    UNION ALL
    SELECT root, path, NULL, NULL, NULL, NULL, status, '', 0 FROM waiting w
    WHERE NOT EXISTS (SELECT 1 FROM paths p WHERE p.root = w.root AND p.path = w.path)
)
"""
_WHERE = """
WHERE (:status = '' OR status = :status) AND (:kind = '' OR kind = :kind)
    AND (:name = '' OR instr(casefold(path), :name))
"""


def find_files(
    reader: sqlite3.Connection, query: FileQuery, limit: int | None = None, offset: int = 0
) -> list[FileRow]:
    """Files by path, whatever the case, then by root."""
    values = _values(query) | {"limit": -1 if limit is None else limit, "offset": offset}
    rows = reader.execute(
        f"{_FILES} SELECT root, path, sha256, kind, size_bytes, mtime_ns, status, reason, n_chunks "
        f"FROM files {_WHERE} ORDER BY casefold(path), path, root LIMIT :limit OFFSET :offset",
        values,
    )
    return [FileRow(*row) for row in rows.fetchall()]


def count_files(reader: sqlite3.Connection, query: FileQuery) -> dict[str, FileCount]:
    """By status; those that no file has are left out."""
    rows = reader.execute(
        f"{_FILES} SELECT status, count(*), coalesce(sum(size_bytes), 0) FROM files {_WHERE} "
        "GROUP BY status",
        _values(query),
    )
    return {status: FileCount(n, size) for status, n, size in rows.fetchall()}


def _values(query: FileQuery) -> dict[str, str | int]:
    return {
        "waiting": json.dumps(list(query.waiting)),
        "reading": query.reading,
        "status": query.status,
        "kind": query.kind,
        "name": query.name.casefold(),
    }
