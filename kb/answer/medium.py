"""A question that says where its answer stands, "in the film" or "in the recording", is asked of
films and recordings first."""

from __future__ import annotations

from dataclasses import replace

from kb.answer.computed import Computed
from kb.answer.extractive.medium import without_medium
from kb.answer.shown.answers import Search
from kb.protocols import Generator
from kb.types import Kind, Query

__all__ = ["MediumAnswers"]


_SPOKEN = (Kind.VIDEO, Kind.AUDIO)


class MediumAnswers:
    """Answers what is asked of films and recordings.

    Args:
        generator: Of the profile.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def answer(self, query: Query, search: Search) -> Computed | None:
        """The answer of films and recordings; None where the question names none, the search is
        kept to other files, or they say nothing of it: then it is asked of everything.

        Raises:
            InferenceError: A model failed.
            StoreError: The store failed.
        """
        asked = without_medium(query.text) if not (query.images or query.clip) else None
        kinds = tuple(kind for kind in _SPOKEN if kind in (query.filters.kinds or _SPOKEN))
        if asked is None or not kinds:
            return None
        filters = replace(query.filters, kinds=kinds)
        hits = tuple(search(replace(query, text=asked, filters=filters)))
        if not hits:
            return None
        found = Computed(hits, tuple(self._generator.stream(query, hits)))
        return found if found.is_answered else None
