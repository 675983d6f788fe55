"""Chunks by the batch: what is encoded and written together, and in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from kb.protocols import Float32Array
from kb.types import Chunk

__all__ = ["BATCH_CHUNKS", "ChunkBatch", "full_batches"]

BATCH_CHUNKS = 256
"""Chunks at most: enough for full batches of the encoder and few writes, little enough in
memory."""


class ChunkBatch(NamedTuple):
    """Some chunks of a document.

    Attributes:
        pictures: By chunk id, what `KnowledgeBase.picture_encoder` gave for it, where the
            writer has asked it already.
    """

    chunks: tuple[Chunk, ...]
    pictures: Mapping[str, Float32Array] = MappingProxyType({})


def full_batches(batches: Iterable[ChunkBatch]) -> Iterator[ChunkBatch]:
    """The same chunks in the same order, small batches of several documents together."""
    chunks: list[Chunk] = []
    pictures: dict[str, Float32Array] = {}
    for batch in batches:
        if chunks and len(chunks) + len(batch.chunks) > BATCH_CHUNKS:
            yield ChunkBatch(tuple(chunks), pictures)
            chunks, pictures = [], {}
        chunks += batch.chunks
        pictures.update(batch.pictures)
    if chunks:
        yield ChunkBatch(tuple(chunks), pictures)
