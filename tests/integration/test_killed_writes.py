"""kill -9 in the middle of a long document's write: it stays what it was, or is what it becomes."""

from __future__ import annotations

import multiprocessing
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from kb.build import open_knowledge_base
from kb.config import Home
from kb.config.loading import load_config
from kb.index.batches import BATCH_CHUNKS, ChunkBatch
from kb.index.ledger import DocumentRecord, DocumentStatus, PathRecord
from kb.knowledge_base import IndexedDocument, KnowledgeBase
from kb.models.encoders.bm25 import Bm25Encoder
from kb.protocols import Encoders, Float32Array
from kb.types import Chunk, Document, Kind, Locator, Modality, Query

N_CHUNKS = 3 * BATCH_CHUNKS
SHA256 = "cd" * 32


class Telling:
    """A dense encoder that tells before each batch."""

    dim = 4
    fingerprint = "telling"

    def __init__(self, to: Connection | None) -> None:
        self._to = to

    def accepts(self, item: Query | Chunk) -> bool:
        return isinstance(item, Chunk)

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        return np.empty((0, 4), np.float32)

    def encode_chunks(self, chunks: Sequence[Chunk]) -> Float32Array:
        if self._to is not None:
            self._to.send("a batch")
        return np.tile(np.eye(4, dtype=np.float32)[0], (len(chunks), 1))


class Batches:
    """The chunks of a version of the document, made when they are asked for."""

    def __init__(self, version: str) -> None:
        self._version = version

    def __iter__(self) -> Iterator[ChunkBatch]:
        for start in range(0, N_CHUNKS, BATCH_CHUNKS):
            yield ChunkBatch(tuple(map(self._chunk, range(start, start + BATCH_CHUNKS))))

    def _chunk(self, n: int) -> Chunk:
        key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._version} {n}"))
        text = f"{self._version} row {n}"
        return Chunk(key, SHA256, n, Kind.DATA, Modality.TEXT, Locator(page=n + 1), text)


def open_kb(folder: Path, to: Connection | None = None) -> KnowledgeBase:
    home = Home(folder)
    encoders = Encoders(Telling(to), Bm25Encoder(), None)
    return open_knowledge_base(home, load_config(home), encoders=encoders)


def write(folder: Path, version: str, to: Connection | None = None) -> None:
    document = Document(SHA256, Kind.DATA, "text/csv", "long", 1, (), 0, N_CHUNKS)
    record = DocumentRecord(document, version, DocumentStatus.INDEXED, "")
    path = PathRecord("/r", "long.csv", SHA256, 1, 0, 0)
    kb = open_kb(folder, to)
    kb.write([IndexedDocument(record, Batches(version), (path,))])
    kb.close()


@pytest.mark.parametrize(("n_batches", "later_s"), [(1, 0.0), (2, 0.05), (3, 0.0), (3, 0.15)])
def test_each_document_is_wholly_old_or_wholly_new(
    tmp_path: Path, n_batches: int, later_s: float
) -> None:
    write(tmp_path, "old")
    told, to = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=write, args=(tmp_path, "new", to))
    process.start()
    for _ in range(n_batches):
        assert told.poll(120)
        told.recv()
    time.sleep(later_s)
    process.kill()
    process.join()
    kb = open_kb(tmp_path)
    versions = Counter(chunk.text.split()[0] for chunk in kb.ledger.all_chunks())
    assert versions in (Counter(old=N_CHUNKS), Counter(new=N_CHUNKS))
    kb.recover()
    assert kb.examine().is_sound
    assert kb.store_stats().n_points == N_CHUNKS
    kb.close()
