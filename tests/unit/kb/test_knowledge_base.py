"""Writing documents with and without the vectors that a parser has already made."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kb.answer.conversation import Turn
from kb.build import open_knowledge_base
from kb.config import Home
from kb.config.loading import load_config
from kb.errors import InferenceError
from kb.index.batches import BATCH_CHUNKS, ChunkBatch, full_batches
from kb.index.ledger import DocumentRecord, DocumentStatus, PathRecord
from kb.knowledge_base import IndexedDocument, KnowledgeBase
from kb.models.encoders.bm25 import Bm25Encoder
from kb.protocols import Encoders, Float32Array
from kb.types import (
    AnswerStatus,
    Chunk,
    Document,
    EncodedImage,
    ImageRef,
    Kind,
    Locator,
    Modality,
    Query,
)

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


class _Counting(_NoDense):
    """A dense encoder that counts what it is given at a time, and calls a test before each."""

    def __init__(self) -> None:
        self.n_at_once: list[int] = []
        self.before: Callable[[], None] = lambda: None

    def accepts(self, item: Query | Chunk) -> bool:
        return isinstance(item, Chunk)

    def encode_chunks(self, chunks: Sequence[Chunk]) -> Float32Array:
        self.before()
        self.n_at_once.append(len(chunks))
        return np.tile(np.eye(DIM, dtype=np.float32)[0], (len(chunks), 1))


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
        record,
        [ChunkBatch(chunks, pictures)],
        (PathRecord("/r", "two.png", sha256, 1, 0, 0),),
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


N_LONG = 2 * BATCH_CHUNKS + 100
LONG = "cd" * 32


def long_document(version: str) -> IndexedDocument:
    """One of three batches that are made when they are asked for."""

    def chunk(n: int) -> Chunk:
        key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{version} {n}"))
        text = f"{version} row {n}"
        return Chunk(key, LONG, n, Kind.DATA, Modality.TEXT, Locator(page=n + 1), text)

    class Batches:
        def __iter__(self) -> Iterator[ChunkBatch]:
            for start in range(0, N_LONG, BATCH_CHUNKS):
                numbers = range(start, min(start + BATCH_CHUNKS, N_LONG))
                yield ChunkBatch(tuple(map(chunk, numbers)))

    record = DocumentRecord(
        Document(LONG, Kind.DATA, "text/csv", "long", 1, (), 0, N_LONG),
        version,
        DocumentStatus.INDEXED,
        "",
    )
    return IndexedDocument(record, Batches(), (PathRecord("/r", "long.csv", LONG, 1, 0, 0),))


@pytest.fixture
def counting() -> _Counting:
    return _Counting()


@pytest.fixture
def open_kb(tmp_path: Path, counting: _Counting) -> Callable[[], KnowledgeBase]:
    home = Home(tmp_path)
    encoders = Encoders(counting, Bm25Encoder(), None)
    return lambda: open_knowledge_base(home, load_config(home), encoders=encoders)


def versions(kb: KnowledgeBase) -> Counter[str]:
    return Counter(chunk.text.split()[0] for chunk in kb.ledger.all_chunks())


def test_a_long_document_is_encoded_in_batches_and_answers_at_once(
    open_kb: Callable[[], KnowledgeBase], counting: _Counting
) -> None:
    kb = open_kb()
    kb.write([long_document("old")])
    assert counting.n_at_once == [BATCH_CHUNKS, BATCH_CHUNKS, 100]
    seen: list[Counter[str]] = []
    counting.before = lambda: seen.append(versions(kb))
    kb.write([long_document("new")])
    assert seen == 3 * [Counter(old=N_LONG)]
    assert versions(kb) == Counter(new=N_LONG)
    assert kb.ledger.pending_points() == []
    assert kb.store_stats().n_points == N_LONG
    kb.close()


def test_small_documents_share_a_batch(kb: KnowledgeBase) -> None:
    small = [ChunkBatch((document({}).batches[0].chunks[0],)) for _ in range(BATCH_CHUNKS + 1)]
    assert [len(batch.chunks) for batch in full_batches(small)] == [BATCH_CHUNKS, 1]


@pytest.mark.parametrize("n_encoded", [0, 1, 2])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_write_that_ends_half_way_leaves_what_was_there(
    open_kb: Callable[[], KnowledgeBase], counting: _Counting, n_encoded: int, is_new: bool
) -> None:
    kb = open_kb()
    if not is_new:
        kb.write([long_document("old")])
    before = versions(kb)
    counting.n_at_once.clear()

    def end() -> None:
        if len(counting.n_at_once) == n_encoded:
            raise InferenceError("The device is gone.", model_id="counting")

    counting.before = end
    with pytest.raises(InferenceError):
        kb.write([long_document("new")])
    assert versions(kb) == before
    # As after a crash: by another process, which knows what the ledger and the store hold.
    kb.close()
    counting.before = lambda: None
    kb = open_kb()
    assert versions(kb) == before
    kb.recover()
    assert kb.examine().is_sound
    kb.write([long_document("new")])
    assert versions(kb) == Counter(new=N_LONG)
    assert kb.examine().is_sound
    kb.close()


def test_a_file_that_is_forgotten_meanwhile_costs_no_vector(
    open_kb: Callable[[], KnowledgeBase], counting: _Counting
) -> None:
    kb = open_kb()
    kb.write([long_document("same")])
    counting.n_at_once.clear()

    def forget() -> None:
        if len(counting.n_at_once) == 1:
            # From another thread: files are deleted while a long document is written.
            forgetting = threading.Thread(target=kb.forget_paths, args=([("/r", "long.csv")],))
            forgetting.start()
            forgetting.join(30)
            assert not forgetting.is_alive()

    counting.before = forget
    kb.write([long_document("same")])
    assert versions(kb) == Counter(same=N_LONG)
    assert kb.examine().is_sound
    kb.close()


def test_talk_and_questions_about_the_library_are_answered_without_a_search(
    kb: KnowledgeBase,
) -> None:
    kb.write([document({})])
    talk = kb.answer(Query("thanks!"))
    assert (talk.text, talk.status) == ("You're welcome.", AnswerStatus.NO_EVIDENCE)
    listed = kb.answer(Query("What files do you have?"))
    assert (listed.text, listed.status) == ("1 file:\n\n- two.png", AnswerStatus.ANSWERED)
    for answer in (talk, listed):
        assert not answer.is_from_files
        assert not answer.hits


def test_a_follow_up_is_asked_as_it_is_understood(kb: KnowledgeBase) -> None:
    turns = [Turn("How heavy is the pump?")]
    answer = kb.answer(Query("And how much is it?"), turns)
    assert (answer.query.text, answer.query.typed) == (
        "How much is the pump?",
        "And how much is it?",
    )
    assert answer.is_from_files
    whole = Query("How tall is the tower?")
    assert kb.understood(whole, turns) is whole
    pictured = Query("How much is it?", images=(EncodedImage(b"0", "image/png", 9, 9),))
    assert kb.understood(pictured, turns) is pictured
    nothing = kb.answer(Query("And how much is it?"))
    assert (nothing.status, nothing.is_from_files) == (AnswerStatus.NO_EVIDENCE, False)
