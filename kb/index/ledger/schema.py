"""The ledger's tables, and bringing those of a former version up to date."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from kb.errors import StoreError
from kb.files import move_whole
from kb.index.ledger.damage import ERRORS
from kb.private import private_file

__all__ = ["SCHEMA_VERSION", "bring_up_to_date"]

N_COPIES = 3
"""So many ledgers of former versions are kept, the newest ones."""

_COPY = re.compile(r"ledger-v([0-9]{1,9})\.sqlite3")
SCHEMA_VERSION = 6
"""Of the ledgers that this program makes."""

_SCHEMA = """
CREATE TABLE documents (
    sha256 TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    media_type TEXT NOT NULL,
    title TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    date_ns INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    n_chunks INTEGER NOT NULL
) STRICT;
CREATE TABLE roots (root TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE paths (
    root TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT,
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    seen_ns INTEGER NOT NULL,
    companions TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (root, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX paths_by_document ON paths (sha256);
CREATE TABLE chunks (
    id TEXT PRIMARY KEY,
    document_sha256 TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    page INTEGER,
    modality TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX chunks_by_document ON chunks (document_sha256, ordinal);
CREATE TABLE assets (
    sha256 TEXT NOT NULL,
    document_sha256 TEXT NOT NULL,
    media_type TEXT NOT NULL,
    width_px INTEGER NOT NULL,
    height_px INTEGER NOT NULL,
    PRIMARY KEY (sha256, document_sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX assets_by_document ON assets (document_sha256);
CREATE TABLE limbo (point_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
"""
# What each version has that the one before it lacked; version 1 is the schema above.
_ADDED = {
    2: """
CREATE TABLE tables (
    document_sha256 TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (document_sha256, ordinal)
) STRICT;
""",
    3: "ALTER TABLE limbo RENAME TO pending_points",
    # The points of an older index have no labels yet.
    4: """
CREATE TABLE pending_labels (sha256 TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT INTO pending_labels SELECT sha256 FROM documents WHERE n_chunks > 0
""",
    5: """
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    is_pinned INTEGER NOT NULL,
    created_ns INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    deleted_ns INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE turns (
    conversation_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    body TEXT NOT NULL,
    asked_ns INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, number)
) STRICT;
""",
    6: """
CREATE TABLE feedback (
    conversation_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    is_good INTEGER NOT NULL,
    reason TEXT NOT NULL,
    note TEXT NOT NULL,
    given_ns INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, number)
) STRICT, WITHOUT ROWID;
""",
}


def bring_up_to_date(db: sqlite3.Connection, path: Path) -> int:
    """Give a ledger the tables of this version, in the transaction that `db` is in. One of a former
    version is copied before, to ``ledger-v4.sqlite3`` beside it.

    Returns:
        The version that it had; 0 of an empty file.

    Raises:
        StoreError: It can't be copied; it is as it was.
        sqlite3.Error, StoreError: It can't be read or written.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version >= SCHEMA_VERSION:
        return version
    steps = [_SCHEMA] if version == 0 else []
    if version:
        _copy(path, version)
    steps += [step for number, step in _ADDED.items() if number > version]
    for step in steps:
        for statement in step.split(";"):
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return version


def _copy(path: Path, version: int) -> None:
    target = path.with_name(f"ledger-v{version}.sqlite3")
    written = path.with_name(f".{target.name}.tmp")
    written.unlink(missing_ok=True)
    try:
        private_file(written)
        # The transaction has written nothing yet, and lets nobody else write.
        with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(written)) as new:
            old.backup(new)
        move_whole(written, target)
    except (*ERRORS, OSError) as error:
        raise StoreError(
            f"The ledger {path} is of a former version, and could not be copied before it is "
            f"brought up to date: {error}. Nothing was changed. See to the disk of {path.parent} "
            "and its free space, then try again.",
            collection=str(path),
        ) from error
    finally:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{written}{suffix}").unlink(missing_ok=True)
    copies = {
        int(match[1]): file
        for file in path.parent.iterdir()
        if (match := _COPY.fullmatch(file.name)) is not None
    }
    for former in sorted(copies)[:-N_COPIES]:
        copies[former].unlink(missing_ok=True)
