"""What each stage made of a question, and where a page was lost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from made_retriever import Library, picture

from kb.protocols import Float32Array
from kb.retrieve.trace import LostAt, SearchTrace, TraceStage, find_loss, trace_search
from kb.types import Filters, Hit, Kind, Locator, Modality, Query


class ByName:
    """Ranks hits by the numbers in their chunks' ids, the highest first."""

    def rerank(self, query: Query, hits: Sequence[Hit]) -> Float32Array:
        return np.array([float(hit.chunk.id[1:]) for hit in hits], np.float32)


def traced(library: Library, query: Query, n_kept: int = 1) -> SearchTrace:
    return trace_search(library.retriever, ByName(), query, n_kept)


def test_a_place_has_a_rank_at_each_stage_that_found_it() -> None:
    library = Library()
    library.add("a1", "reset device")
    library.add("a2", "reset")
    library.add("a3", "lid")
    trace = traced(library, Query(text="reset device"))
    assert [one.hit.chunk.id for one in trace.hits] == ["a3", "a2", "a1"]
    ranks = {one.hit.chunk.id: one.ranks for one in trace.hits}
    assert ranks["a1"] == {
        TraceStage.DENSE: 1,
        TraceStage.SPARSE: 1,
        TraceStage.FUSED: 1,
        TraceStage.RERANK: 3,
    }
    assert TraceStage.SPARSE not in ranks["a3"]
    assert set(trace.timings_ms) == {"encode", "retrieve", "assemble", "rerank"}
    # It is the search that answers make.
    hits, _ = library.retriever.retrieve(Query(text="reset device"))
    assert {hit.chunk.id for hit in hits} == set(ranks)


def test_what_answers_are_made_from_is_lost_nowhere() -> None:
    library = Library()
    library.add("a1", "reset", document="d", locator=Locator(page=1))
    library.add("a2", document="d", locator=Locator(page=1), modality=Modality.IMAGE, angles=(0.0,))
    query = Query(text="reset", images=(picture(0.0),))
    trace = traced(library, query)
    # The page's picture is folded into its words.
    loss = find_loss(trace, library.retriever, [library.shelf.by_id["a2"]])
    assert (loss.at, loss.rank, loss.margins) == (LostAt.KEPT, 1, ())


def test_the_reranker_tells_by_how_much() -> None:
    library = Library()
    library.add("a1", "reset device")
    library.add("a5", "reset")
    trace = traced(library, Query(text="reset device"))
    loss = find_loss(trace, library.retriever, [library.shelf.by_id["a1"]])
    assert (loss.at, loss.rank, loss.n_taken) == (LostAt.RERANK, 2, 1)
    (margin,) = loss.margins
    assert (margin.stage, margin.score, margin.needed) == (TraceStage.RERANK, 1.0, 5.0)


def test_a_place_that_one_search_found_too_far_down_is_lost_when_they_are_put_together() -> None:
    library = Library(n_recall=2, alpha=0.5)
    for number in (1, 2):
        library.add(f"a{number}", "reset device")
    # Words alone: found by BM25 after nothing else is left, and far from the question's meaning.
    library.add("a3", "device price price price")
    library.add("a4", angles=(0.0,), modality=Modality.VIDEO)
    query = Query(text="reset device", images=(picture(0.0),))
    trace = traced(library, query)
    assert len(trace.recall.places) == 3
    (lost,) = trace.recall.places[2:]
    loss = find_loss(trace, library.retriever, [lost.chunk])
    assert (loss.at, loss.rank, loss.n_taken) == (LostAt.FUSION, 3, 2)
    assert loss.margins[0].score == lost.fused
    assert loss.margins[0].needed == trace.recall.places[1].fused


def test_what_no_search_found_is_told_by_how_much_each_missed_it() -> None:
    library = Library(n_recall=2)
    library.add("a1", "reset device")
    library.add("a2", "reset device")
    library.add("a3", "price", document="d")
    trace = traced(library, Query(text="reset device"))
    loss = find_loss(trace, library.retriever, [library.shelf.by_id["a3"]])
    assert (loss.at, loss.rank, loss.n_taken) == (LostAt.RECALL, None, 2)
    dense, sparse = loss.margins
    assert (dense.stage, sparse.stage) == (TraceStage.DENSE, TraceStage.SPARSE)
    assert dense.score is not None
    assert dense.needed == pytest.approx(1.0)
    assert dense.score < dense.needed
    assert (sparse.score, sparse.needed) == (None, 2.0)


def test_what_was_not_asked_is_said() -> None:
    library = Library()
    library.add("a1", "reset", document="d")
    chunk = library.shelf.by_id["a1"]
    trace = traced(library, Query(text="reset", filters=Filters(kinds=(Kind.PDF,))))
    assert find_loss(trace, library.retriever, [chunk]).at is LostAt.FILTERS
    assert find_loss(trace, library.retriever, []).at is LostAt.NOT_READ
    library.shelf.passing = frozenset()
    trace = traced(library, Query(text="reset", filters=Filters(folders=("x",))))
    assert trace.hits == ()
    assert find_loss(trace, library.retriever, [chunk]).at is LostAt.FILTERS
