"""From a question to the places that may answer it: search, fuse, fold what is one place."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from kb.config import RetrieveConfig
from kb.protocols import (
    Encoders,
    Float32Array,
    ScoredId,
    Store,
    StoreFilter,
    VectorName,
    VectorQuery,
    View,
    views_of,
)
from kb.retrieve.dense import DenseList, merge_views
from kb.retrieve.fusion import ScoredList, fuse
from kb.retrieve.group_by_place import group_by_place
from kb.retrieve.recall import Recall
from kb.stopping import check
from kb.types import Chunk, Filters, Hit, Query

__all__ = ["Catalog", "Retriever"]

_PICTURE_SHARE = 0.5
_MAX_CLIP_FRAMES = 8
# Times what is wanted, where points of documents that do not answer yet stand before the others.
_MOST_ASKED = 16
# Chunks whose scores are looked up at once; few documents have as many.
_MOST_OF_DOCUMENT = 10_000


class Catalog(Protocol):
    """What the ledger tells retrieval."""

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The committed chunks among `ids`; a chunk that is not in it is not shown."""

    def sources(self, document_sha256s: Iterable[str]) -> dict[str, str]:
        """The path people see, by document."""

    def documents(self, filters: Filters) -> frozenset[str] | None:
        """Documents that pass the folders, sources and dates of `filters`; None where
        these set no limit."""

    def has_pending_labels(self) -> bool:
        """Whether the store may have other folders or dates for some document."""


class Retriever:
    """Finds the `n_recall` places most likely to answer.

    Args:
        store: Vectors.
        encoders: Of the profile, the ones `store` was filled with.
        catalog: Chunks and documents by id.
        config: Weight of the lists and their length.
    """

    def __init__(
        self, store: Store, encoders: Encoders, catalog: Catalog, config: RetrieveConfig
    ) -> None:
        self._store = store
        self._encoders = encoders
        self._catalog = catalog
        self._config = config

    def retrieve(self, query: Query) -> tuple[list[Hit], dict[str, float]]:
        """Hits, best first, at most `n_recall`, one a place; and milliseconds by stage
        (``encode``, ``retrieve``, ``assemble``).

        Raises:
            InferenceError: An encoder failed.
            StoreError: The store failed.
        """
        recall, timings_ms = self.recall(query)
        return list(recall.taken), timings_ms

    def recall(self, query: Query) -> tuple[Recall, dict[str, float]]:
        """As `retrieve`, with all that was found on the way."""
        clock = _Clock()
        limits = self._filter(query.filters)
        if limits is not None and limits.documents == frozenset():
            return Recall((), (), (), (), self._config.n_recall), clock.timings_ms
        views, requests, pictures = self._encode(query)
        clock.lap("encode")
        found, chunks = self._search(requests, limits)
        clock.lap("retrieve")
        dense = merge_views(views, [_scores(one) for one in found[: len(views)]], chunks)
        lists = self._lists(dense, requests, found, pictures)
        places = self._assemble(query, dense, lists, chunks)
        clock.lap("assemble")
        recall = Recall(
            views,
            tuple(requests),
            tuple(map(tuple, found)),
            tuple(places),
            self._config.n_recall,
        )
        return recall, clock.timings_ms

    def scores_of(self, recall: Recall, document_sha256: str) -> list[dict[str, float]]:
        """Scores of a document's chunks by id, for each request of a recall.

        Raises:
            StoreError: The store failed.
        """
        limits = StoreFilter(documents=frozenset((document_sha256,)))
        asked = [replace(request, limit=_MOST_OF_DOCUMENT) for request in recall.requests]
        return [_scores(items) for items in self._store.search(asked, limits)] if asked else []

    def passes(self, filters: Filters, chunk: Chunk) -> bool:
        """Whether a question with such filters is asked of a chunk."""
        documents = self._catalog.documents(filters)
        if documents is not None and chunk.document_sha256 not in documents:
            return False
        return not filters.kinds or chunk.kind in filters.kinds

    def pinpoint(self, query: Query, hits: Sequence[Hit]) -> list[Hit]:
        """`hits` with `time_s` set on clips that a picture found: the second of the frame
        most like it. It reads frames, so call it on the hits that are kept."""
        encoder = self._encoders.picture
        if encoder is None or not any(hit.picture is not None and hit.chunk.frames for hit in hits):
            return list(hits)
        asked = encoder.encode_query(query)
        located = []
        for hit in hits:
            if hit.picture is not None and hit.chunk.frames and len(asked):
                rows = encoder.encode_chunk(hit.chunk)
                best = int(np.argmax((rows @ asked.T).max(axis=1)))
                hit = replace(hit, time_s=hit.chunk.frames[best].time_s)
            located.append(hit)
        return located

    def _filter(self, filters: Filters) -> StoreFilter | None:
        kinds = frozenset(filters.kinds) or None
        # Files and when they were changed are the ledger's alone.
        is_of_files = filters.sources or (
            (filters.changed_after_ns, filters.changed_before_ns) != (None, None)
        )
        if is_of_files or self._catalog.has_pending_labels():
            limits = StoreFilter(self._catalog.documents(filters), kinds)
        else:
            # "" is the root itself.
            folders = frozenset(folder.strip("/") for folder in filters.folders)
            limits = StoreFilter(
                kinds=kinds,
                folders=None if not folders or "" in folders else folders,
                from_ns=filters.after_ns,
                before_ns=filters.before_ns,
            )
        return None if limits == StoreFilter() else limits

    def _encode(self, query: Query) -> tuple[tuple[View, ...], list[VectorQuery], list[int]]:
        """Views of the question by the dense encoder; the requests, first those of the views; and
        for each PICTURE request which of the question's pictures it is."""
        n = self._config.n_recall
        dense = self._encoders.dense
        views = views_of(dense, query) if dense.accepts(query) else ()
        requests = [VectorQuery(VectorName.DENSE, view.vector, n) for view in views]
        if query.text:
            sparse = self._encoders.sparse.encode_queries([query])[0]
            if len(sparse.indices):
                requests.append(VectorQuery(VectorName.SPARSE, sparse, n))
        pictures = []
        for number, rows in enumerate(self._pictures(query)):
            for row in rows:
                requests.append(VectorQuery(VectorName.PICTURE, row, n))
                pictures.append(number)
        return views, requests, pictures

    def _search(
        self, requests: Sequence[VectorQuery], limits: StoreFilter | None
    ) -> tuple[list[list[ScoredId]], dict[str, Chunk]]:
        """What answers of what the store finds, by request, and the chunks. While a long document
        is written its points take others' places in the store's lists: then more are asked for."""
        n_asked = self._config.n_recall
        n_most = _MOST_ASKED * n_asked
        while True:
            asked = [replace(request, limit=n_asked) for request in requests]
            found = self._store.search(asked, limits) if asked else []
            chunks = self._catalog.chunks(list({item.id for items in found for item in items}))
            answering = [[item for item in items if item.id in chunks] for items in found]
            is_short = any(
                len(items) == n_asked and len(kept) < self._config.n_recall
                for items, kept in zip(found, answering, strict=True)
            )
            if not is_short or n_asked >= n_most:
                return [kept[: self._config.n_recall] for kept in answering], chunks
            check()
            n_asked = min(4 * n_asked, n_most)

    def _pictures(self, query: Query) -> list[Float32Array]:
        encoder = self._encoders.picture
        if encoder is None:
            return []
        step = max(1, -(-len(query.clip) // _MAX_CLIP_FRAMES))
        singles = [Query(images=(image,)) for image in query.images]
        singles += [Query(clip=(frame,)) for frame in query.clip[::step]]
        return [encoder.encode_query(single) for single in singles]

    def _lists(
        self,
        dense: DenseList,
        requests: Sequence[VectorQuery],
        found: Sequence[Sequence[ScoredId]],
        pictures: Sequence[int],
    ) -> dict[VectorName, ScoredList]:
        by_picture: dict[int, dict[str, float]] = {}
        numbers = iter(pictures)
        sparse: dict[str, float] = {}
        for request, result in zip(requests, found, strict=True):
            scores = _scores(result)
            if request.name is VectorName.PICTURE:
                best = by_picture.setdefault(next(numbers), {})
                for key, score in scores.items():
                    best[key] = max(score, best.get(key, score))
            elif request.name is VectorName.SPARSE:
                sparse = scores
        shown = _mean_of_lists(list(by_picture.values()))
        words_share = 1 - _PICTURE_SHARE if len(requests) > len(pictures) else 0.0
        alpha = self._config.alpha
        return {
            VectorName.DENSE: ScoredList(dense.parts, alpha * words_share, 0.0, maximum=1.0),
            VectorName.SPARSE: ScoredList(sparse, (1 - alpha) * words_share, 0.0, absent=0.0),
            VectorName.PICTURE: ScoredList(shown, _PICTURE_SHARE, 0.0, maximum=1.0),
        }

    def _assemble(
        self,
        query: Query,
        dense: DenseList,
        lists: dict[VectorName, ScoredList],
        known: Mapping[str, Chunk],
    ) -> list[Hit]:
        fused = fuse(list(lists.values()))
        rows = {key: fused.parts[row] for row, key in enumerate(fused.ids)}
        scores = {key: float(row.sum()) for key, row in rows.items()}
        chunks = sorted(
            (known[key] for key in fused.ids), key=lambda chunk: (-scores[chunk.id], chunk.id)
        )
        names = self._catalog.sources({chunk.document_sha256 for chunk in chunks})
        hits = []
        for group in group_by_place(chunks):
            members = [chunks[index] for index in group]
            source = names.get(members[0].document_sha256)
            if source is None:
                # Its last path was forgotten since its chunks were read.
                continue
            shown = _representative(query, members)
            ids = [member.id for member in members]
            hits.append(
                Hit(
                    chunk=shown,
                    source=source,
                    dense=_highest(dense.cosines, ids),
                    sparse=_highest(lists[VectorName.SPARSE].scores, ids),
                    picture=_highest(lists[VectorName.PICTURE].scores, ids),
                    fused=float(np.max([rows[key] for key in ids], axis=0).sum()),
                    also=tuple(key for key in ids if key != shown.id),
                )
            )
        hits.sort(key=lambda hit: (-hit.fused, hit.chunk.id))
        return hits


def _representative(query: Query, members: Sequence[Chunk]) -> Chunk:
    """The best member; for words the best that has words, since answers quote it."""
    with_words = (member for member in members if member.text) if query.text else iter(())
    return next(with_words, members[0])


def _scores(found: Sequence[ScoredId]) -> dict[str, float]:
    return {item.id: item.score for item in found}


def _highest(scores: Mapping[str, float], ids: Sequence[str]) -> float | None:
    return max((scores[key] for key in ids if key in scores), default=None)


def _mean_of_lists(lists: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean score over the question's pictures; a list that misses an id gives its lowest."""
    lists = [one for one in lists if one]
    ids = dict.fromkeys(key for one in lists for key in one)
    lowest = [min(one.values()) for one in lists]
    return {
        key: sum(one.get(key, low) for one, low in zip(lists, lowest, strict=True)) / len(lists)
        for key in ids
    }


class _Clock:
    """Milliseconds between laps. Where nobody waits any more, a lap is the last."""

    def __init__(self) -> None:
        self.timings_ms: dict[str, float] = {}
        self._last_s = time.perf_counter()

    def lap(self, stage: str) -> None:
        check()
        now_s = time.perf_counter()
        self.timings_ms[stage] = (now_s - self._last_s) * 1000
        self._last_s = now_s
