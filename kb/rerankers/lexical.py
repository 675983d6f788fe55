"""A reranker that reads: which of the question's words a chunk holds, and how close together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from kb.protocols import Float32Array
from kb.text import Term, content_terms, find_terms
from kb.types import Hit, Query

__all__ = ["LexicalReranker"]

# Columns of `features`, with weights found on half of the questions of the evaluation sets
# by `benchmarks.quality` and checked on the other half.
_WEIGHTS = np.array(
    [
        1.0,  # fused score, the prior
        0.0,  # coverage
        0.0,  # saturated frequency
        0.05,  # best window
        0.2,  # pairs in order
        0.1,  # headings
        0.0,  # file name
    ],
    np.float32,
)
# About a sentence; a Chinese character says as much as three letters.
_WINDOW_CHARS = 240
_SATURATION = 1.2
_PAIR_GAP_CHARS = 16


class LexicalReranker:
    """Scores by a weighted sum of the fused score and what the words say.

    A question of pictures alone keeps the order of the fused scores.
    """

    def rerank(self, query: Query, hits: Sequence[Hit]) -> Float32Array:
        """float32 ``(len(hits),)``: higher is better, comparable within one query."""
        return np.asarray(features(query, hits) @ _WEIGHTS, np.float32)


def features(query: Query, hits: Sequence[Hit]) -> Float32Array:
    """float32 ``(len(hits), 7)``, each in [0, 1]; see `_WEIGHTS` for the columns.

    A term's weight is its inverse document frequency among `hits`, as in BM25.
    """
    table = np.zeros((len(hits), len(_WEIGHTS)), np.float32)
    table[:, 0] = [hit.fused for hit in hits]
    asked = content_terms(query.text)
    order = list(dict.fromkeys(term.stem for term in asked))
    if not order or not hits:
        return table
    bodies = [find_terms(hit.chunk.text, order) for hit in hits]
    heads = [find_terms(" \n ".join((hit.chunk.title, *hit.chunk.headings)), order) for hit in hits]
    names = [find_terms(hit.source, order) for hit in hits]
    weights = _idf(
        order,
        [{term.stem for term in (*body, *head)} for body, head in zip(bodies, heads, strict=True)],
    )
    total = sum(weights.values())
    pairs = list(pairwise(order))
    pairs_total = sum(weights[a] + weights[b] for a, b in pairs)
    for row, (body, head, name) in enumerate(zip(bodies, heads, names, strict=True)):
        counts: dict[str, int] = {}
        for term in body:
            counts[term.stem] = counts.get(term.stem, 0) + 1
        in_head = {term.stem for term in head}
        table[row, 1] = _mass(weights, counts.keys() | in_head) / total
        table[row, 2] = sum(weights[s] * n / (n + _SATURATION) for s, n in counts.items()) / total
        table[row, 3] = _best_window(body, weights) / total
        if pairs_total:
            met = _pairs_in_order(body)
            table[row, 4] = (
                sum(weights[a] + weights[b] for a, b in pairs if (a, b) in met) / pairs_total
            )
        table[row, 5] = _mass(weights, in_head) / total
        table[row, 6] = _mass(weights, {term.stem for term in name}) / total
    return table


def _idf(stems: Sequence[str], holders: Sequence[set[str]]) -> dict[str, float]:
    n = len(holders)
    counts = {stem: sum(stem in holder for holder in holders) for stem in stems}
    return {stem: math.log(1 + (n - df + 0.5) / (df + 0.5)) for stem, df in counts.items()}


def _mass(weights: dict[str, float], stems: set[str]) -> float:
    return sum(weights[stem] for stem in stems)


def _best_window(found: Sequence[Term], weights: dict[str, float]) -> float:
    """The greatest weight of different terms that begin within `_WINDOW_CHARS`."""
    inside: dict[str, int] = {}
    first, mass, best = 0, 0.0, 0.0
    for term in found:
        while term.start - found[first].start > _WINDOW_CHARS:
            gone = found[first].stem
            inside[gone] -= 1
            if not inside[gone]:
                mass -= weights[gone]
            first += 1
        if not inside.get(term.stem):
            mass += weights[term.stem]
        inside[term.stem] = inside.get(term.stem, 0) + 1
        best = max(best, mass)
    return best


def _pairs_in_order(found: Sequence[Term]) -> set[tuple[str, str]]:
    """Pairs of terms of which the second follows the first closely."""
    met = set()
    for i, first in enumerate(found):
        for second in found[i + 1 :]:
            if second.start - first.end > _PAIR_GAP_CHARS:
                break
            if second.start > first.start:
                met.add((first.stem, second.stem))
    return met
