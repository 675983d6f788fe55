"""What is quoted whole because a question names it: a part by its number, a release by its
version."""

from __future__ import annotations

from collections.abc import Sequence

from kb.answer.extractive.named_parts import NamedPart, named_part
from kb.answer.extractive.releases import release_notes
from kb.types import Hit

__all__ = ["whole_part"]


def whole_part(question: str, hits: Sequence[Hit]) -> NamedPart | None:
    """The part of `hits` that `question` asks for whole; None where it asks for none that is
    there."""
    return named_part(question, hits) or release_notes(question, hits)
