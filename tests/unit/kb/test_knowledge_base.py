"""Writing documents with and without the vectors that a parser has already made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kb.build import open_knowledge_base
from kb.config import Home
from kb.config_file import load_config
from kb.encoders.bm25 import Bm25Encoder
from kb.knowledge_base import IndexedDocument, KnowledgeBase
from kb.ledger import DocumentRecord, DocumentStatus, PathRecord
from kb.protocols import Encoders, Float32Array
from kb.types import Chunk, Document, EncodedImage, ImageRef, Kind, Locator, Modality, Query

IDS = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
DIM = 4


class _NoDense:
    dim = DIM
    fingerprint = "none"

    def accepts(self, item: Query | Chunk) -> bool:
        return False

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        return np.empty((0, DIM), np.float32)

    def encode_chunks(self, chunks: Sequence[Chunk]) -> Float32Array:
        return np.empty((0, DIM), np.float32)


class _Axes:
    """A query's picture names an axis; a chunk's lies on the axis of its ordinal."""

    dim = DIM
    fingerprint = "axes"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode_query(self, query: Query) -> Float32Array:
        axes = [int(image.data) for image in query.images]
        return np.eye(DIM, dtype=np.float32)[axes]

    def encode_chunk(self, chunk: Chunk, pixels: NDArray[np.uint8] | None = None) -> Float32Array:
        self.asked.append(chunk.id)
        return np.eye(DIM, dtype=np.float32)[[chunk.ordinal]]


@pytest.fixture
def axes() -> _Axes:
    return _Axes()


@pytest.fixture
def kb(tmp_path: Path, axes: _Axes) -> Iterator[KnowledgeBase]:
    home = Home(tmp_path)
    encoders = Encoders(_NoDense(), Bm25Encoder(), axes)
    kb = open_knowledge_base(home, load_config(home), encoders=encoders)
    yield kb
    kb.close()


def document(pictures: dict[str, Float32Array]) -> IndexedDocument:
    sha256 = "ab" * 32
    chunks = tuple(
        Chunk(
            id=IDS[n],
            document_sha256=sha256,
            ordinal=n,
            kind=Kind.IMAGE,
            modality=Modality.IMAGE,
            locator=Locator(),
            image=ImageRef(f"{n}" * 64, "image/png", 9, 9),
        )
        for n in range(2)
    )
    record = DocumentRecord(
        Document(sha256, Kind.IMAGE, "image/png", "two", 1, (), 0, 2),
        "settings",
        DocumentStatus.INDEXED,
        "",
    )
    return IndexedDocument(
        record, chunks, (PathRecord("/r", "two.png", sha256, 1, 0, 0),), pictures
    )


def best(kb: KnowledgeBase, axis: int) -> str:
    query = Query(images=(EncodedImage(str(axis).encode(), "image/png", 9, 9),))
    return kb.search(query).hits[0].chunk.id


def test_vectors_made_before_are_stored_and_the_others_made(kb: KnowledgeBase, axes: _Axes) -> None:
    kb.write([document({IDS[0]: np.eye(DIM, dtype=np.float32)[[3]]})])
    assert axes.asked == [IDS[1]]
    assert best(kb, 3) == IDS[0]
    assert best(kb, 1) == IDS[1]


def test_repair_makes_them_anew(kb: KnowledgeBase, axes: _Axes) -> None:
    rows = np.eye(DIM, dtype=np.float32)
    kb.write([document({IDS[0]: rows[[0]], IDS[1]: rows[[1]]})])
    assert axes.asked == []
    kb._store.delete(IDS)
    for ref in (ref for chunk in kb.ledger.all_chunks() for ref in chunk.pictures):
        path = kb.assets.path(ref)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"there")
    kb.repair(kb.examine())
    assert sorted(axes.asked) == sorted(IDS)
    assert best(kb, 1) == IDS[1]
