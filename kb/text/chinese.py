"""Chinese words and what they name, by jieba's dictionary and tags (``rjieba``)."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

import rjieba

from kb.text.scripts import COMMON_HAN
from kb.text.terms import fold

__all__ = ["names", "names_person"]

# jieba's tags: persons, places, organisations. What it calls another name ("nz") is often none.
_NAMES = frozenset({"nr", "nrt", "nrfg", "ns", "nt"})
_PERSONS = frozenset({"nr", "nrt", "nrfg"})
# Whoever asks names few; a pasted page has thousands.
_MAX_CHARS = 2_000
_POINTING = frozenset("哪 这 那 每 某 各 何 几".split())
_HAN = re.compile(f"[{COMMON_HAN}]{{2,}}")


@lru_cache(maxsize=1024)
def names(text: str) -> tuple[str, ...]:
    """The different names of persons, places and organisations among the Chinese words of the
    first characters of `text`, folded as by `kb.text.terms.fold`, in order."""
    return tuple(dict.fromkeys(word for word, _ in _names(text)))


@lru_cache(maxsize=1024)
def names_person(text: str) -> bool:
    """Whether the first characters of `text` name a person in Chinese."""
    return any(tag in _PERSONS for _, tag in _names(text))


def _names(text: str) -> list[tuple[str, str]]:
    if not _HAN.search(text):
        return []
    tagged = rjieba.tag(fold(text[:_MAX_CHARS]))
    # Behind "which" and "this" stands a measure word, which is a surname elsewhere (种).
    return [
        (word, tag)
        for (before, _), (word, tag) in pairwise([("", ""), *tagged])
        if tag in _NAMES and _HAN.fullmatch(word) and before not in _POINTING
    ]
