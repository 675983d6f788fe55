"""What a ledger is asked: of retrieval, the viewer, the status and a sync. Changes nothing."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from kb.errors import StoreError
from kb.index.ledger.damage import damaged, find_damage
from kb.index.ledger.database import Database
from kb.index.ledger.labels import read_labels
from kb.index.ledger.listing import (
    FileCount,
    FileQuery,
    FileRow,
    FolderCount,
    count_files,
    count_folders,
    find_files,
)
from kb.index.ledger.records import (
    CHUNK_BODY,
    COMPANIONS,
    Companion,
    DocumentRecord,
    DocumentStatus,
    PathRecord,
    Shared,
    Standing,
)
from kb.index.tables import Table, unpack
from kb.protocols import DocumentLabels
from kb.types import Chunk, Document, Filters, ImageRef, Kind, Modality

__all__ = ["LedgerReader"]

# SQLite accepts at least 32,766 variables in a statement since 3.32.
_MAX_VARIABLES = 20_000
# Read at once by who goes through all of them.
_READ_CHUNKS = 1_000

# For so long a ledger that was found sound is not looked through again.
_SOUND_S = 600.0

_Word = TypeVar("_Word", bound=StrEnum)


class LedgerReader:
    """Documents, paths and chunks as they are committed. Safe to use from several threads.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sound_until_s = -math.inf

    # -- whether it is sound -------------------------------------------------------------------

    def check(self) -> None:
        """Make sure that what it holds can be read: once, then again where a read failed or
        some time has passed.

        Raises:
            StoreError: It is damaged.
        """
        now_s = time.monotonic()
        if not self._database.is_suspect and now_s < self._sound_until_s:
            return
        with self._database.reading() as db:
            found = next(find_damage(db, thorough=False), None)
        if found is not None:
            self._database.is_suspect = True
            raise damaged(self._database.path, found)
        self._database.is_suspect = False
        self._sound_until_s = now_s + _SOUND_S

    def _chunk(self, body: str) -> Chunk:
        try:
            return CHUNK_BODY.validate_json(body)
        except ValueError as error:
            raise self._damaged("a chunk is not what was written") from error

    def _companions(self, text: str) -> tuple[Companion, ...]:
        if text == "[]":
            return ()
        try:
            return COMPANIONS.validate_json(text)
        except ValueError as error:
            raise self._damaged("the files beside another are not what was written") from error

    def _known(self, kind: type[_Word], word: str) -> _Word:
        try:
            return kind(word)
        except ValueError as error:
            raise self._damaged(f"{word!r} is no {kind.__name__.lower()}") from error

    def _damaged(self, detail: str) -> StoreError:
        self._database.is_suspect = True
        return damaged(self._database.path, detail)

    # -- what retrieval asks -------------------------------------------------------------------

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The committed chunks among `ids`."""
        found: dict[str, Chunk] = {}
        for part in _parts(ids):
            rows = self._database.rows(
                f"SELECT id, body FROM chunks WHERE id IN ({_marks(part)})",  # noqa: S608
                part,
            )
            found.update((row[0], self._chunk(row[1])) for row in rows)
        return found

    def sources(self, document_sha256s: Iterable[str]) -> dict[str, str]:
        """The path people see of each document: the first of its copies."""
        found: dict[str, str] = {}
        for part in _parts(list(document_sha256s)):
            rows = self._database.rows(
                f"SELECT sha256, min(path) FROM paths WHERE sha256 IN ({_marks(part)}) "  # noqa: S608
                "GROUP BY sha256",
                part,
            )
            found.update(rows)
        return found

    def documents(self, filters: Filters) -> frozenset[str] | None:
        """The documents that `filters` leave by folder, file and date; None: all of them.

        Kinds are payload in the store and are not looked at here. Folders and dates of the content
        are too, but where `has_pending_labels` says that the store may have others.
        """
        where: list[str] = []
        values: list[str | int] = []
        if filters.folders:
            folders = [folder.strip("/") for folder in filters.folders]
            # '0' is the character after '/': the range holds what starts with "folder/".
            where.append("(" + " OR ".join("path >= ? AND path < ?" for _ in folders) + ")")
            for folder in folders:
                values += [f"{folder}/", f"{folder}0"] if folder else ["", "\U0010ffff"]
        if filters.sources:
            where.append(f"path IN ({_marks(filters.sources)})")
            values += filters.sources
        for condition, limit_ns in (
            ("date_ns >= ?", filters.after_ns),
            ("date_ns < ?", filters.before_ns),
            ("mtime_ns >= ?", filters.changed_after_ns),
            ("mtime_ns < ?", filters.changed_before_ns),
        ):
            if limit_ns is not None:
                where.append(condition)
                values.append(limit_ns)
        if not where:
            return None
        rows = self._database.rows(
            "SELECT DISTINCT sha256 FROM paths JOIN documents USING (sha256) WHERE "  # noqa: S608
            + " AND ".join(where),
            values,
        )
        return frozenset(row[0] for row in rows)

    def has_pending_labels(self) -> bool:
        """Whether the store may have other labels for some document."""
        return self._database.row("SELECT 1 FROM pending_labels LIMIT 1") is not None

    # -- what the viewer and the status ask ----------------------------------------------------

    def record(self, sha256: str) -> DocumentRecord | None:
        """One document with every path it has."""
        return next(self._records("WHERE sha256 = ?", (sha256,)), None)

    def records(self) -> Iterator[DocumentRecord]:
        """Every document."""
        return self._records("", ())

    def _records(self, where: str, values: Sequence[str]) -> Iterator[DocumentRecord]:
        rows = self._database.rows(
            "SELECT sha256, kind, media_type, title, size_bytes, date_ns, fingerprint, status, "  # noqa: S608
            f"reason, n_chunks FROM documents {where} ORDER BY sha256",
            values,
        )
        aliases: dict[str, list[tuple[Path, str]]] = {}
        for sha256, root, path in self._database.rows(
            f"SELECT sha256, root, path FROM paths {where} ORDER BY path",  # noqa: S608
            values,
        ):
            aliases.setdefault(sha256, []).append((Path(root), path))
        for sha256, kind, media_type, title, size, date_ns, fingerprint, status, reason, n in rows:
            document = Document(
                sha256=sha256,
                kind=self._known(Kind, kind),
                media_type=media_type,
                title=title,
                size_bytes=size,
                sources=tuple(aliases.get(sha256, ())),
                date_ns=date_ns,
                n_chunks=n,
            )
            yield DocumentRecord(document, fingerprint, self._known(DocumentStatus, status), reason)

    def files(self, query: FileQuery, limit: int | None = None, offset: int = 0) -> list[FileRow]:
        """Files in the query's order: `limit` of them, or all, from number `offset` on."""
        with self._database.reading() as db:
            rows = find_files(db, query, limit, offset)
        for kind in {row.kind for row in rows if row.kind is not None}:
            self._known(Kind, kind)
        return rows

    def readable_files(
        self, kind: str, name: str, from_ns: int, before_ns: int | None, limit: int
    ) -> tuple[list[str], int, int]:
        """The first `limit` paths of files that could be read, how many those are, and how many
        others could not be. See `FileQuery`."""
        query = FileQuery(kind=kind, name=name, seen_from_ns=from_ns, seen_before_ns=before_ns)
        counts = self.count_files(query)
        n_failed = counts.pop(DocumentStatus.FAILED.value, FileCount(0, 0)).n_files
        paths: list[str] = []
        offset = 0
        while len(paths) < limit and (rows := self.files(query, limit, offset)):
            paths += [row.path for row in rows if row.status != DocumentStatus.FAILED.value]
            offset += len(rows)
        return paths[:limit], sum(count.n_files for count in counts.values()), n_failed

    def count_files(self, query: FileQuery) -> dict[str, FileCount]:
        """How many files there are of each status."""
        with self._database.reading() as db:
            return count_files(db, query)

    def folders(self, query: FileQuery) -> list[FolderCount]:
        """Folders that hold files themselves, and how many."""
        with self._database.reading() as db:
            return count_folders(db, query)

    def standings(self) -> dict[str, Standing]:
        """How every document stands, by sha256."""
        # Thousands of documents share a few of these: each is made once.
        shared = [
            Shared(*row)
            for row in self._database.rows(
                "SELECT DISTINCT media_type, kind, status, fingerprint FROM documents"
            )
        ]
        for one in shared:
            self._known(Kind, one.kind)
            self._known(DocumentStatus, one.status)
        return {
            sha256: Standing(one, n_chunks, reason)
            for one in shared
            for sha256, n_chunks, reason in self._database.rows(
                "SELECT sha256, n_chunks, reason FROM documents "
                "WHERE media_type = ? AND kind = ? AND status = ? AND fingerprint = ?",
                one,
            )
        }

    def chunks_of(self, sha256: str, limit: int | None = None) -> list[Chunk]:
        """The chunks of a document in order: the first `limit` of them, or all."""
        rows = self._database.rows(
            "SELECT body FROM chunks WHERE document_sha256 = ? ORDER BY ordinal LIMIT ?",
            (sha256, -1 if limit is None else limit),
        )
        return [self._chunk(row[0]) for row in rows]

    def tables_of(self, sha256: str) -> list[Table]:
        """The tables of a document, in order."""
        rows = self._database.rows(
            "SELECT ordinal, body FROM tables WHERE document_sha256 = ? ORDER BY ordinal", (sha256,)
        )
        try:
            return [unpack(body, sha256, ordinal) for ordinal, body in rows]
        except ValueError as error:
            raise self._damaged("a table is not what was written") from error

    def page_image(self, sha256: str, page: int) -> ImageRef | None:
        """The picture of a document's page, from 1."""
        chunk = self._page_chunk(sha256, page)
        return chunk.image if chunk else None

    def page_size_points(self, sha256: str, page: int) -> tuple[float, float] | None:
        """Width and height of a page as displayed, in PDF points: its picture's place is the
        whole page. None where no page has such a place."""
        chunk = self._page_chunk(sha256, page)
        if chunk is None or not chunk.locator.boxes:
            return None
        whole = chunk.locator.boxes[0]
        return whole.x1, whole.y1

    def _page_chunk(self, sha256: str, page: int) -> Chunk | None:
        row = self._database.row(
            "SELECT body FROM chunks WHERE document_sha256 = ? AND page = ? AND modality = ? "
            "ORDER BY ordinal LIMIT 1",
            (sha256, page, Modality.IMAGE),
        )
        return self._chunk(row[0]) if row else None

    def n_pages(self, sha256: str) -> int:
        """The highest page number that a document's chunks name; 0 where none does."""
        rows = self._database.rows(
            "SELECT coalesce(max(page), 0) FROM chunks WHERE document_sha256 = ?", (sha256,)
        )
        return int(rows[0][0])

    def asset(self, sha256: str) -> ImageRef | None:
        """A picture that some document shows."""
        row = self._database.row(
            "SELECT sha256, media_type, width_px, height_px FROM assets WHERE sha256 = ? LIMIT 1",
            (sha256,),
        )
        return ImageRef(*row) if row else None

    # -- what a sync asks ----------------------------------------------------------------------

    def roots(self) -> list[Path]:
        """Folders that were synced by name, beside the library and the configured ones."""
        rows = self._database.rows("SELECT root FROM roots ORDER BY root")
        return [Path(row[0]) for row in rows]

    def paths(self, root: Path | None = None) -> dict[tuple[str, str], PathRecord]:
        """Every known file, or those of one root, by ``(root, path)``."""
        roots = [str(root)] if root else self._path_roots()
        return {
            (name, path): PathRecord(
                name,
                path,
                sha256,
                size,
                mtime,
                seen,
                self._companions(c) if c != "[]" else (),
                reason,
            )
            for name in roots
            for path, sha256, size, mtime, seen, c, reason in self._database.rows(
                "SELECT path, sha256, size_bytes, mtime_ns, seen_ns, companions, reason "
                "FROM paths WHERE root = ?",
                (name,),
            )
        }

    def _path_roots(self) -> list[str]:
        rows = self._database.rows("SELECT DISTINCT root FROM paths ORDER BY root")
        return [row[0] for row in rows]

    def all_chunks(self) -> Iterator[Chunk]:
        """Every committed chunk."""
        last = 0
        # By parts: whoever goes through them holds up nobody who reads or writes meanwhile.
        while rows := self._database.rows(
            "SELECT rowid, body FROM chunks WHERE rowid > ? ORDER BY rowid LIMIT ?",
            (last, _READ_CHUNKS),
        ):
            yield from (self._chunk(body) for _, body in rows)
            last = rows[-1][0]

    def chunk_ids(self) -> set[str]:
        """The id of every committed chunk."""
        return {row[0] for row in self._database.rows("SELECT id FROM chunks")}

    def n_documents(self) -> int:
        """How many documents are indexed, wholly or in part."""
        failed = DocumentStatus.FAILED.value
        return int(
            self._database.rows("SELECT count(*) FROM documents WHERE status <> ?", (failed,))[0][0]
        )

    def n_chunks(self) -> int:
        """How many chunks are committed."""
        return int(self._database.rows("SELECT count(*) FROM chunks")[0][0])

    def labels(self, sha256s: Iterable[str] | None = None) -> dict[str, DocumentLabels]:
        """The labels of documents that have chunks, by sha256: of `sha256s`, or of all."""
        with self._database.reading() as db:
            return read_labels(db, sha256s)

    def pending_labels(self, limit: int, but_for: Iterable[str] = ()) -> list[str]:
        """Documents, `limit` at most, for which the store may have other labels; none of
        `but_for`."""
        rows = self._database.rows(
            "SELECT sha256 FROM pending_labels "
            "WHERE sha256 NOT IN (SELECT value FROM json_each(?)) LIMIT ?",
            (json.dumps(list(but_for)), limit),
        )
        return [row[0] for row in rows]

    def pending_points(self) -> list[str]:
        """Points that a crash may have left in the store without a chunk that answers."""
        return [row[0] for row in self._database.rows("SELECT point_id FROM pending_points")]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _MAX_VARIABLES):
        yield values[start : start + _MAX_VARIABLES]
