"""An answer that is there before anything is generated."""

from __future__ import annotations

from dataclasses import dataclass

from kb.protocols import GeneratorEvent, Relevance
from kb.types import AnswerStatus, Hit

__all__ = ["Computed"]


@dataclass(frozen=True)
class Computed:
    """An answer from a table, or to words about a picture.

    Attributes:
        hits: What the events speak of.
        events: As of `kb.protocols.Generator`, over `hits`.
    """

    hits: tuple[Hit, ...]
    events: tuple[GeneratorEvent, ...]

    @property
    def is_answered(self) -> bool:
        """Whether it answers."""
        return self.events[-1] is AnswerStatus.ANSWERED

    @property
    def relevance(self) -> Relevance | None:
        """How surely, where that was judged."""
        return next((event for event in self.events if isinstance(event, Relevance)), None)

    @property
    def certainty(self) -> float:
        """Its probability; an answer that was not judged stands where it says it does."""
        return self.relevance.probability if self.relevance else float(self.is_answered)
