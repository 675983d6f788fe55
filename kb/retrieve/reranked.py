"""Places in the order that a reranker gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kb.protocols import Reranker
from kb.stopping import check
from kb.types import Hit, Query

__all__ = ["reranked"]


def reranked(reranker: Reranker, query: Query, hits: Sequence[Hit]) -> list[Hit]:
    """`hits` with the reranker's scores, best first.

    Raises:
        InferenceError: The model failed.
    """
    scores = reranker.rerank(query, hits)
    check()
    scored = [replace(hit, rerank=float(one)) for hit, one in zip(hits, scores, strict=True)]
    return sorted(scored, key=lambda hit: (-(hit.rerank or 0.0), -hit.fused, hit.chunk.id))
