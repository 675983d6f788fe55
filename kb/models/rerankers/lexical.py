"""A reranker that reads: which of the question's words a chunk holds, and how close together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from kb.protocols import Float32Array
from kb.text.terms import Term, content_terms, find_terms
from kb.types import Chunk, Hit, Query

__all__ = ["LexicalReranker"]

_Item = TypeVar("_Item")

# Columns of `_features`; found with `benchmarks.quality` on the four evaluation sets of words.
# The fused score already counts single words (BM25), so what is added is what it can't see:
# nearness, phrases, headings.
_WEIGHTS = np.array(
    [
        1.0,  # the fused score
        0.05,  # terms within one stretch of text
        0.05,  # phrases of the question
        0.10,  # terms in the title and headings
    ],
    np.float32,
)
# About a sentence or two.
_WINDOW_CHARS = 240
# Words of one phrase: apart by a space, a hyphen, or in the text by a short word.
_QUESTION_GAP_CHARS = 2
_TEXT_GAP_CHARS = 16


class LexicalReranker:
    """Scores by a weighted sum of the fused score and of what the words say.

    A question of pictures alone keeps the order of the fused scores.
    """

    def rerank(self, query: Query, hits: Sequence[Hit]) -> Float32Array:
        """float32 ``(len(hits),)``: higher is better, comparable within one query."""
        return np.asarray(_features(query, hits) @ _WEIGHTS, np.float32)


def _features(query: Query, hits: Sequence[Hit]) -> Float32Array:
    """float32 ``(len(hits), 4)`` in [0, 1]; see `_WEIGHTS` for the columns.

    Terms and phrases weigh by their inverse document frequency among `hits`.
    """
    table = np.zeros((len(hits), len(_WEIGHTS)), np.float32)
    table[:, 0] = [hit.fused for hit in hits]
    asked = content_terms(query.text)
    if not asked or not hits:
        return table
    stems = dict.fromkeys(term.stem for term in asked)
    bodies = [find_terms(hit.chunk.text, stems) for hit in hits]
    heads = [{term.stem for term in find_terms(_head(hit.chunk), stems)} for hit in hits]
    weights = _idf(
        stems,
        [{term.stem for term in body} | head for body, head in zip(bodies, heads, strict=True)],
    )
    total = sum(weights.values())
    table[:, 1] = [_best_window(body, weights) / total for body in bodies]
    table[:, 3] = [sum(weights[stem] for stem in head) / total for head in heads]
    phrases = _pairs(asked, _QUESTION_GAP_CHARS)
    if phrases:
        held = [phrases & _pairs(body, _TEXT_GAP_CHARS) for body in bodies]
        rarity = _idf(phrases, held)
        table[:, 2] = [sum(rarity[pair] for pair in one) / sum(rarity.values()) for one in held]
    return table


def _head(chunk: Chunk) -> str:
    return "\n".join((chunk.title, *chunk.headings))


def _idf(items: Iterable[_Item], holders: Sequence[Collection[_Item]]) -> dict[_Item, float]:
    n = len(holders)
    counts = {item: sum(item in holder for holder in holders) for item in items}
    return {item: math.log(1 + (n - df + 0.5) / (df + 0.5)) for item, df in counts.items()}


def _best_window(found: Sequence[Term], weights: Mapping[str, float]) -> float:
    """The greatest weight of different terms that begin within `_WINDOW_CHARS`."""
    inside: Counter[str] = Counter()
    first, mass, best = 0, 0.0, 0.0
    for term in found:
        while term.start - found[first].start > _WINDOW_CHARS:
            gone = found[first].stem
            inside[gone] -= 1
            if not inside[gone]:
                mass -= weights[gone]
            first += 1
        if not inside[term.stem]:
            mass += weights[term.stem]
        inside[term.stem] += 1
        best = max(best, mass)
    return best


def _pairs(found: Sequence[Term], gap_chars: int) -> set[tuple[str, str]]:
    """Pairs of different terms of which the second follows the first within `gap_chars`."""
    met = set()
    for i, first in enumerate(found):
        for second in found[i + 1 :]:
            if second.start - first.end > gap_chars:
                break
            if second.start > first.start and second.stem != first.stem:
                met.add((first.stem, second.stem))
    return met
