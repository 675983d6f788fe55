"""The ledger's SQLite file: schema, connections, transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kb.errors import StoreError, StoreUnavailableError
from kb.private import private_file

__all__ = ["Database"]

_SCHEMA_VERSION = 1
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


class Database:
    """One SQLite file in WAL mode, with a connection a thread.

    Raises:
        StoreUnavailableError: The file is damaged or of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._connections_lock = threading.Lock()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The files of the log get the mode of this one, but for those that are there already.
        private_file(path)
        for log in (Path(f"{path}-wal"), Path(f"{path}-shm")):
            if log.exists():
                private_file(log)
        try:
            with self.transaction() as db:
                (version,) = db.execute("PRAGMA user_version").fetchone()
                if version == 0:
                    for statement in _SCHEMA.split(";"):
                        db.execute(statement)
                    db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        except sqlite3.DatabaseError as error:
            self.close()
            raise StoreUnavailableError(
                f"The ledger {path} can't be opened: {error}. Move the folder {path.parent} away "
                "and run `kb sync`: everything is rebuilt from the library.",
                collection=str(path),
            ) from error
        if version > _SCHEMA_VERSION:
            self.close()
            raise StoreUnavailableError(
                f"The ledger {path} has version {version}, this program knows up to "
                f"{_SCHEMA_VERSION}. Update the program.",
                collection=str(path),
            )

    @property
    def reader(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(
                self.path, timeout=30.0, isolation_level=None, check_same_thread=False
            )
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            # SQLite's own lower() knows ASCII only.
            db.create_function("casefold", 1, str.casefold, deterministic=True)
            with self._connections_lock:
                self._connections.append(db)
            self._local.db = db
        return db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        db = self.reader
        try:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                # On a full disk SQLite has rolled back by itself.
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"The ledger could not be written: {error}. Free some space on the disk of "
                f"{self.path.parent} and run `kb sync` again; nothing was lost.",
                collection=str(self.path),
            ) from error

    def close(self) -> None:
        """Close every thread's connection."""
        with self._connections_lock:
            for db in self._connections:
                db.close()
            self._connections.clear()
        self._local = threading.local()
