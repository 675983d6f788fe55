"""Which labels documents have, and of which documents the store may have others.

The ledger says where files lie; the store repeats it in the payload of points, so that a search is
limited there. Both are written one after the other: a document whose labels the store may not have
stands in the table ``pending_labels``, from the transaction that changed them until the store was
told. `KnowledgeBase.recover` tells it what a crash left there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from kb.protocols import DocumentLabels

__all__ = ["drop_mark", "mark", "mark_unless_at", "read_labels", "settle_labels"]


def mark(db: sqlite3.Connection, sha256s: Iterable[str]) -> None:
    """Note that the store may have other labels for documents; those without chunks are ignored."""
    db.executemany(
        "INSERT OR IGNORE INTO pending_labels SELECT sha256 FROM documents "
        "WHERE sha256 = ? AND n_chunks > 0",
        [(sha256,) for sha256 in sha256s],
    )


def mark_unless_at(db: sqlite3.Connection, sha256: str, paths: Iterable[str]) -> None:
    """Note whether the store, whose labels say that a document lies at `paths`, is right."""
    rows = db.execute("SELECT path FROM paths WHERE sha256 = ?", (sha256,)).fetchall()
    drop_mark(db, sha256)
    if {row[0] for row in rows} != set(paths):
        mark(db, [sha256])


def drop_mark(db: sqlite3.Connection, sha256: str) -> None:
    """Note that the store has the labels of a document, or needs none."""
    db.execute("DELETE FROM pending_labels WHERE sha256 = ?", (sha256,))


def read_labels(
    db: sqlite3.Connection, sha256s: Iterable[str] | None = None
) -> dict[str, DocumentLabels]:
    """The labels of documents that have chunks, by sha256: of `sha256s`, or of all."""
    dates: dict[str, int] = {}
    paths: dict[str, list[str]] = {}
    select = (
        "SELECT sha256, path, date_ns FROM paths JOIN documents USING (sha256) WHERE n_chunks > 0"
    )
    if sha256s is None:
        rows = db.execute(select).fetchall()
    else:
        rows = [
            row
            for sha256 in sha256s
            for row in db.execute(f"{select} AND sha256 = ?", (sha256,)).fetchall()
        ]
    for sha256, path, date_ns in rows:
        dates[sha256] = date_ns
        paths.setdefault(sha256, []).append(path)
    return {sha256: DocumentLabels.of(paths[sha256], dates[sha256]) for sha256 in paths}


def settle_labels(db: sqlite3.Connection, told: Mapping[str, DocumentLabels | None]) -> None:
    """Note what the store was told, by sha256. Where another process has changed a document's
    labels meanwhile, and perhaps told the store before, they are pending again."""
    now = read_labels(db, told)
    for sha256, labels in told.items():
        drop_mark(db, sha256)
        if now.get(sha256) != labels:
            mark(db, [sha256])
