"""What the searches of a question found."""

from __future__ import annotations

from dataclasses import dataclass

from kb.protocols import ScoredId, VectorQuery, View
from kb.types import Hit

__all__ = ["Recall"]


@dataclass(frozen=True, slots=True)
class Recall:
    """What was found, before anything is left out.

    Attributes:
        views: Of the question by the dense encoder.
        requests: To the store, first those of the views.
        found: What answers of what each request found, best first; at most `n_asked`.
        places: All of it, one hit a place, by fused score.
        n_asked: So many each request finds at most, and so many places are taken.
    """

    views: tuple[View, ...]
    requests: tuple[VectorQuery, ...]
    found: tuple[tuple[ScoredId, ...], ...]
    places: tuple[Hit, ...]
    n_asked: int

    @property
    def taken(self) -> tuple[Hit, ...]:
        """The places that are ranked anew."""
        return self.places[: self.n_asked]
