"""The ledger: what is indexed, in one SQLite file.

A chunk answers when, and only when, its row is here: the vector store may hold points of a
document that is being written or removed, and those are never shown. So one transaction
turns a document from wholly old to wholly new, and a crash at any instant leaves one or the
other. Point ids whose fate is open stand in the table ``pending_points``, from before they are
written to the store until the transaction, and from the transaction until they are deleted
from the store; `KnowledgeBase.recover` deletes what a crash left there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from kb.index.ledger.conversations import Conversations
from kb.index.ledger.database import Database
from kb.index.ledger.labels import drop_mark, mark, mark_unless_at, settle_labels
from kb.index.ledger.reader import LedgerReader
from kb.index.ledger.records import (
    CHUNK_BODY,
    COMPANIONS,
    DocumentRecord,
    DocumentStatus,
    PathRecord,
    Stale,
)
from kb.protocols import DocumentLabels
from kb.types import Chunk, ImageRef

__all__ = ["Ledger"]

# Written at once of a document that is being committed.
_COMMIT_CHUNKS = 256

_NO_TABLES: Mapping[str, Sequence[bytes]] = {}


class Ledger(LedgerReader):
    """Documents, paths and chunks. Safe to use from several threads and processes.

    Args:
        path: Of the file.
        may_write: Called at the beginning of each transaction of the index, while nobody else
            can write; what it raises is raised by the method that writes, and nothing is written.

    Attributes:
        conversations: Those that are kept beside what is indexed.

    Raises:
        StoreUnavailableError: The file is damaged or of a newer version.
    """

    def __init__(self, path: Path, may_write: Callable[[], None] = lambda: None) -> None:
        self.may_write = may_write
        super().__init__(Database(path, lambda: self.may_write()))
        self.conversations = Conversations(self._database)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nobody writes meanwhile, this thread included.

        Raises:
            StoreError: Another process goes on writing.
        """
        with self._database.transaction():
            yield

    # -- roots and paths -----------------------------------------------------------------------

    def add_roots(self, roots: Iterable[Path]) -> None:
        """Remember folders."""
        with self._database.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO roots VALUES (?)", [(str(r),) for r in roots])

    def remove_root(self, root: Path) -> None:
        """Forget a folder; its files are forgotten with `remove_paths`."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM roots WHERE root = ?", (str(root),))

    def put_paths(self, records: Sequence[PathRecord]) -> Stale:
        """Write or replace files; documents that no file holds any more are removed."""
        with self._database.transaction() as db:
            displaced = self._put_paths(db, records)
            return self._drop_orphans(db, displaced)

    def remove_paths(self, keys: Sequence[tuple[str, str]]) -> Stale:
        """Forget files by ``(root, path)``, and documents that no file holds any more."""
        with self._database.transaction() as db:
            displaced: set[str] = set()
            for key in keys:
                rows = db.execute(
                    "DELETE FROM paths WHERE root = ? AND path = ? RETURNING sha256", key
                ).fetchall()
                displaced.update(row[0] for row in rows if row[0])
            return self._drop_orphans(db, displaced)

    @staticmethod
    def _put_paths(db: sqlite3.Connection, records: Sequence[PathRecord]) -> set[str]:
        """Write files; return the documents that they held before and hold no more."""
        displaced: set[str | None] = set()
        changed: set[str | None] = set()
        for record in records:
            row = db.execute(
                "SELECT sha256 FROM paths WHERE root = ? AND path = ?", (record.root, record.path)
            ).fetchone()
            former = row[0] if row else None
            if former != record.sha256:
                displaced.add(former)
                changed.add(record.sha256)
            db.execute(
                "INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    record.root,
                    record.path,
                    record.sha256,
                    record.size_bytes,
                    record.mtime_ns,
                    record.seen_ns,
                    COMPANIONS.dump_json(record.companions).decode(),
                    record.reason,
                ),
            )
        mark(db, filter(None, changed))
        return set(filter(None, displaced))

    def _drop_orphans(self, db: sqlite3.Connection, candidates: Iterable[str]) -> Stale:
        """Remove the documents among `candidates` that no file holds any more; the others lie
        elsewhere now."""
        stale: list[str] = []
        assets: list[ImageRef] = []
        for sha256 in candidates:
            if db.execute("SELECT 1 FROM paths WHERE sha256 = ?", (sha256,)).fetchone():
                mark(db, [sha256])
                continue
            rows = db.execute("SELECT id FROM chunks WHERE document_sha256 = ?", (sha256,))
            stale += self._drop_chunks(db, [row[0] for row in rows.fetchall()])
            assets += self._drop_assets(db, sha256)
            db.execute("DELETE FROM tables WHERE document_sha256 = ?", (sha256,))
            db.execute("DELETE FROM documents WHERE sha256 = ?", (sha256,))
            drop_mark(db, sha256)
        return Stale(tuple(stale), tuple(assets))

    # -- documents -----------------------------------------------------------------------------

    def announce(self, point_ids: Sequence[str], sha256s: Iterable[str] = ()) -> None:
        """Note, before they are written to the store, points that no transaction holds yet, and
        that points of the documents `sha256s` are given labels that none holds yet."""
        with self._database.transaction() as db:
            mark(db, sha256s)
            db.executemany(
                "INSERT OR IGNORE INTO pending_points SELECT ?1 WHERE NOT EXISTS "
                "(SELECT 1 FROM chunks WHERE id = ?1)",
                [(point_id,) for point_id in point_ids],
            )

    def commit(
        self,
        documents: Sequence[tuple[DocumentRecord, Iterable[Chunk], Sequence[PathRecord]]],
        tables: Mapping[str, Sequence[bytes]] = _NO_TABLES,
    ) -> Stale:
        """Make documents, their chunks and their paths the ones that answer, at once. Chunks are
        taken as they come, some at a time. Their points have the labels of these paths.

        Args:
            tables: By sha256 those of a document, as `kb.index.tables.pack` gives them.
        """
        with self._database.transaction() as db:
            stale: list[str] = []
            assets: list[ImageRef] = []
            displaced: set[str] = set()
            for record, chunks, paths in documents:
                sha256 = record.document.sha256
                assets += self._drop_assets(db, sha256)
                rows = db.execute("SELECT id FROM chunks WHERE document_sha256 = ?", (sha256,))
                left = {row[0] for row in rows.fetchall()}
                n_chunks = 0
                rest = iter(chunks)
                while some := tuple(islice(rest, _COMMIT_CHUNKS)):
                    self._put_chunks(db, some)
                    left.difference_update(chunk.id for chunk in some)
                    n_chunks += len(some)
                stale += self._drop_chunks(db, left)
                db.execute(
                    "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        sha256,
                        record.document.kind,
                        record.document.media_type,
                        record.document.title,
                        record.document.size_bytes,
                        record.document.date_ns,
                        record.fingerprint,
                        record.status,
                        record.reason,
                        n_chunks,
                    ),
                )
                db.execute("DELETE FROM tables WHERE document_sha256 = ?", (sha256,))
                db.executemany(
                    "INSERT INTO tables VALUES (?, ?, ?)",
                    [(sha256, i, body) for i, body in enumerate(tables.get(sha256, ()))],
                )
                displaced |= self._put_paths(db, paths)
            orphaned = self._drop_orphans(db, displaced)
            for record, _, paths in documents:
                mark_unless_at(db, record.document.sha256, [path.path for path in paths])
            return Stale((*stale, *orphaned.point_ids), (*assets, *orphaned.assets))

    @staticmethod
    def _put_chunks(db: sqlite3.Connection, chunks: Sequence[Chunk]) -> None:
        db.executemany(
            "INSERT OR IGNORE INTO assets VALUES (?, ?, ?, ?, ?)",
            [
                (ref.sha256, chunk.document_sha256, ref.media_type, ref.width_px, ref.height_px)
                for chunk in chunks
                for ref in chunk.pictures
            ],
        )
        db.executemany(
            "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    chunk.id,
                    chunk.document_sha256,
                    chunk.ordinal,
                    chunk.locator.page,
                    chunk.modality,
                    CHUNK_BODY.dump_json(chunk).decode(),
                )
                for chunk in chunks
            ],
        )
        db.executemany(
            "DELETE FROM pending_points WHERE point_id = ?", [(chunk.id,) for chunk in chunks]
        )

    def forget_documents(self, sha256s: Sequence[str]) -> None:
        """Drop the fingerprint of documents, so that the next sync reads them again. What
        they hold goes on answering until then."""
        with self._database.transaction() as db:
            db.executemany(
                "UPDATE documents SET fingerprint = '' WHERE sha256 = ?", [(s,) for s in sha256s]
            )

    def mark_partial(self, reasons: Mapping[str, str]) -> None:
        """Say of documents, by sha256, why a part of them is missing."""
        with self._database.transaction() as db:
            db.executemany(
                "UPDATE documents SET status = ?, reason = ? WHERE sha256 = ?",
                [(DocumentStatus.PARTIAL, reason, sha256) for sha256, reason in reasons.items()],
            )

    @staticmethod
    def _drop_chunks(db: sqlite3.Connection, ids: Iterable[str]) -> list[str]:
        stale = list(ids)
        db.executemany("DELETE FROM chunks WHERE id = ?", [(i,) for i in stale])
        db.executemany("INSERT OR IGNORE INTO pending_points VALUES (?)", [(i,) for i in stale])
        return stale

    @staticmethod
    def _drop_assets(db: sqlite3.Connection, document_sha256: str) -> list[ImageRef]:
        rows = db.execute(
            "DELETE FROM assets WHERE document_sha256 = ? "
            "RETURNING sha256, media_type, width_px, height_px",
            (document_sha256,),
        )
        return [ImageRef(*row) for row in rows]

    def settle(self, point_ids: Sequence[str]) -> None:
        """Note that the store no longer holds these points."""
        with self._database.transaction() as db:
            db.executemany(
                "DELETE FROM pending_points WHERE point_id = ?", [(i,) for i in point_ids]
            )

    def settle_labels(self, told: Mapping[str, DocumentLabels | None]) -> None:
        """Note the labels that the store was told, by sha256; None for a document that has none."""
        with self._database.transaction() as db:
            settle_labels(db, told)
