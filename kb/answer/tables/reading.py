"""What a question asks of a table, once its words are found in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from kb.index.tables import Table

__all__ = ["Asked", "Reading"]


class Asked(StrEnum):
    """What is to be said of the rows that are left."""

    CELLS = "cells"
    TOP = "top"
    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    COMPARE = "compare"
    GAP = "gap"


@dataclass(frozen=True)
class Reading:
    """A question as one table answers it.

    Attributes:
        rows: int ``(n,)``: the rows used, in the order in which they are shown.
        targets: Columns whose cells are asked for, the most wanted first.
        shown: Further columns that say which rows they are and why they were taken.
        measure: The column that was added up, compared or ordered by.
        distinct: For COUNT the column whose different texts are counted.
        n_found: How many words of the question the table itself holds, in its cells or names; more
            where they are all of a cell.
        is_high: For COMPARE and GAP whether more of it was asked for.
        is_so: For both, where it was asked if one is more than the other, whether it is.
    """

    table: Table
    asked: Asked
    rows: NDArray[np.intp]
    targets: tuple[int, ...]
    shown: tuple[int, ...] = ()
    measure: int | None = None
    distinct: int | None = None
    n_found: float = 0.0
    is_high: bool = True
    is_so: bool | None = None
