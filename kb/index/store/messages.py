"""What a `worker` and its parent tell each other, beside points and queries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kb.index.store.schema import CollectionSchema

__all__ = ["Failure", "Order", "ShardCounts"]


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is started with.

    Attributes:
        directory: The shard's.
        create: Make a new shard there; otherwise open the one that is there.
        background: Give way to other processes.
    """

    directory: Path
    schema: CollectionSchema
    create: bool = False
    background: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request failed: `in_use` when another process has the shard, else `engine`."""

    reason: Literal["engine", "in_use"]
    text: str


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """Points of a shard, and how many of their vectors are in a graph."""

    n_points: int
    n_indexed: int
