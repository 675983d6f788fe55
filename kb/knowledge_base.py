"""The knowledge base: writes documents so that each is wholly old or wholly new, and reads.

Everything that people and programs do goes through `KnowledgeBase`; the stages behind it are
given to it by `kb.build`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kb.answer import Answerer
from kb.assets import AssetStore
from kb.config import Config, Home
from kb.ledger import DocumentRecord, Ledger, PathRecord, Stale
from kb.protocols import Encoders, MaintainedStore, Point, Reranker, StoreStats, TextDelta
from kb.retrieve import Retriever
from kb.types import Answer, Chunk, Citation, Hit, ImageRef, Query, SearchResult

__all__ = ["IndexedDocument", "KnowledgeBase", "Repair"]


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A document as it is to be written: its record, its chunks and the paths that hold it."""

    record: DocumentRecord
    chunks: tuple[Chunk, ...]
    paths: tuple[PathRecord, ...]


@dataclass(frozen=True, slots=True)
class Repair:
    """What `KnowledgeBase.examine` found.

    Attributes:
        orphan_points: Points of the store that no chunk stands for.
        missing_points: Chunks whose vectors are not in the store.
        missing_assets: Documents whose pictures are not on disk.
        orphan_assets: Pictures on disk that no chunk shows.
    """

    orphan_points: tuple[str, ...]
    missing_points: tuple[str, ...]
    missing_assets: tuple[str, ...]
    orphan_assets: tuple[Path, ...]

    @property
    def is_sound(self) -> bool:
        """Nothing is amiss."""
        return not (
            self.orphan_points or self.missing_points or self.missing_assets or self.orphan_assets
        )


class KnowledgeBase:
    """One knowledge base, open. Use `kb.build.open_knowledge_base` to make one.

    Searches may run in any thread at any time; writes are serialised.
    """

    def __init__(
        self,
        *,
        home: Home,
        config: Config,
        ledger: Ledger,
        store: MaintainedStore,
        assets: AssetStore,
        encoders: Encoders,
        retriever: Retriever,
        reranker: Reranker,
        answerer: Answerer,
    ) -> None:
        self.home = home
        self.config = config
        self.ledger = ledger
        self.assets = assets
        self._store = store
        self._encoders = encoders
        self._retriever = retriever
        self._reranker = reranker
        self._answerer = answerer
        self._write_lock = threading.RLock()
        self._stale_assets: set[ImageRef] = set()

    # -- read ----------------------------------------------------------------------------

    def search(self, query: Query, n_results: int | None = None) -> SearchResult:
        """Recall, fuse, rerank; the best `n_results` hits (by default the profile's).

        Raises:
            InferenceError: A model failed.
            StoreUnavailableError: The store can't be reached.
        """
        start = time.perf_counter()
        hits, timings_ms = self._retriever.retrieve(query)
        rerank_start = time.perf_counter()
        scores = self._reranker.rerank(query, hits)
        scored = [replace(hit, rerank=float(s)) for hit, s in zip(hits, scores, strict=True)]
        scored.sort(key=lambda hit: (-(hit.rerank or 0.0), -hit.fused, hit.chunk.id))
        n_kept = n_results or self.config.retrieve.n_results
        kept = tuple(self._retriever.pinpoint(query, scored[:n_kept]))
        end = time.perf_counter()
        timings_ms["rerank"] = (end - rerank_start) * 1000
        return SearchResult(query, kept, timings_ms, (end - start) * 1000)

    def ask(self, query: Query) -> Iterator[TextDelta | Citation | Answer]:
        """Search, then write the answer; the last item is the whole Answer."""
        start = time.perf_counter()
        result = self.search(query)
        generate_start = time.perf_counter()
        for event in self._answerer.stream(query, result.hits):
            if isinstance(event, Answer):
                end = time.perf_counter()
                yield replace(
                    event,
                    timings_ms={
                        **result.timings_ms,
                        "generate": (end - generate_start) * 1000,
                    },
                    total_time_ms=(end - start) * 1000,
                )
            else:
                yield event

    def hit(self, chunk_id: str) -> Hit | None:
        """A committed chunk with the path people see, without scores."""
        chunk = self.ledger.chunks([chunk_id]).get(chunk_id)
        if chunk is None:
            return None
        source = self.ledger.sources([chunk.document_sha256]).get(chunk.document_sha256, "")
        return Hit(chunk, source)

    def store_stats(self) -> StoreStats:
        """Counts and size of the store."""
        return self._store.stats()

    # -- write ---------------------------------------------------------------------------

    def write(self, documents: Sequence[IndexedDocument]) -> None:
        """Make documents answer, replacing what they held before, at once.

        Raises:
            InferenceError: The encoder failed; nothing was changed.
            StoreError: The store or the ledger failed; `recover` tidies what was begun.
        """
        chunks = [chunk for document in documents for chunk in document.chunks]
        points = self._encode(chunks)
        with self._write_lock:
            self.ledger.announce([point.id for point in points])
            if points:
                self._store.upsert(points)
            stale = self.ledger.commit([(d.record, d.chunks, d.paths) for d in documents])
            self._discard(stale)

    def forget_paths(self, keys: Sequence[tuple[str, str]]) -> None:
        """Forget files by ``(root, path)``, and documents that no file holds any more."""
        with self._write_lock:
            self._discard(self.ledger.remove_paths(keys))

    def put_paths(self, records: Sequence[PathRecord]) -> None:
        """Note where documents that are already indexed lie."""
        with self._write_lock:
            self._discard(self.ledger.put_paths(records))

    def recover(self) -> None:
        """Finish what a crash interrupted: drop points that no chunk stands for."""
        with self._write_lock:
            self._discard(Stale(tuple(self.ledger.limbo()), ()))

    def compact_if_due(self) -> bool:
        """Build HNSW over new points once there are enough of them. Reads go on."""
        stats = self._store.stats()
        if stats.n_points - stats.n_indexed < self.config.store.compact_after_points:
            return False
        return self._store.compact()

    def sweep_assets(self) -> None:
        """Delete pictures that no document shows any more.

        Call it when no file is being parsed: a parser counts on pictures it finds on disk.
        """
        with self._write_lock:
            for ref in self._stale_assets:
                if self.ledger.asset(ref.sha256) is None:
                    self.assets.path(ref).unlink(missing_ok=True)
            self._stale_assets.clear()

    def _discard(self, stale: Stale) -> None:
        self._stale_assets.update(stale.assets)
        if stale.point_ids:
            self._store.delete(stale.point_ids)
            self.ledger.settle(stale.point_ids)

    def _encode(self, chunks: Sequence[Chunk]) -> list[Point]:
        dense_encoder, picture_encoder = self._encoders.dense, self._encoders.picture
        readable = [i for i, chunk in enumerate(chunks) if dense_encoder.accepts(chunk)]
        dense = {}
        if readable:
            rows = dense_encoder.encode_chunks([chunks[i] for i in readable])
            dense = dict(zip(readable, rows, strict=True))
        sparse = self._encoders.sparse.encode_chunks(chunks)
        points = []
        for i, chunk in enumerate(chunks):
            picture = None
            if picture_encoder is not None and chunk.pictures:
                picture = picture_encoder.encode_chunk(chunk)
            points.append(
                Point(
                    id=chunk.id,
                    document_sha256=chunk.document_sha256,
                    modality=chunk.modality,
                    kind=chunk.kind,
                    dense=dense.get(i),
                    sparse=sparse[i] if len(sparse[i].indices) else None,
                    picture=picture if picture is not None and len(picture) else None,
                )
            )
        return points

    # -- care ----------------------------------------------------------------------------

    def examine(self) -> Repair:
        """Compare ledger, store and assets. Changes nothing."""
        with self._write_lock:
            committed = self.ledger.chunk_ids()
            stored = set(self._store.ids())
            shown: set[Path] = set()
            missing_assets: set[str] = set()
            on_disk = set(self.assets.files())
            for chunk in self.ledger.all_chunks():
                for ref in chunk.pictures:
                    path = self.assets.path(ref)
                    shown.add(path)
                    if path not in on_disk:
                        missing_assets.add(chunk.document_sha256)
        return Repair(
            orphan_points=tuple(sorted(stored - committed)),
            missing_points=tuple(sorted(committed - stored)),
            missing_assets=tuple(sorted(missing_assets)),
            orphan_assets=tuple(sorted(on_disk - shown)),
        )

    def repair(self, found: Repair) -> None:
        """Mend what `examine` found. Documents whose pictures are gone are marked to be read
        again by the next sync; missing vectors are made anew from the ledger."""
        with self._write_lock:
            for start in range(0, len(found.missing_points), 256):
                ids = found.missing_points[start : start + 256]
                gone = set(found.missing_assets)
                chunks = [
                    chunk
                    for chunk in self.ledger.chunks(ids).values()
                    if chunk.document_sha256 not in gone
                ]
                if chunks:
                    self._store.upsert(self._encode(chunks))
            self._discard(Stale(found.orphan_points, ()))
            self.ledger.forget_documents(found.missing_assets)
            for path in found.orphan_assets:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Release the store and the ledger."""
        with self._write_lock:
            self._store.close()
            self.ledger.close()
