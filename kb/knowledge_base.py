"""The knowledge base: writes documents so that each is wholly old or wholly new, and reads.

Everything that people and programs do goes through `KnowledgeBase`; the stages behind it are
given to it by `kb.build`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

from kb.answer.answerer import Answerer
from kb.answer.conversation import Turn, understand
from kb.answer.refusal.nearness import Nearness
from kb.answer.without_files import reply_without_files
from kb.config import Config, Home
from kb.config.models import TextEncoderConfig
from kb.config.passwords import add_password, with_passwords
from kb.device.state import ModelState
from kb.errors import StoreError, StoreUnavailableError
from kb.index.assets import AssetStore
from kb.index.batches import ChunkBatch, full_batches
from kb.index.ledger import DocumentRecord, DocumentStatus, Ledger, PathRecord, Stale
from kb.index.points import make_points, words_alone
from kb.index.store.place import StorePlace
from kb.protocols import (
    DocumentLabels,
    Encoders,
    MaintainedStore,
    PictureEncoder,
    Reranker,
    StoreStats,
    TextDelta,
)
from kb.retrieve.reranked import reranked
from kb.retrieve.retriever import Retriever
from kb.retrieve.trace import Loss, SearchTrace, find_loss, trace_search
from kb.retrieve.vocabulary import Vocabulary
from kb.stopping import check
from kb.types import Answer, Chunk, Citation, Hit, ImageRef, Query, SearchResult

__all__ = ["IndexedDocument", "KnowledgeBase", "Repair"]

T = TypeVar("T")

# Documents at once: between two batches searches and other writes have their turn.
_LABEL_BATCH = 256


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A document as it is to be written: its record, its chunks and the paths that hold it.

    Attributes:
        batches: The chunks in order; they are gone through more than once, a batch in memory
            at a time.
        tables: Those in its chunks, as `kb.index.tables.pack` gives them.
    """

    record: DocumentRecord
    batches: Iterable[ChunkBatch]
    paths: tuple[PathRecord, ...]
    tables: tuple[bytes, ...] = ()


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

    Attributes:
        note: What its profile means for the person who asks, and how its models share the
            device, in a few sentences.
        model_states: Tells which model does what, and which are in memory now.

    Searches may run in any thread at any time; writes are serialised.
    """

    def __init__(
        self,
        *,
        home: Home,
        config: Config,
        ledger: Ledger,
        vocabulary: Vocabulary,
        store: MaintainedStore,
        place: StorePlace,
        assets: AssetStore,
        encoders: Encoders,
        retriever: Retriever,
        reranker: Reranker,
        answerer: Answerer,
        note: str,
        model_states: Callable[[], tuple[ModelState, ...]],
    ) -> None:
        self.home = home
        self.config = config
        self.ledger = ledger
        self.assets = assets
        self.note = note
        self.model_states = model_states
        self._vocabulary = vocabulary
        self._store = store
        self._place = place
        self._encoders = encoders
        self._retriever = retriever
        self._reranker = reranker
        self._answerer = answerer
        # Held while documents are written, however long; then the other one for each step.
        self._document_lock = threading.RLock()
        self._write_lock = threading.RLock()
        # While documents are written: points that others have had deleted meanwhile.
        self._discarded: set[str] | None = None
        # Likewise those documents: their points get their labels with their vectors.
        self._being_written: frozenset[str] = frozenset()
        self._stale_assets: set[ImageRef] = set()
        self._is_profile_noted = False
        if ledger.n_chunks():
            self._note_profile()

    # -- read ----------------------------------------------------------------------------

    def search(self, query: Query, n_results: int | None = None) -> SearchResult:
        """Mend the question's spelling, recall, fuse, rerank; the best `n_results` hits (by default
        the profile's). The result's query is the mended one.

        Raises:
            InferenceError: A model failed.
            StoreUnavailableError: The store can't be reached, or has none of the vectors.
        """
        start = time.perf_counter()
        query = self._mended(query)
        hits, timings_ms = self._ask_store(lambda: self._retriever.retrieve(query))
        if not hits:
            self._require_vectors()
        rerank_start = time.perf_counter()
        scored = reranked(self._reranker, query, hits)
        n_kept = n_results or self.config.retrieve.n_results
        kept = tuple(self._retriever.pinpoint(query, scored[:n_kept]))
        end = time.perf_counter()
        timings_ms["rerank"] = (end - rerank_start) * 1000
        return SearchResult(query, kept, timings_ms, (end - start) * 1000)

    def trace(self, query: Query) -> SearchTrace:
        """What each stage makes of a question: as `search`, and no faster.

        Raises:
            InferenceError: A model failed.
            StoreUnavailableError: The store can't be reached.
        """
        mended = self._mended(query)
        return self._ask_store(
            lambda: trace_search(
                self._retriever, self._reranker, mended, self.config.retrieve.n_results
            )
        )

    def loss(self, trace: SearchTrace, chunks: Sequence[Chunk]) -> Loss:
        """At which stage of a search a place was lost.

        Args:
            chunks: All that the place holds, of one document.

        Raises:
            StoreUnavailableError: The store can't be reached.
        """
        return self._ask_store(lambda: find_loss(trace, self._retriever, chunks))

    def _require_vectors(self) -> None:
        """That nothing is found means nothing where a former version's vectors were given up, or
        lost, and no sync has made others yet."""
        n_chunks = self.ledger.n_chunks()
        if n_chunks and not self._ask_store(self._store.stats).n_points:
            raise StoreUnavailableError(
                f"Nothing can be found in {self.home.path} yet: its ledger has {n_chunks:,} "
                "passages, and its store none of their vectors. `kb sync` makes them; files that "
                "did not change are not read for it.",
                collection=str(self.home.index),
            )

    def warm(self) -> None:
        """Load what the first question would wait for seconds for: the text models of `starter`.
        Larger ones are loaded when they are needed.

        Raises:
            ModelLoadError: A model's files are damaged.
        """
        if isinstance(self.config.encoder, TextEncoderConfig):
            Nearness(self._encoders.dense).warm()

    def understood(self, query: Query, turns: Sequence[Turn]) -> Query:
        """`query` with the subject that it leaves out, from earlier questions of its conversation;
        `query` itself, where it is whole. A picture is a subject."""
        if query.images or query.clip:
            return query
        text = understand(query.text, turns)
        return query if text == query.text else replace(query, text=text, typed=query.text)

    def ask(
        self, query: Query, *, is_written: bool = True, answerer: Answerer | None = None
    ) -> Iterator[TextDelta | Citation | Answer]:
        """Search, then write the answer; the last item is the whole Answer. Where claims are
        checked, one without them comes first, and before a written one its quotes where there are
        any: see `Answerer.stream`. A question that follows others is made whole by `understood`
        before.

        Args:
            is_written: False: quotes alone, where the profile has any.
            answerer: In place of its own, as `kb.build.answerer_with` makes it.
        """
        start = time.perf_counter()
        reply = reply_without_files(query, self.ledger, datetime.now().astimezone())
        if reply is not None:
            yield TextDelta(reply.text)
            elapsed_ms = (time.perf_counter() - start) * 1000
            yield Answer(
                query=query,
                text=reply.text,
                status=reply.status,
                citations=(),
                hits=(),
                timings_ms={},
                total_time_ms=elapsed_ms,
                is_from_files=False,
            )
            return
        result = self.search(query)
        events = (answerer or self._answerer).stream(
            result.query,
            result.hits,
            lambda other: self.search(other).hits,
            is_written=is_written,
        )
        for event in events:
            check()
            if isinstance(event, Answer):
                elapsed_s = time.perf_counter() - start
                timings_ms = {**result.timings_ms, **event.timings_ms}
                yield replace(event, timings_ms=timings_ms, total_time_ms=elapsed_s * 1000)
            else:
                yield event

    def _mended(self, query: Query) -> Query:
        if query.as_written or query.instead_of:
            return query
        text = self._vocabulary.mend(query.text)
        return query if text == query.text else replace(query, text=text, instead_of=query.text)

    def answer(self, query: Query, turns: Sequence[Turn] = ()) -> Answer:
        """The answer, whole: what `ask` gives last, of the question as it is understood after
        `turns`, the earlier ones."""
        *_, answer = self.ask(self.understood(query, turns))
        assert isinstance(answer, Answer)
        return answer

    @property
    def encoders(self) -> Encoders:
        """Of the profile."""
        return self._encoders

    @property
    def reranker(self) -> Reranker:
        """Of the profile."""
        return self._reranker

    def parts(self, hits: Sequence[Hit]) -> list[Hit]:
        """`hits` as an answer is made of them: each followed by what was folded into it."""
        return self._answerer.parts(hits)

    def hit(self, chunk_id: str) -> Hit | None:
        """A committed chunk with the path people see, without scores."""
        chunk = self.ledger.chunks([chunk_id]).get(chunk_id)
        if chunk is None:
            return None
        source = self.ledger.sources([chunk.document_sha256]).get(chunk.document_sha256, "")
        return Hit(chunk, source)

    def store_stats(self) -> StoreStats:
        """Counts and size of the store."""
        return self._ask_store(lambda: self._store.stats())

    def _ask_store(self, ask: Callable[[], T]) -> T:
        while True:
            store = self._store
            try:
                return ask()
            except StoreError:
                # Another was put in its place while this request was on its way.
                if store is self._store:
                    raise

    # -- write ---------------------------------------------------------------------------

    @property
    def picture_encoder(self) -> PictureEncoder | None:
        """What describes the pictures of chunks; None where the profile has nothing for it.
        It can be sent to another process."""
        return self._encoders.picture

    def write(self, documents: Sequence[IndexedDocument]) -> dict[str, str]:
        """Make documents answer, replacing what they held before, at once: however many chunks
        they have, all that answers before the last one is written is what they held.

        Returns:
            By sha256, what is amiss with documents of which the dense encoder refused a part:
            that part is found by its words alone, and the document is PARTIAL.

        Raises:
            InferenceError: The encoder failed; the documents are what they were, and `recover`
                tidies what was begun.
            StoreError: The store or the ledger failed; likewise.
        """
        refused: dict[str, list[str]] = {}
        labels = {d.record.document.sha256: _labels(d) for d in documents}
        with self._document_lock:
            self._discarded = set()
            self._being_written = frozenset(labels)
            try:
                for batch in full_batches(b for d in documents for b in d.batches):
                    self._upsert(batch, labels, refused)
                with self._write_lock:
                    for batch in self._lost(documents):
                        self._upsert(batch, labels, {})
                    amiss = {sha256: words_alone(reasons) for sha256, reasons in refused.items()}
                    stale = self.ledger.commit(
                        [
                            (
                                _with_reason(d.record, amiss.get(d.record.document.sha256)),
                                (chunk for batch in d.batches for chunk in batch.chunks),
                                d.paths,
                            )
                            for d in documents
                        ],
                        {d.record.document.sha256: d.tables for d in documents},
                    )
                    self._discarded = None
                    self._being_written = frozenset()
                    self._discard(stale)
                    self._relabel()
                    self._note_profile()
            finally:
                self._discarded = None
                self._being_written = frozenset()
        return amiss

    def _upsert(
        self,
        batch: ChunkBatch,
        labels: Mapping[str, DocumentLabels],
        refused: dict[str, list[str]],
    ) -> None:
        """Write the points of a batch, which answer as soon as the ledger has its chunks; add to
        `refused`, by sha256, why chunks have no dense vector."""
        points, reasons = make_points(batch.chunks, self._encoders, labels, batch.pictures)
        for chunk in batch.chunks:
            if chunk.id in reasons:
                refused.setdefault(chunk.document_sha256, []).append(reasons[chunk.id])
        # Not held while the whole of a long document is encoded: others delete files meanwhile.
        with self._write_lock:
            sha256s = {point.document_sha256 for point in points}
            self.ledger.announce([point.id for point in points], sha256s)
            self._store.upsert(points)
        self._vocabulary.add(chunk.contextual_text for chunk in batch.chunks)

    def _lost(self, documents: Sequence[IndexedDocument]) -> Iterator[ChunkBatch]:
        """What was deleted from the store since it was written for `documents`: a file was
        forgotten that held an earlier state of one of them."""
        if not self._discarded:
            return
        for document in documents:
            for chunks, pictures in document.batches:
                lost = tuple(chunk for chunk in chunks if chunk.id in self._discarded)
                if lost:
                    yield ChunkBatch(lost, pictures)

    def _note_profile(self) -> None:
        """An index with documents belongs to the profile whose vectors it has."""
        if not self._is_profile_noted:
            self.home.note_profile(self.config.profile)
            self._is_profile_noted = True

    def forget_paths(self, keys: Sequence[tuple[str, str]]) -> None:
        """Forget files by ``(root, path)``, and documents that no file holds any more."""
        with self._write_lock:
            self._discard(self.ledger.remove_paths(keys))
            self._relabel()

    def put_paths(self, records: Sequence[PathRecord]) -> None:
        """Note where documents that are already indexed lie."""
        with self._write_lock:
            self._discard(self.ledger.put_paths(records))
            self._relabel()

    def recover(self) -> None:
        """Finish what a crash interrupted: drop points that no chunk stands for, make the vectors
        of chunks that have none, and tell the store where files lie. So an index of a former
        version is given what it lacks, and nothing is embedded for it.

        After new vectors took the former ones' place, ids are compared once: by counts alone,
        points without a chunk would hide chunks without one.

        Raises:
            IndexMismatchError: Other vectors took the place of those that are open.
            StoreError: The store or the ledger failed.
        """
        with self._document_lock, self._write_lock:
            self._place.require_current()
            self._discard(Stale(tuple(self.ledger.pending_points()), ()))
            self._relabel()
            is_checked = self._place.is_checked()
            if is_checked and self._store.stats().n_points >= self.ledger.n_chunks():
                return
            committed, stored = self.ledger.chunk_ids(), set(self._store.ids())
            self._fill(sorted(committed - stored), gone=frozenset())
            if not is_checked:
                self._store.delete(sorted(stored - committed))
                self._place.note_checked()

    def is_current(self) -> bool:
        """Whether the vectors that are open are still those that answer in this home:
        `kb.build.reembed_library` puts others in their place.

        Raises:
            StoreUnavailableError: The index does not say which ones answer.
        """
        return self._place.is_current()

    def take_over(self, successor: KnowledgeBase) -> None:
        """Become `successor`, which `kb.build.reopen` made of the vectors that took the place of
        these. Searches go on meanwhile; the former store is closed.

        Call it while nothing is read or written: what is under way is for the former encoders.
        """
        with self._document_lock, self._write_lock:
            former = self._store
            self.config = successor.config
            self.note = successor.note
            self.model_states = successor.model_states
            self._encoders = successor._encoders
            self._retriever = successor._retriever
            self._reranker = successor._reranker
            self._answerer = successor._answerer
            self._place = successor._place
            self._is_profile_noted = False
            # Last: whoever finds it here finds the others too.
            self._store = successor._store
            self.ledger.may_write = self._place.require_current
            former.close()

    def write_with(
        self,
        config: Config,
        answerer: Answerer,
        model_states: Callable[[], tuple[ModelState, ...]],
        note: str,
    ) -> None:
        """Make answers with `answerer` from now on, as `kb.build.use_generator` made it. Those
        under way are ended with the former one."""
        with self._write_lock:
            self.config = config
            self.note = note
            self.model_states = model_states
            self._answerer = answerer

    def add_password(self, password: str) -> None:
        """Have locked documents opened with a password, too, from the next sync on.

        Raises:
            ConfigError: It is none, or can't be kept.
        """
        with self._write_lock:
            add_password(self.home, password)
            self.config = with_passwords(self.config, self.home)

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
            if self._discarded is not None:
                self._discarded.update(stale.point_ids)
            self._store.delete(stale.point_ids)
            self.ledger.settle(stale.point_ids)

    def _relabel(self) -> None:
        """Have the store limit searches by where files lie now. Searches go on meanwhile, by what
        the ledger says."""
        while pending := self.ledger.pending_labels(_LABEL_BATCH, self._being_written):
            labels = self.ledger.labels(pending)
            self._store.set_labels(labels)
            self.ledger.settle_labels({sha256: labels.get(sha256) for sha256 in pending})

    # -- care ----------------------------------------------------------------------------

    def examine(self) -> Repair:
        """Compare ledger, store and assets. Changes nothing."""
        with self._document_lock, self._write_lock:
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
        with self._document_lock, self._write_lock:
            self._fill(found.missing_points, gone=frozenset(found.missing_assets))
            self._discard(Stale(found.orphan_points, ()))
            self.ledger.forget_documents(found.missing_assets)
            for path in found.orphan_assets:
                path.unlink(missing_ok=True)

    def _fill(self, ids: Sequence[str], gone: frozenset[str]) -> None:
        """Make the vectors of chunks, but for those of the documents `gone`."""
        for start in range(0, len(ids), 256):
            chunks = [
                chunk
                for chunk in self.ledger.chunks(ids[start : start + 256]).values()
                if chunk.document_sha256 not in gone
            ]
            if chunks:
                labels = self.ledger.labels({chunk.document_sha256 for chunk in chunks})
                points, _ = make_points(chunks, self._encoders, labels)
                # Whoever copies the store waits while the ledger says that it is being written.
                self.ledger.announce((), labels)
                self._store.upsert(points)
                self.ledger.settle_labels(labels)

    def close(self) -> None:
        """Release the store and the ledger."""
        with self._document_lock, self._write_lock:
            self._store.close()
            self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _labels(document: IndexedDocument) -> DocumentLabels:
    paths = [path.path for path in document.paths]
    return DocumentLabels.of(paths, document.record.document.date_ns)


def _with_reason(record: DocumentRecord, reason: str | None) -> DocumentRecord:
    if reason is None:
        return record
    reasons = " ".join(part for part in (record.reason, reason) if part)
    return replace(record, status=DocumentStatus.PARTIAL, reason=reasons)
