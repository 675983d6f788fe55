"""What SQLite's errors mean to the person whose ledger it is, and looking for damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from kb.errors import StoreError

__all__ = [
    "ERRORS",
    "REBUILD",
    "TABLES",
    "damaged",
    "examine_ledger",
    "find_damage",
    "salvage_roots",
    "told",
]

REBUILD = (
    "`kb sync --rebuild` makes the index anew from your files, which are not touched; `kb doctor` "
    "lists what is wrong."
)
"""What to do about a damaged ledger."""

# A damaged schema puts what is no UTF-8 into SQLite's own messages.
ERRORS = (sqlite3.Error, UnicodeDecodeError)
# Tables and columns as `kb.index.ledger.database` makes them.
TABLES = {
    "documents": "sha256, kind, media_type, title, size_bytes, date_ns, fingerprint, status, "
    "reason, n_chunks",
    "roots": "root",
    "paths": "root, path, sha256, size_bytes, mtime_ns, seen_ns, companions, reason",
    "chunks": "id, document_sha256, ordinal, page, modality, body",
    "assets": "sha256, document_sha256, media_type, width_px, height_px",
    "pending_points": "point_id",
    "pending_labels": "sha256",
    "tables": "document_sha256, ordinal, body",
    "conversations": "id, title, is_pinned, created_ns, changed_ns, deleted_ns",
    "turns": "conversation_id, number, question, answer, body, asked_ns",
}
_MAX_FOUND = 20

# PROTOCOL: the lock of the log could not be had in time.
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
# Of the kind IOERR, though the disk is well.
_UNLOCKABLE = (
    sqlite3.SQLITE_IOERR_BLOCKED,
    sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK,
    sqlite3.SQLITE_IOERR_LOCK,
    sqlite3.SQLITE_IOERR_RDLOCK,
    sqlite3.SQLITE_IOERR_SHMLOCK,
    sqlite3.SQLITE_IOERR_UNLOCK,
)


def damaged(path: Path, detail: object) -> StoreError:
    """The error of a ledger that can't be read as it was written."""
    return StoreError(f"The ledger {path} is damaged ({detail}). {REBUILD}", collection=str(path))


def told(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> StoreError | None:
    """What an error of SQLite means; None where a value is to blame, and not the file."""
    if isinstance(
        error,
        sqlite3.IntegrityError
        | sqlite3.DataError
        | sqlite3.ProgrammingError
        | sqlite3.InterfaceError,
    ):
        return None
    # The low byte is the kind, the others the circumstances. Text that is no UTF-8 has no code.
    whole_code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    code = whole_code & 0xFF
    if code in _LOCKED:
        what = "is being written by another process. Wait for it to end, then try again"
    elif whole_code in _UNLOCKABLE:
        what = (
            f"can't be locked: {error}. Some network drives lock no files: set `--home` or KB_HOME "
            "to a folder of this machine"
        )
    elif code == sqlite3.SQLITE_NOMEM:
        what = "could not be read: memory is short. Close other programs, then try again"
    elif code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        what = (
            f"could not be written or read: {error}. Free some space on the disk of {path.parent}, "
            "check that it is well, and run `kb sync` again; nothing was lost"
        )
    elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        what = f"can't be opened for writing: {error}. Give this user the right to write it"
    elif code in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        # Our statements are right: a table or a column that they name is not there.
        sqlite3.SQLITE_ERROR,
    ):
        return damaged(path, error)
    else:
        what = f"failed: {error}. Try again; if that does not help: {REBUILD.rstrip('.')}"
    return StoreError(f"The ledger {path} {what}.", collection=str(path))


def find_damage(db: sqlite3.Connection, *, thorough: bool) -> Iterator[str]:
    """What is wrong with a ledger, a sentence each.

    Args:
        thorough: Compare the indexes with the tables as well, which takes twice as long.
    """
    # A plain cursor: its errors are findings here.
    cursor = db.cursor(sqlite3.Cursor)
    try:
        (version,) = cursor.execute("PRAGMA user_version").fetchone()
        if version < 1:
            yield f"its version is {version}, though it has tables"
        for table, columns in TABLES.items():
            cursor.execute(f"SELECT {columns} FROM {table} LIMIT 1").fetchall()  # noqa: S608
        pragma = "integrity_check" if thorough else "quick_check"
        for (line,) in cursor.execute(f"PRAGMA {pragma}({_MAX_FOUND})").fetchall():
            if line != "ok":
                yield from str(line).splitlines()
        n_bad = 0
        cursor.execute("SELECT json_valid(body), CAST(body AS BLOB) FROM chunks")
        for is_json, body in cursor:
            n_bad += not (is_json and _is_utf8(body))
        if n_bad:
            yield f"{n_bad:,} chunks are not what was written"
    except ERRORS as error:
        yield str(error)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def examine_ledger(path: Path) -> tuple[str, ...]:
    """What is wrong with the ledger of a file, which may be anything; nothing where there is
    none."""
    if not path.exists():
        return ()
    try:
        db = sqlite3.connect(path)
    except ERRORS as error:
        return (str(error),)
    try:
        (n_tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        # An empty one is made when it is opened.
        return tuple(dict.fromkeys(find_damage(db, thorough=True))) if n_tables else ()
    except ERRORS as error:
        return (str(error),)
    finally:
        db.close()


def salvage_roots(path: Path) -> list[Path]:
    """The folders that a ledger knows, as far as they can still be read."""
    found: dict[str, None] = {}
    if not path.exists():
        return []
    try:
        db = sqlite3.connect(path)
    except ERRORS:
        return []
    try:
        for query in ("SELECT root FROM roots", "SELECT DISTINCT root FROM paths"):
            try:
                for (root,) in db.execute(query):
                    if isinstance(root, str) and Path(root).is_absolute():
                        found[root] = None
            except ERRORS:
                continue
    finally:
        db.close()
    return [Path(root) for root in found]
