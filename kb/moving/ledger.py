"""A ledger that came along: looked through, then told where its files are now.

It says which files are opened and served, so one that was made to do harm could have any file of
this machine read, and a picture's digest with dots in it any picture deleted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from kb.config import Home
from kb.errors import ArchiveError
from kb.index.ledger.damage import ERRORS, find_damage
from kb.index.ledger.records import COMPANIONS
from kb.index.ledger.schema import SCHEMA_VERSION, bring_up_to_date
from kb.moving.manifest import Manifest
from kb.moving.reading import AGAIN

__all__ = ["take_ledger"]

_NO_DIGEST = """
WITH named (sha256) AS (
    SELECT sha256 FROM assets UNION
    SELECT value FROM chunks, json_tree(chunks.body) WHERE key IN ('sha256', 'document_sha256')
)
SELECT 1 FROM named WHERE length(sha256) != 64 OR sha256 GLOB '*[^0-9a-f]*' LIMIT 1
"""


def take_ledger(ledger: Path, where: Path, manifest: Manifest, home: Home) -> None:
    """Have a ledger name the files where they are in `home`, brought up to date.

    Args:
        ledger: Unpacked, and nobody's yet; changed in place. It may be missing.
        where: The export or backup, for messages.
        manifest: What it says of the ledger must be so: people are told by it.

    Raises:
        ArchiveError: It is damaged, or holds what no export or backup writes.
    """
    if not ledger.exists():
        if manifest.n_documents:
            raise ArchiveError(f"{where} is damaged: its ledger is missing. {AGAIN}")
        return
    try:
        with closing(sqlite3.connect(ledger, isolation_level=None)) as db:
            db.execute("PRAGMA trusted_schema = OFF")
            why = _extra(db) or _taken(db, ledger, manifest, home)
    except (*ERRORS, ValueError) as error:
        why = str(error)
    if why:
        raise ArchiveError(f"The ledger in {where} is not as one is exported: {why}. {AGAIN}")


def _extra(db: sqlite3.Connection) -> str:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if not 1 <= version <= SCHEMA_VERSION:
        return f"its version is {version}, this program knows 1 to {SCHEMA_VERSION}"
    row = db.execute(
        "SELECT type, name FROM sqlite_master WHERE type NOT IN ('table', 'index') "
        "OR sql LIKE 'CREATE VIRTUAL%'"
    ).fetchone()
    return "" if row is None else f"it holds a {row[0]} {row[1]!r}"


def _taken(db: sqlite3.Connection, ledger: Path, manifest: Manifest, home: Home) -> str:
    """Why it was not, or nothing."""
    db.execute("BEGIN")
    bring_up_to_date(db, ledger)
    db.execute("COMMIT")
    if found := next(find_damage(db, thorough=False), ""):
        return found
    if db.execute(_NO_DIGEST).fetchone():
        return "a picture has no digest for a name"
    (n_documents,) = db.execute("SELECT count(*) FROM documents").fetchone()
    if n_documents != manifest.n_documents:
        return f"it has {n_documents:,} documents, of {manifest.n_documents:,} that are told"
    roots = {root for (root,) in db.execute("SELECT root FROM roots UNION SELECT root FROM paths")}
    if untold := sorted(roots - {manifest.library, *manifest.outside}):
        return f"it names the folder {untold[0]!r}, which is not told"
    if odd := next(_leading_elsewhere(db, roots, manifest), None):
        return f"it names {odd!r}, which leads elsewhere"
    _relocate(db, roots, manifest, home)
    return ""


def _leading_elsewhere(
    db: sqlite3.Connection, roots: set[str], manifest: Manifest
) -> Iterator[str]:
    kind = _kind(manifest)
    for root in sorted(roots):
        if not kind(root).is_absolute() or ".." in kind(root).parts:
            yield root
    for root, path, companions in db.execute("SELECT root, path, companions FROM paths"):
        # As it was meant where it was made, and as it is opened here.
        if any(one(path).anchor or ".." in one(path).parts for one in (kind, PurePath)):
            yield path
        for companion in COMPANIONS.validate_json(companions):
            beside = kind(companion.path)
            if ".." in beside.parts or not beside.is_relative_to(root):
                yield companion.path


def _relocate(db: sqlite3.Connection, roots: set[str], manifest: Manifest, home: Home) -> None:
    db.execute("BEGIN")
    for table in ("roots", "paths"):
        db.executemany(
            f"UPDATE {table} SET root = ? WHERE root = ?",  # noqa: S608
            [(_moved(root, manifest, home), root) for root in sorted(roots)],
        )
    rows = db.execute(
        "SELECT root, path, companions FROM paths WHERE companions != '[]'"
    ).fetchall()
    for root, path, companions in rows:
        moved = tuple(
            replace(companion, path=_moved(companion.path, manifest, home))
            for companion in COMPANIONS.validate_json(companions)
        )
        db.execute(
            "UPDATE paths SET companions = ? WHERE root = ? AND path = ?",
            (COMPANIONS.dump_json(moved).decode(), root, path),
        )
    db.execute("COMMIT")


def _moved(path: str, manifest: Manifest, home: Home) -> str:
    """An absolute path of the machine that it was made on, as it is on this one."""
    kind = _kind(manifest)
    for former, now in ((manifest.library, home.library), (manifest.home, home.path)):
        if kind(path).is_relative_to(former):
            return str(now.joinpath(*kind(path).relative_to(former).parts))
    return path


def _kind(manifest: Manifest) -> type[PurePath]:
    return PureWindowsPath if PureWindowsPath(manifest.home).drive else PurePosixPath
