"""What a text model's makers say of its use and its files do not."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Recipe", "recipe_of"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How texts are given to a model.

    Attributes:
        query_prefix: Goes before a question.
        document_prefix: Goes before a chunk's text.
        in_windows: Whether texts longer than the network reads are read in windows.
    """

    query_prefix: str = ""
    document_prefix: str = ""
    in_windows: bool = False


_PLAIN = Recipe()
# "Each input text should start with "query: " or "passage: ", even for non-English texts"
# (model card of intfloat/multilingual-e5-small; Wang et al., 2024, arXiv:2402.05672).
_E5 = Recipe("query: ", "passage: ", in_windows=True)
_E5_NAME = re.compile(r"(?:.*/)?(?:multilingual-)?e5-(?:small|base|large)(?:-v2)?")


def recipe_of(name: str) -> Recipe:
    """Of the model called `name`, with or without its organisation."""
    return _E5 if _E5_NAME.fullmatch(name) else _PLAIN
