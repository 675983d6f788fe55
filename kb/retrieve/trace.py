"""What each stage of a search made of a question, and where a page that was not found was lost.

Nothing of it is reckoned while questions are answered: a search is made once more, and looked at.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kb.protocols import Reranker
from kb.retrieve.recall import Recall
from kb.retrieve.reranked import reranked
from kb.retrieve.retriever import Retriever
from kb.types import Chunk, Hit, Query

__all__ = [
    "Loss",
    "LostAt",
    "Margin",
    "SearchTrace",
    "TraceStage",
    "TracedHit",
    "find_loss",
    "trace_search",
]


class TraceStage(StrEnum):
    """What ranks places: three searches, called as their vectors are (`VectorName`), their scores
    together, and the reranker."""

    DENSE = "dense"
    SPARSE = "sparse"
    PICTURE = "picture"
    FUSED = "fused"
    RERANK = "rerank"


@dataclass(frozen=True, slots=True)
class TracedHit:
    """A place that was found.

    Attributes:
        ranks: From 1, by stage, among all places that were found; of the stages that found it.
    """

    hit: Hit
    ranks: Mapping[TraceStage, int]


@dataclass(frozen=True, slots=True)
class SearchTrace:
    """A search, stage by stage.

    Attributes:
        query: As it was searched, its spelling mended.
        hits: What the reranker ranked, best first.
        n_kept: So many of them answers are made from.
        recall: What the searches found.
    """

    query: Query
    hits: tuple[TracedHit, ...]
    n_kept: int
    recall: Recall
    timings_ms: Mapping[str, float]


class LostAt(StrEnum):
    """Where a place was lost. NOT_READ: nothing of it was read. FILTERS: the question was asked
    elsewhere. RECALL: no search found it. FUSION: too few of them did, or too far down. RERANK: too
    far down. KEPT: nowhere, answers are made from it."""

    NOT_READ = "not_read"
    FILTERS = "filters"
    RECALL = "recall"
    FUSION = "fusion"
    RERANK = "rerank"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Margin:
    """How far a place was from what was taken.

    Attributes:
        score: Of the place; None: it has none in that search, as it shares no word, say.
        needed: Of the last one that was taken; None: all were.
    """

    stage: TraceStage
    score: float | None
    needed: float | None


@dataclass(frozen=True, slots=True)
class Loss:
    """What became of a place.

    Attributes:
        margins: Of the stage that lost it; of KEPT none.
        rank: At that stage, from 1; None where it has none.
        n_taken: So many that stage takes.
        chunk_ids: The passages and pictures of the place.
    """

    at: LostAt
    margins: tuple[Margin, ...] = ()
    rank: int | None = None
    n_taken: int = 0
    chunk_ids: frozenset[str] = frozenset()


def trace_search(
    retriever: Retriever, reranker: Reranker, query: Query, n_kept: int
) -> SearchTrace:
    """Search as answers do, and note the ranks.

    Raises:
        InferenceError: A model failed.
        StoreError: The store failed.
    """
    recall, timings_ms = retriever.recall(query)
    start_s = time.perf_counter()
    scored = reranked(reranker, query, recall.taken)
    timings_ms["rerank"] = (time.perf_counter() - start_s) * 1000
    ranks = _ranks(recall.places)
    traced = [
        TracedHit(hit, {**ranks[hit.chunk.id], TraceStage.RERANK: rank})
        for rank, hit in enumerate(scored, 1)
    ]
    return SearchTrace(query, tuple(traced), n_kept, recall, timings_ms)


def find_loss(trace: SearchTrace, retriever: Retriever, chunks: Sequence[Chunk]) -> Loss:
    """What became of a place.

    Args:
        retriever: That made the trace.
        chunks: All that the place holds, of one document.

    Raises:
        StoreError: The store failed.
    """
    ids = frozenset(chunk.id for chunk in chunks)
    if not chunks:
        return Loss(LostAt.NOT_READ)
    if not retriever.passes(trace.query.filters, chunks[0]):
        return Loss(LostAt.FILTERS, chunk_ids=ids)
    reranked = _rank([one.hit for one in trace.hits], ids)
    if reranked is not None:
        if reranked <= trace.n_kept:
            return Loss(LostAt.KEPT, (), reranked, trace.n_kept, ids)
        needed = trace.hits[trace.n_kept - 1].hit.rerank
        margin = Margin(TraceStage.RERANK, trace.hits[reranked - 1].hit.rerank, needed)
        return Loss(LostAt.RERANK, (margin,), reranked, trace.n_kept, ids)
    fused = _rank(trace.recall.places, ids)
    n_taken = len(trace.recall.taken)
    if fused is not None:
        needed = trace.recall.taken[-1].fused
        margin = Margin(TraceStage.FUSED, trace.recall.places[fused - 1].fused, needed)
        return Loss(LostAt.FUSION, (margin,), fused, n_taken, ids)
    return Loss(LostAt.RECALL, _margins(trace, retriever, chunks), None, trace.recall.n_asked, ids)


def _margins(
    trace: SearchTrace, retriever: Retriever, chunks: Sequence[Chunk]
) -> tuple[Margin, ...]:
    """By search, of the chunk that came nearest to being found."""
    recall = trace.recall
    texts = {chunk.id: chunk.text for chunk in chunks}
    best: dict[TraceStage, Margin] = {}
    for number, (request, scores) in enumerate(
        zip(recall.requests, retriever.scores_of(recall, chunks[0].document_sha256), strict=True)
    ):
        stage = TraceStage(request.name.value)
        view = recall.views[number] if number < len(recall.views) else None
        mine = [
            scores[key]
            for key, text in texts.items()
            if key in scores and (view is None or view.reads(text))
        ]
        found = [item.score for item in recall.found[number]]
        needed = min(found) if len(found) >= recall.n_asked else None
        margin = Margin(stage, max(mine, default=None), needed)
        if stage not in best or _lead(margin) > _lead(best[stage]):
            best[stage] = margin
    return tuple(best.values())


def _lead(margin: Margin) -> float:
    return float("-inf") if margin.score is None else margin.score - (margin.needed or 0.0)


def _rank(hits: Sequence[Hit], ids: Collection[str]) -> int | None:
    """Of the best hit that shows one of some chunks."""
    shown = (
        rank
        for rank, hit in enumerate(hits, 1)
        if hit.chunk.id in ids or any(key in ids for key in hit.also)
    )
    return next(shown, None)


def _ranks(places: Sequence[Hit]) -> dict[str, dict[TraceStage, int]]:
    """Of all places by the chunks that show them; they are in order of their fused scores."""
    ranks: dict[str, dict[TraceStage, int]] = {hit.chunk.id: {} for hit in places}
    for stage in (TraceStage.DENSE, TraceStage.SPARSE, TraceStage.PICTURE, TraceStage.FUSED):
        scored = [
            (score, hit.chunk.id)
            for hit in places
            if (score := getattr(hit, stage.value)) is not None
        ]
        scored.sort(key=lambda one: -one[0])
        for rank, (_, key) in enumerate(scored, 1):
            ranks[key][stage] = rank
    return ranks
