"""Which passages are worth a closer look: those that the words favour, and those of the hit
that is nearest, which may answer in other words."""

from __future__ import annotations

from collections.abc import Sequence

from kb.answer.extractive.passages import Passage
from kb.types import Hit

__all__ = ["shortlist"]

_N_BY_WORDS = 8
_N_OF_NEAREST = 6


def shortlist(found: Sequence[Passage], hits: Sequence[Hit]) -> list[Passage]:
    """At most 14 of `found`, in its order, without those that only repeat the question."""
    nearest = max(
        (index for index, hit in enumerate(hits) if hit.dense is not None),
        key=lambda index: hits[index].dense or 0.0,
        default=None,
    )
    said = [one for one in found if not one.is_echo]
    chosen = said[:_N_BY_WORDS]
    chosen += [one for one in said[_N_BY_WORDS:] if one.hit_index == nearest][:_N_OF_NEAREST]
    return chosen
