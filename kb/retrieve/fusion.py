"""Convex combination of scores normalised by their theoretical bounds (TM2C2).

Sebastian Bruch, Siyu Gai and Amir Ingber, "An Analysis of Fusion Functions for Hybrid
Retrieval", 2022 (arXiv:2210.11934), section 4: a list's scores are scaled to [0, 1] by the
least value its scoring function can take and the highest score in the list, then added with
weights that sum to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kb.protocols import Float32Array

__all__ = ["Fused", "ScoredList", "fuse"]


@dataclass(frozen=True, slots=True)
class ScoredList:
    """What one search found.

    Attributes:
        scores: Score by id.
        weight: Share in the sum, before weights are made to sum to 1.
        minimum: The least score the scoring function can give, or that says anything.
        maximum: The highest it can give; None takes the highest score in the list, for
            functions without a bound (BM25) or that seldom come near it.
        absent: Score of an id that other lists hold and this one does not; None takes the
            lowest score in the list, which is the highest it can have missed.
    """

    scores: Mapping[str, float]
    weight: float
    minimum: float
    maximum: float | None = None
    absent: float | None = None


@dataclass(frozen=True, slots=True)
class Fused:
    """Lists brought together.

    Attributes:
        ids: Every id of any list.
        parts: float32 ``(len(ids), n_lists)`` in [0, 1], each list's weighted share. A row's
            sum is the fused score; the highest part over several rows is the share of a
            result that is made of them.
    """

    ids: tuple[str, ...]
    parts: Float32Array

    @property
    def scores(self) -> Float32Array:
        """float32 ``(len(ids),)`` in [0, 1]."""
        return np.asarray(self.parts.sum(axis=1), dtype=np.float32)


def fuse(lists: Sequence[ScoredList]) -> Fused:
    """Combine `lists`; those without scores or weight have no say."""
    spoken = [one for one in lists if one.scores and one.weight > 0]
    ids = tuple(dict.fromkeys(key for one in spoken for key in one.scores))
    if not ids:
        return Fused((), np.zeros((0, len(lists)), np.float32))
    total = sum(one.weight for one in spoken)
    parts = np.zeros((len(ids), len(lists)), np.float32)
    for column, one in enumerate(lists):
        if one.scores and one.weight > 0:
            parts[:, column] = one.weight / total * _normalise(one, ids)
    return Fused(ids, parts)


def _normalise(one: ScoredList, ids: Sequence[str]) -> Float32Array:
    absent = min(one.scores.values()) if one.absent is None else one.absent
    highest = max(one.scores.values()) if one.maximum is None else one.maximum
    if highest <= one.minimum:
        return np.zeros(len(ids), np.float32)
    raw = np.array([one.scores.get(key, absent) for key in ids], np.float32)
    return np.asarray(np.clip((raw - one.minimum) / (highest - one.minimum), 0, 1), np.float32)
