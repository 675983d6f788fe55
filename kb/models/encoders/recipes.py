"""What a text model's makers say of its use and its files do not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kb.protocols import COSINE_MINIMUM

__all__ = ["Recipe", "recipe_of"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How texts are given to a model.

    Attributes:
        query_prefix: Goes before a question.
        document_prefix: Goes before a chunk's text.
        in_windows: Whether texts longer than the network reads are read in windows.
        is_multilingual: Whether it finds by meaning in most languages, and across them.
        background: A cosine that hardly any question and text have, however little they have
            to do with each other.
    """

    query_prefix: str = ""
    document_prefix: str = ""
    in_windows: bool = False
    is_multilingual: bool = False
    background: float = COSINE_MINIMUM


_PLAIN = Recipe()
# "Each input text should start with "query: " or "passage: ", even for non-English texts"
# (model card of intfloat/multilingual-e5-small; Wang et al., 2024, arXiv:2402.05672).
# Its cosines lie "around 0.7 to 1.0", "as we use a low temperature 0.01 for InfoNCE contrastive
# loss" (model card). Of all pairs of a question and a chunk: 1st percentile and median .690 and
# .741 (English Wikipedia), .746 and .808 (manuals), .761 and .807 (source code).
_E5 = Recipe("query: ", "passage: ", in_windows=True, is_multilingual=True, background=0.65)
_E5_NAME = re.compile(r"(?:.*/)?multilingual-e5-(?:small|base|large)")


def recipe_of(name: str) -> Recipe:
    """Of the model called `name`, with or without its organisation."""
    return _E5 if _E5_NAME.fullmatch(name) else _PLAIN
