"""One dense list of what the views of a question found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kb.protocols import View
from kb.types import Chunk

__all__ = ["DenseList", "merge_views"]


@dataclass(frozen=True, slots=True)
class DenseList:
    """What was found by meaning.

    Attributes:
        cosines: By id, with the view that reads the chunk.
        parts: By id, the same between the view's minimum, 0, and the highest that it found, 1.
    """

    cosines: Mapping[str, float]
    parts: Mapping[str, float]


def merge_views(
    views: Sequence[View], found: Sequence[Mapping[str, float]], chunks: Mapping[str, Chunk]
) -> DenseList:
    """Each chunk by the view that reads it.

    Args:
        found: Of each view, cosines by id.
        chunks: By id.
    """
    cosines: dict[str, float] = {}
    parts: dict[str, float] = {}
    for view, scores in zip(views, found, strict=True):
        spread = max(scores.values(), default=view.minimum) - view.minimum
        for key, score in scores.items():
            if view.reads(chunks[key].text):
                cosines[key] = score
                parts[key] = max(0.0, score - view.minimum) / spread if spread > 0 else 0.0
    return DenseList(cosines, parts)
