"""Which passages are worth a closer look: those that the words favour, and those of the hits
that are nearest, which may answer in other words."""

from __future__ import annotations

from collections.abc import Sequence

from kb.answer.extractive.passages import Passage
from kb.types import Hit

__all__ = ["shortlist"]

_N_BY_WORDS = 8
# Of the nearest hit, the next, and the one after it.
_N_OF_NEAREST = (6, 3, 3)


def shortlist(found: Sequence[Passage], hits: Sequence[Hit]) -> list[Passage]:
    """At most 20 of `found`, in its order, without those that only repeat the question."""
    by_nearness = sorted(
        (index for index, hit in enumerate(hits) if hit.dense is not None),
        key=lambda index: -(hits[index].dense or 0.0),
    )
    left = dict(zip(by_nearness, _N_OF_NEAREST, strict=False))
    chosen = []
    for rank, one in enumerate(one for one in found if not one.is_echo):
        if rank >= _N_BY_WORDS:
            if not left.get(one.hit_index):
                continue
            left[one.hit_index] -= 1
        chosen.append(one)
    return chosen
