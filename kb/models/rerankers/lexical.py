"""A reranker that reads: which of the question's words a chunk holds, and how close together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from kb.protocols import Float32Array
from kb.text.idf import idf
from kb.text.terms import Term, content_terms, find_terms
from kb.types import Hit, Query

__all__ = ["LexicalReranker"]

# Columns of `_features`; found with `benchmarks.quality` on the four evaluation sets of words.
# The fused score already counts single words (BM25), so what is added is what it can't see:
# nearness, phrases, headings, whether numbers are the same, and what else the document holds.
_WEIGHTS = np.array(
    [
        1.0,  # the fused score
        0.05,  # terms within one stretch of text
        0.05,  # phrases of the question
        0.10,  # terms in the file's name, the title, what the document says of itself, headings
        0.05,  # numbers, codes and versions of the question
        0.02,  # the best three places of the document
    ],
    np.float32,
)
# About a sentence or two.
_WINDOW_CHARS = 240
# Words of one phrase: apart by a space, a hyphen, or in the text by a short word.
_QUESTION_GAP_CHARS = 2
_TEXT_GAP_CHARS = 16
_BEST_OF_DOCUMENT = 3


class LexicalReranker:
    """Scores by a weighted sum of the fused score and of what the words say.

    A question of pictures alone keeps the order of the fused scores.
    """

    def rerank(self, query: Query, hits: Sequence[Hit]) -> Float32Array:
        """float32 ``(len(hits),)``: higher is better, comparable within one query."""
        return np.asarray(_features(query, hits) @ _WEIGHTS, np.float32)


def _features(query: Query, hits: Sequence[Hit]) -> Float32Array:
    """float32 ``(len(hits), 6)`` in [0, 1]; see `_WEIGHTS` for the columns.

    Terms and phrases weigh by their inverse document frequency among `hits`.
    """
    table = np.zeros((len(hits), len(_WEIGHTS)), np.float32)
    table[:, 0] = [hit.fused for hit in hits]
    asked = content_terms(query.text)
    if not asked or not hits:
        return table
    table[:, 5] = _of_documents(hits)
    stems = dict.fromkeys(term.stem for term in asked)
    bodies = [find_terms(hit.chunk.text, stems) for hit in hits]
    heads = [{term.stem for term in find_terms(_head(hit), stems)} for hit in hits]
    weights = idf(
        stems,
        [{term.stem for term in body} | head for body, head in zip(bodies, heads, strict=True)],
    )
    total = sum(weights.values())
    table[:, 1] = [_best_window(body, weights) / total for body in bodies]
    table[:, 3] = [sum(weights[stem] for stem in head) / total for head in heads]
    numbers = [stem for stem in stems if any(map(str.isdecimal, stem))]
    if numbers:
        held_numbers = [
            {term.stem for term in body}.union(head)
            for body, head in zip(bodies, heads, strict=True)
        ]
        table[:, 4] = [len(one.intersection(numbers)) / len(numbers) for one in held_numbers]
    phrases = _pairs(asked, _QUESTION_GAP_CHARS)
    if phrases:
        held = [phrases & _pairs(body, _TEXT_GAP_CHARS) for body in bodies]
        rarity = idf(phrases, held)
        table[:, 2] = [sum(rarity[pair] for pair in one) / sum(rarity.values()) for one in held]
    return table


def _of_documents(hits: Sequence[Hit]) -> list[float]:
    """By hit, the mean fused score of the best places of its document, missing ones counted 0:
    a document that has much to say is more likely to be the one that is asked about."""
    scores: dict[str, list[float]] = {}
    for hit in hits:
        scores.setdefault(hit.chunk.document_sha256, []).append(hit.fused)
    means = {
        key: sum(sorted(one, reverse=True)[:_BEST_OF_DOCUMENT]) / _BEST_OF_DOCUMENT
        for key, one in scores.items()
    }
    return [means[hit.chunk.document_sha256] for hit in hits]


def _head(hit: Hit) -> str:
    # A name says whose report it is, and of which year, where the cover does not.
    name = PurePosixPath(hit.source).stem.replace("_", " ")
    return "\n".join((name, hit.chunk.title, hit.chunk.about, *hit.chunk.headings))


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
