"""The embedded store: Qdrant Edge in a child process."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from filelock import FileLock

from kb.errors import IndexMismatchError, StoreError, StoreUnavailableError
from kb.index.store.generations import Generations, Meta, copy_sparse, disk_bytes, sync_tree
from kb.index.store.lock import acquire
from kb.index.store.messages import Order, ShardCounts
from kb.index.store.process import ShardProcess
from kb.index.store.schema import CollectionSchema, is_searchable, payload_limits
from kb.protocols import DocumentLabels, Point, ScoredId, StoreFilter, StoreStats, VectorQuery

__all__ = ["EdgeStore"]

T = TypeVar("T")
P = ParamSpec("P")

MIB = 1024 * 1024

# Small enough that a search waits only a few milliseconds for a batch to be applied.
_UPSERT_BATCH = 64
_DELETE_BATCH = 1_000
# About 0.3 ms each, for documents of ten chunks.
_LABEL_BATCH = 64
_PAGE = 10_000

# After a crash the log since the last flush is applied again, about 10,000 points a second;
# a flush keeps searches waiting for 0.1 to 0.3 s, so it is not done more often than needed.
_FLUSH_AFTER_POINTS = 50_000

# The engine allots its files in steps of 32 MiB, several at a time.
_SPARE_BYTES = 256 * MIB


class EdgeStore:
    """Vectors in a folder on this machine. Safe to use from several threads.

    A write is durable when it returns: it is in the shard's log, and the log on the disk.
    Searches go on while points are written or the store is compacted; writes wait for a
    compaction to end. The shard is open in a child process, see `kb.index.store.worker`, which is
    started again at the next request if it should die.
    """

    def __init__(self, path: Path, schema: CollectionSchema, lock: FileLock) -> None:
        self._path = path
        self._schema = schema
        self._lock = lock
        self._generations = Generations(path)
        self._writing = threading.Lock()
        self._swapping = threading.Lock()
        self._closing = threading.Event()
        self._builder: ShardProcess | None = None
        self._compacted = False
        self._n_unflushed = 0
        meta = self._generations.read()
        if meta is not None and (difference := schema.mismatch(meta.identity)):
            raise IndexMismatchError(
                f"The vector store in {path} was made by another encoder: {difference}.",
                collection=str(path),
            )
        self._generations.remove_leftovers(meta.shard if meta is not None else None)
        if meta is None:
            self._require_space(0)
            shard = self._generations.fresh()
            self._process = ShardProcess(Order(shard, schema, create=True))
            try:
                self._generations.write(Meta(schema.identity, shard.name))
            except OSError as error:
                self._process.kill()
                raise StoreUnavailableError(
                    f"The vector store in {path} could not be made: {error}. See to the "
                    "folder's permissions and to the disk, then try again.",
                    collection=str(path),
                ) from error
        else:
            shard = path / meta.shard
            self._process = ShardProcess(Order(shard, schema))
        self._shard = shard

    @classmethod
    def open(cls, path: Path, schema: CollectionSchema) -> Self:
        """Open the store in `path`, or make one.

        Raises:
            StoreInUseError: Another process has it open.
            IndexMismatchError: It was made with other encoders.
            StoreUnavailableError: Its files are damaged, or the folder can't be written.
        """
        lock = acquire(path)
        try:
            return cls(path, schema, lock)
        except BaseException:
            lock.release()
            raise

    @staticmethod
    def discard(path: Path) -> None:
        """Delete the store in `path`, so that the next `open` makes a new one.

        Raises:
            StoreInUseError: Another process has it open.
        """
        lock = acquire(path)
        try:
            (path / "meta.json").unlink(missing_ok=True)
            Generations(path).remove_leftovers(None)
        finally:
            lock.release()

    @property
    def pid(self) -> int:
        """The process that has the shard open, whose memory is the store's."""
        return self._process.pid

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points, replacing those with the same id with all their vectors. On return
        they are durable and are found by searches.

        Raises:
            StoreError: A point does not fit the schema, and none was written; or the disk
                is full, and each point is written whole or not at all.
        """
        self._schema.check_points(points)
        with self._writing:
            self._require_space(sum(_size_bytes(point) for point in points))
            self._write(points, _UPSERT_BATCH, ShardProcess.upsert)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points, durably; ids that are not there are ignored.

        Raises:
            StoreError: The engine failed.
        """
        with self._writing:
            self._write(ids, _DELETE_BATCH, ShardProcess.delete)

    def set_labels(self, labels: Mapping[str, DocumentLabels]) -> None:
        """Replace the labels of all points of each document, by its sha256, durably. Vectors stay
        where they are, those in a graph too.

        Raises:
            StoreError: The engine failed.
        """
        with self._writing:
            self._write(list(labels.items()), _LABEL_BATCH, ShardProcess.set_labels)

    def search(
        self, queries: Sequence[VectorQuery], filter: StoreFilter | None = None
    ) -> list[list[ScoredId]]:
        """One list a query, best first, all in one request.

        Raises:
            StoreError: A query does not fit the schema, or the engine failed.
        """
        self._schema.check_queries(queries)
        limits = payload_limits(filter)
        asked = [query for query in queries if is_searchable(query)]
        if limits is None or not asked:
            return [[] for _ in queries]
        found = iter(self._ask(ShardProcess.search, asked, limits))
        return [next(found) if is_searchable(query) else [] for query in queries]

    def ids(self) -> Iterator[str]:
        """Every id, in no order. Points written meanwhile may be missing.

        Raises:
            StoreError: The engine failed.
        """
        offset: str | None = None
        while True:
            page, offset = self._ask(ShardProcess.page, offset, _PAGE)
            yield from page
            if offset is None:
                return

    def stats(self) -> StoreStats:
        """Points, vectors in a graph, and bytes on disk of all the store's files."""
        counts: ShardCounts = self._ask(ShardProcess.counts)
        return StoreStats(counts.n_points, counts.n_indexed, disk_bytes(self._path))

    def compact(self) -> bool:
        """Build the graphs over what is not in one yet, and drop what was deleted.

        It is done by another process on a copy; searches go on, writes wait. Killed at any
        instant, the store opens as it was before or as it is afterwards.

        Returns:
            True when it changed anything; False also when the store was closed meanwhile.

        Raises:
            StoreError: There is not enough disk for a copy, or the engine failed; the store
                goes on as it was.
        """
        with self._writing:
            if self._closing.is_set() or self._compacted:
                return False
            self._ask(ShardProcess.counts)  # A worker that died is started again first.
            self._require_space(2 * disk_bytes(self._shard))
            target = self._generations.fresh()
            try:
                changed = self._build(target)
            except StoreError:
                self._generations.remove_leftovers(self._shard.name)
                if self._closing.is_set():
                    return False
                raise
            except OSError as error:
                self._generations.remove_leftovers(self._shard.name)
                raise StoreError(
                    f"The vector store in {self._path} could not be compacted: {error}. It "
                    "goes on as it was.",
                    collection=str(self._path),
                ) from error
            self._compacted = True
            self._generations.remove_leftovers(self._shard.name)
            return changed

    def close(self) -> None:
        """Close the shard and let other processes open it. A compaction that is under way
        is given up."""
        self._closing.set()
        if (builder := self._builder) is not None:
            builder.kill()
        with self._writing, self._swapping:
            if self._lock.is_locked:
                try:
                    if self._process.alive:
                        self._process.close()
                    else:
                        self._process.kill()
                finally:
                    self._lock.release()

    def _build(self, target: Path) -> bool:
        # No flush first: writes are paused, and the log is copied with the rest.
        copy_sparse(self._shard, target)
        self._builder = ShardProcess(Order(target, self._schema, background=True))
        try:
            changed = not self._closing.is_set() and self._builder.optimize()
            if changed:
                self._builder.close()
        finally:
            builder, self._builder = self._builder, None
            if builder.alive:
                builder.kill()
        if not changed:
            return False
        sync_tree(target)
        successor = ShardProcess(Order(target, self._schema))
        try:
            self._generations.write(Meta(self._schema.identity, target.name))
        except OSError:
            successor.kill()
            raise
        with self._swapping:
            predecessor, self._process, self._shard = self._process, successor, target
        predecessor.kill()  # Its folder is deleted next, so there is nothing to flush.
        self._n_unflushed = 0
        return True

    def _write(
        self,
        items: Sequence[T],
        batch: int,
        apply: Callable[[ShardProcess, Sequence[T]], None],
    ) -> None:
        if not items:
            return
        self._compacted = False
        for start in range(0, len(items), batch):
            self._ask(apply, items[start : start + batch])
        self._n_unflushed += len(items)
        if self._n_unflushed >= _FLUSH_AFTER_POINTS:
            self._ask(ShardProcess.flush)
            self._n_unflushed = 0
        else:
            # The log outlives this process as it is. For a power cut it must be on the disk;
            # asked for from here, it keeps no search waiting.
            sync_tree(self._shard / "wal")

    def _ask(
        self,
        request: Callable[Concatenate[ShardProcess, P], T],
        *arguments: P.args,
        **options: P.kwargs,
    ) -> T:
        while True:
            process = self._living_process()
            try:
                return request(process, *arguments, **options)
            except StoreError:
                # A compaction put another in its place while this request waited.
                if process is self._process:
                    raise

    def _living_process(self) -> ShardProcess:
        with self._swapping:
            if not self._lock.is_locked:
                raise StoreError(
                    f"The vector store in {self._path} has been closed.",
                    collection=str(self._path),
                )
            if not self._process.alive:
                self._process.kill()
                self._process = ShardProcess(Order(self._shard, self._schema))
            return self._process

    def _require_space(self, n_bytes: int) -> None:
        # Checked before, since a full disk under a memory-mapped file is no error a write
        # could return: the process is killed.
        needed = 4 * n_bytes + _SPARE_BYTES
        free = shutil.disk_usage(self._path).free
        if free < needed:
            raise StoreError(
                f"The disk of {self._path} has {free // MIB:,} MiB free and the vector store "
                f"needs {needed // MIB:,} MiB to write safely. Nothing was written. Free some "
                "space and run the command again.",
                collection=str(self._path),
            )


def _size_bytes(point: Point) -> int:
    vectors = (
        point.dense,
        point.picture,
        *((point.sparse.indices, point.sparse.values) if point.sparse is not None else ()),
    )
    return sum(vector.nbytes for vector in vectors if vector is not None)
