"""Documents of the library as programs handle them: by the digest of their bytes."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ingest.sync import Syncer
from kb import FileQuery, FileRow, KnowledgeBase
from kb.config import Home
from kb.errors import ConfigError
from kb.files import sha256_of
from ui.service.uploads import add_file, safe_name

__all__ = ["Added", "Documents", "FoundDocument"]

_BLOCK_BYTES = 1 << 20
_N_LOCKS = 64
# What was added lately, and has perhaps not been read yet.
_MAX_RECENT = 10_000


@dataclass(frozen=True, slots=True)
class Added:
    """A file that was taken in.

    Attributes:
        source: Its path, relative to the library.
        sha256: Of its bytes.
        is_new: False where the library held these bytes already.
    """

    source: str
    sha256: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """One document.

    Attributes:
        id: The sha256 of its content.
        sources: Its copies, relative to their roots; the first is the one that people see.
        kind: None until it was read, likewise `media_type`.
        size_bytes: None where it is not known yet.
        status: ``indexed``, ``partial``, ``failed``, ``waiting`` or ``indexing``.
        reason: Why it failed or is partial.
        n_pages: 0 where it has none.
        outside: Sources that lie in folders indexed in place, which nobody deletes from here.
    """

    id: str
    sources: tuple[str, ...]
    title: str
    kind: str | None
    media_type: str | None
    size_bytes: int | None
    status: str
    reason: str
    n_chunks: int
    n_pages: int
    outside: tuple[str, ...] = ()


class Documents:
    """What is in the library.

    Args:
        reading: Tells the file that a running sync reads now, relative to its root.
    """

    def __init__(
        self, kb: KnowledgeBase, home: Home, syncer: Syncer, reading: Callable[[], str]
    ) -> None:
        self._kb = kb
        self._library = home.library
        self._syncer = syncer
        self._reading = reading
        self._locks = tuple(threading.Lock() for _ in range(_N_LOCKS))
        self._recent: OrderedDict[str, str] = OrderedDict()
        self._recent_lock = threading.Lock()

    def add(self, name: str, content: Path | BinaryIO) -> Added:
        """Copy a file into the library, unless a file there has the same bytes: then that one is
        it, whatever its name.

        Args:
            content: A file that is open is read from where it stands, twice.

        Raises:
            ConfigError: A sync would pass over such a name, or it can't be saved.
        """
        try:
            sha256 = sha256_of([content]) if isinstance(content, Path) else _digest(content)
        except OSError as error:
            raise ConfigError(
                f"{safe_name(name)} could not be read ({error.strerror}). Send it again."
            ) from error
        # Two of the same bytes at once are one file.
        with self._locks[int(sha256[:8], 16) % _N_LOCKS]:
            source = self._held(sha256, safe_name(name))
            is_new = source is None
            if source is None:
                ignore = self._kb.config.ingest.ignore
                source = add_file(self._library, name, content, ignore)
            self._remember(sha256, source)
        return Added(source, sha256, is_new)

    def page(
        self, status: str, kind: str, name: str, limit: int, offset: int
    ) -> tuple[list[FileRow], int]:
        """Files in order of path, `limit` of them from number `offset` on, and how many there are.

        Args:
            status: See `FileQuery`, likewise `kind` and `name`.
        """
        query = self._query(status, kind, name)
        counts = self._kb.ledger.count_files(query)
        rows = self._kb.ledger.files(query, limit, offset)
        return rows, sum(count.n_files for count in counts.values())

    def find(self, sha256: str) -> FoundDocument | None:
        """A document of the index, or one that was added lately and waits for it."""
        record = self._kb.ledger.record(sha256)
        if record is None or not record.document.sources:
            return self._find_recent(sha256)
        document = record.document
        waiting = self._syncer.waiting()
        status = record.status.value
        if {(str(root), path) for root, path in document.sources} & set(waiting):
            is_read = any(path == self._reading() for _, path in document.sources)
            status = "indexing" if is_read else "waiting"
        return FoundDocument(
            id=sha256,
            sources=tuple(path for _, path in document.sources),
            title=document.title,
            kind=document.kind.value,
            media_type=document.media_type,
            size_bytes=document.size_bytes,
            status=status,
            reason=record.reason,
            n_chunks=document.n_chunks,
            n_pages=self._kb.ledger.n_pages(sha256),
            outside=tuple(path for root, path in document.sources if root != self._library),
        )

    def _find_recent(self, sha256: str) -> FoundDocument | None:
        with self._recent_lock:
            source = self._recent.get(sha256)
        if source is None or not (self._library / source).is_file():
            return None
        rows = self._kb.ledger.files(self._query("", "", source))
        key = (str(self._library), source)
        row = next((row for row in rows if (row.root, row.path) == key), None)
        if row is not None and row.sha256 not in (None, sha256):
            # Its digest is that of the files beside it, too; or another content took its name.
            is_it = _has_digest(self._library / source, sha256)
            return self.find(row.sha256) if is_it and row.sha256 else None
        return FoundDocument(
            id=sha256,
            sources=(source,),
            title="",
            kind=None,
            media_type=None,
            size_bytes=row.size_bytes if row else None,
            status=row.status if row else "waiting",
            reason=row.reason if row else "",
            n_chunks=0,
            n_pages=0,
        )

    def _query(self, status: str, kind: str, name: str) -> FileQuery:
        return FileQuery(self._syncer.waiting(), self._reading(), status, kind, name)

    def _held(self, sha256: str, name: str) -> str | None:
        """The source of a file of the library that has these bytes now."""
        record = self._kb.ledger.record(sha256)
        sources = record.document.sources if record else ()
        candidates = [path for root, path in sources if root == self._library]
        with self._recent_lock:
            recent = self._recent.get(sha256)
        # Not read yet, or with files beside it, which count in its digest.
        for candidate in (*candidates, recent, name):
            if candidate and _has_digest(self._library / candidate, sha256):
                return candidate
        return None

    def _remember(self, sha256: str, source: str) -> None:
        with self._recent_lock:
            self._recent[sha256] = source
            self._recent.move_to_end(sha256)
            while len(self._recent) > _MAX_RECENT:
                self._recent.popitem(last=False)


def _digest(content: BinaryIO) -> str:
    start = content.tell()
    digest = hashlib.sha256()
    while block := content.read(_BLOCK_BYTES):
        digest.update(block)
    content.seek(start)
    return digest.hexdigest()


def _has_digest(path: Path, sha256: str) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and sha256_of([path]) == sha256
    except OSError:
        return False
