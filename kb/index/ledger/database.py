"""The ledger's SQLite file: connections, transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kb.errors import StoreError, StoreUnavailableError
from kb.index.ledger.connection_pool import ConnectionPool
from kb.index.ledger.damage import ERRORS, REBUILD, TABLES, told
from kb.index.ledger.schema import SCHEMA_VERSION, bring_up_to_date
from kb.private import private_file

__all__ = ["Database"]

# A read takes a fraction of a millisecond: more of them would wait for the processor instead.
_MOST_READERS = 8
# For so long a transaction waits for another process to end its own.
_LOCK_TIMEOUT_S = 30.0


class _Cursor(sqlite3.Cursor):
    """A cursor whose errors say what to do: of reads as well, whenever they come."""

    connection: _Connection

    def execute(self, *arguments: Any) -> _Cursor:
        with self.connection.telling():
            super().execute(*arguments)
        return self

    def executemany(self, *arguments: Any) -> _Cursor:
        with self.connection.telling():
            super().executemany(*arguments)
        return self

    def fetchone(self) -> Any:
        with self.connection.telling():
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        with self.connection.telling():
            return super().fetchall()

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except ERRORS as error:
            raise self.connection.told(error) from error


class _Connection(sqlite3.Connection):
    database: Database

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    # Its own ones make plain cursors, whatever `cursor` makes.
    def execute(self, *arguments: Any) -> Any:
        return self.cursor().execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        return self.cursor().executemany(*arguments)

    def told(self, error: sqlite3.Error | UnicodeDecodeError) -> Exception:
        """What is raised of an error of SQLite."""
        meant = told(error, self.database.path)
        if meant is None:
            return error
        self.database.is_suspect = True
        return meant

    @contextmanager
    def telling(self) -> Iterator[None]:
        try:
            yield
        except ERRORS as error:
            meant = self.told(error)
            if meant is error:
                raise
            raise meant from error


class Database:
    """One SQLite file in WAL mode: one connection that writes, and a few that read, lent to
    whoever asks, whatever thread that is. Safe to use from several threads and processes.

    Args:
        may_write: Called when a transaction of the index has begun, so that no other writes
            meanwhile; what it raises ends the transaction.

    Attributes:
        is_suspect: Something could not be read or written since it was last found sound.

    Raises:
        StoreUnavailableError: The file is damaged or of a newer version.
    """

    def __init__(self, path: Path, may_write: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self._may_write = may_write
        self.is_suspect = False
        self._writing = threading.Lock()
        self._writer: _Connection | None = None
        self._readers = ConnectionPool(self._open_reader, _MOST_READERS)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The files of the log get the mode of this one, but for those that are there already.
        private_file(path)
        for log in (Path(f"{path}-wal"), Path(f"{path}-shm")):
            if log.exists():
                private_file(log)
        try:
            self._writer = self._connect()
            with self.transaction() as db:
                version = bring_up_to_date(db, path)
            if version <= SCHEMA_VERSION:
                for table, columns in TABLES.items():
                    self.rows(f"SELECT {columns} FROM {table} LIMIT 0")  # noqa: S608
        except StoreError as error:
            self.close()
            raise StoreUnavailableError(str(error), collection=str(path)) from error
        except ERRORS as error:
            self.close()
            raise StoreUnavailableError(
                f"The ledger {path} can't be opened: {error}. {REBUILD}", collection=str(path)
            ) from error
        if version > SCHEMA_VERSION:
            self.close()
            raise StoreUnavailableError(
                f"The ledger {path} has version {version}, this program knows up to "
                f"{SCHEMA_VERSION}. Update the program.",
                collection=str(path),
            )

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that reads. Within the block ask for no second one: where all are lent,
        each would wait for another.

        Raises:
            StoreError: What is read in the block can't be read; or the ledger was closed.
        """
        with self._readers.lend() as db:
            if db is None:
                raise self._closed()
            yield db

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Every row that a statement gives.

        Raises:
            StoreError: As `reading`.
        """
        with self.reading() as db:
            found: list[Any] = db.execute(statement, values).fetchall()
        return found

    def row(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """The first row that a statement gives; None where it gives none.

        Raises:
            StoreError: As `reading`.
        """
        return next(iter(self.rows(statement, values)), None)

    @contextmanager
    def transaction(self, *, of_index: bool = True) -> Iterator[sqlite3.Connection]:
        """The connection that writes: all that is done in the block, or nothing.

        Args:
            of_index: What is written says what is indexed, so `may_write` is asked.

        Raises:
            StoreError: It can't be written, another process writes for longer than
                `_LOCK_TIMEOUT_S`, or the ledger was closed.
        """
        with self._writing:
            db = self._writer
            if db is None:
                raise self._closed()
            db.execute("BEGIN IMMEDIATE")
            try:
                if of_index:
                    self._may_write()
                yield db
                db.execute("COMMIT")
            except BaseException:
                # On a full disk SQLite has rolled back by itself.
                if db.in_transaction:
                    with suppress(StoreError, sqlite3.Error):
                        db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every connection; one that reads now, once it has read."""
        self._readers.close()
        with self._writing:
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def _open_reader(self) -> _Connection:
        db = self._connect()
        db.execute("PRAGMA query_only = ON")
        # SQLite's own lower() knows ASCII only.
        db.create_function("casefold", 1, str.casefold, deterministic=True)
        return db

    def _connect(self) -> _Connection:
        try:
            db = sqlite3.connect(
                self.path,
                timeout=_LOCK_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
                factory=_Connection,
            )
        except sqlite3.Error as error:
            raise told(error, self.path) or error from error
        db.database = self
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            db.close()
            raise
        return db

    def _closed(self) -> StoreError:
        return StoreError(f"The ledger {self.path} has been closed.", collection=str(self.path))
