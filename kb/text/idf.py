"""How rare things are among those that hold them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

__all__ = ["idf"]

_Item = TypeVar("_Item")


def idf(items: Iterable[_Item], holders: Sequence[Collection[_Item]]) -> dict[_Item, float]:
    """The inverse document frequency of each item among `holders`, as in BM25 (Robertson and
    Zaragoza, "The Probabilistic Relevance Framework", 2009), with one added before the logarithm
    so that it is never negative."""
    n = len(holders)
    counts = {item: sum(item in holder for holder in holders) for item in items}
    return {item: math.log(1 + (n - df + 0.5) / (df + 0.5)) for item, df in counts.items()}
