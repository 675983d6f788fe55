"""Chunks on their way from a worker to the index: a few in memory, many in a file.

A file may become a hundred thousand chunks. Neither the worker that makes them nor the process
that encodes them holds more than a batch of them at a time.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter

from kb.index.batches import BATCH_CHUNKS, ChunkBatch
from kb.protocols import Float32Array
from kb.types import Chunk

__all__ = ["Batches", "Spool"]

_CHUNKS = TypeAdapter(tuple[Chunk, ...])


@dataclass(frozen=True, slots=True)
class Batches:
    """The chunks of one file in order, `BATCH_CHUNKS` at most at a time. It can be gone through
    again and again, and be sent to another process of this machine.

    Attributes:
        n_chunks: In all.
        held: The batches, where there are few.
        file: Holds the batches, where there are many.
    """

    n_chunks: int = 0
    held: tuple[ChunkBatch, ...] = ()
    file: Path | None = None

    def __iter__(self) -> Iterator[ChunkBatch]:
        yield from self.held
        if self.file is not None:
            with self.file.open("rb") as file:
                while packed := _read(file):
                    yield _unpacked(packed)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.n_chunks, tuple(map(_packed, self.held)), self.file))

    def delete(self) -> None:
        """Delete the file, where there is one."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)


class Spool:
    """Takes the chunks of one file as they are made.

    Args:
        folder: Where a file is made as soon as there is more than one batch.
    """

    def __init__(self, folder: Path) -> None:
        self.n_chunks = 0
        self._folder = folder
        self._chunks: list[Chunk] = []
        self._pictures: dict[str, Float32Array] = {}
        self._path: Path | None = None

    def add(self, chunk: Chunk, pictures: Float32Array | None) -> None:
        """Take a chunk and, where its pictures were described, the rows of them.

        Raises:
            OSError: It can't be written.
        """
        if len(self._chunks) == BATCH_CHUNKS:
            self._write()
        self._chunks.append(chunk)
        if pictures is not None:
            self._pictures[chunk.id] = pictures
        self.n_chunks += 1

    def finish(self) -> Batches:
        """All that was taken, for whoever deletes its file.

        Raises:
            OSError: It can't be written.
        """
        if self._path is None:
            held = (self._batch(),) if self._chunks else ()
            return Batches(self.n_chunks, held)
        self._write()
        return Batches(self.n_chunks, file=self._path)

    def discard(self) -> None:
        """Delete what was taken."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _batch(self) -> ChunkBatch:
        return ChunkBatch(tuple(self._chunks), self._pictures)

    def _write(self) -> None:
        if self._path is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".chunks")
            os.close(handle)
            self._path = Path(name)
        with self._path.open("ab") as file:
            pickle.dump(_packed(self._batch()), file)
        self._chunks, self._pictures = [], {}


# A page has dozens of places: as JSON they travel in a third of the time.
_Packed = tuple[bytes, dict[str, Float32Array]]


def _packed(batch: ChunkBatch) -> _Packed:
    return _CHUNKS.dump_json(batch.chunks), dict(batch.pictures)


def _unpacked(packed: _Packed) -> ChunkBatch:
    chunks, pictures = packed
    return ChunkBatch(_CHUNKS.validate_json(chunks), pictures)


def _read(file: BinaryIO) -> _Packed | None:
    try:
        # Our own worker wrote it.
        packed: _Packed = pickle.load(file)  # noqa: S301
    except EOFError:
        return None
    return packed


def _rebuild(n_chunks: int, held: tuple[_Packed, ...], file: Path | None) -> Batches:
    return Batches(n_chunks, tuple(map(_unpacked, held)), file)
