"""The store limits searches by where files lie now, whatever was moved and wherever it ended."""

from __future__ import annotations

import random
import sqlite3
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import qdrant_edge as edge

from kb.build import open_knowledge_base
from kb.config import Home
from kb.config.loading import load_config
from kb.index.batches import ChunkBatch
from kb.index.ledger import DocumentRecord, DocumentStatus, PathRecord
from kb.index.store.edge import EdgeStore
from kb.index.store.schema import CollectionSchema
from kb.knowledge_base import IndexedDocument, KnowledgeBase
from kb.models.encoders.bm25 import Bm25Encoder
from kb.protocols import (
    DocumentLabels,
    Encoders,
    Float32Array,
    StoreFilter,
    VectorName,
    VectorQuery,
)
from kb.reembed import reembed
from kb.types import Chunk, Document, Filters, Kind, Locator, Modality, Query

ROOT = "/r"
FOLDERS = ("", "a", "a/b", "a/b/c", "d", "d 'é' 资料")
DATES_NS = (-5_000_000, 0, 1_700_000_000_000_000_000, 1_800_000_000_000_000_000)


class _Ones:
    """Every chunk is as near as every other."""

    dim = 4
    fingerprint = "ones"

    def __init__(self) -> None:
        self.n_encoded = 0

    def accepts(self, item: Query | Chunk) -> bool:
        return True

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        return np.full((len(queries), 4), 0.5, np.float32)

    def encode_chunks(self, chunks: Sequence[Chunk]) -> Float32Array:
        self.n_encoded += len(chunks)
        return np.full((len(chunks), 4), 0.5, np.float32)


class _Others(_Ones):
    fingerprint = "others"


@pytest.fixture
def ones() -> _Ones:
    return _Ones()


@pytest.fixture
def open_kb(tmp_path: Path, ones: _Ones) -> Callable[[], KnowledgeBase]:
    home = Home(tmp_path)
    encoders = Encoders(ones, Bm25Encoder(), None)
    return lambda: open_knowledge_base(home, load_config(home), encoders=encoders)


def at(path: str, sha256: str) -> PathRecord:
    return PathRecord(ROOT, path, sha256, 1, 0, 0)


def document(name: str, *paths: str, date_ns: int = 0, settings: str = "1") -> IndexedDocument:
    chunks = tuple(
        Chunk(
            str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {settings} {n}")),
            name,
            n,
            Kind.TEXT,
            Modality.TEXT,
            Locator(page=n + 1),
            f"words of {name}",
        )
        for n in range(2)
    )
    made = Document(name, Kind.TEXT, "text/plain", name, 1, (), date_ns, 2)
    record = DocumentRecord(made, settings, DocumentStatus.INDEXED)
    return IndexedDocument(record, [ChunkBatch(chunks)], tuple(at(path, name) for path in paths))


def found(kb: KnowledgeBase, filters: Filters) -> set[str]:
    hits = kb.search(Query("words", filters=filters, as_written=True), n_results=100).hits
    return {hit.chunk.document_sha256 for hit in hits}


def check_every_filter(kb: KnowledgeBase) -> None:
    """The store by itself finds just what the ledger would have it find."""
    assert not kb.ledger.has_pending_labels()
    by_folder = [Filters(folders=(folder,)) for folder in FOLDERS]
    by_date = [Filters(after_ns=after_ns, before_ns=DATES_NS[-1]) for after_ns in DATES_NS]
    by_both = [Filters(folders=("a", "d"), after_ns=after_ns) for after_ns in DATES_NS[1:3]]
    for filters in by_folder + by_date + by_both:
        assert found(kb, filters) == kb.ledger.documents(filters), filters


class _EndError(Exception):
    """The process ended here."""


def end(*_: object) -> None:
    raise _EndError


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_to_files(
    open_kb: Callable[[], KnowledgeBase], ones: _Ones, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    kb = open_kb()
    paths: dict[str, str] = {}

    def write() -> None:
        name, settings = f"document {rng.randrange(6)}", rng.choice("12")
        wanted = [f"{rng.choice(FOLDERS)}/{n}.txt".lstrip("/") for n in range(rng.randrange(1, 3))]
        paths.update(dict.fromkeys(wanted, name))
        kb.write([document(name, *wanted, date_ns=rng.choice(DATES_NS), settings=settings)])

    def copy() -> None:
        if paths:
            new = f"{rng.choice(FOLDERS)}/{rng.randrange(9)}.txt".lstrip("/")
            paths[new] = rng.choice(list(paths.values()))
            kb.put_paths([at(new, paths[new])])

    def remove() -> None:
        if paths:
            gone = rng.choice(list(paths))
            del paths[gone]
            kb.forget_paths([(ROOT, gone)])

    for _ in range(15):
        action = rng.choice([write, write, copy, copy, remove])
        with monkeypatch.context() as patch:
            # Now and then it is over before the store, or the ledger, knows of it.
            ending = rng.choice(["", "", "set_labels", "upsert", "delete", "commit", "settle"])
            if ending in ("set_labels", "upsert", "delete"):
                patch.setattr(EdgeStore, ending, end)
            elif ending == "settle":
                patch.setattr(kb.ledger, "settle_labels", end)
            elif ending == "commit":
                patch.setattr(kb.ledger, "commit", end)
            with suppress(_EndError):
                action()
        if ending and rng.random() < 0.5:
            kb.close()
            kb = open_kb()
        kb.recover()
        known = {path.path: path.sha256 for path in kb.ledger.paths().values()}
        paths = {path: sha256 for path, sha256 in known.items() if sha256}
        check_every_filter(kb)
    kb.close()


def test_moves_are_right_before_the_store_knows_of_them_and_embed_nothing(
    open_kb: Callable[[], KnowledgeBase], ones: _Ones, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb = open_kb()
    kb.write([document("one", "a/one.txt"), document("two", "d/two.txt")])
    n_encoded = ones.n_encoded
    with monkeypatch.context() as patch:
        patch.setattr(EdgeStore, "set_labels", end)
        with pytest.raises(_EndError):
            kb.put_paths([at("d/one.txt", "one")])
        with pytest.raises(_EndError):
            kb.forget_paths([(ROOT, "a/one.txt")])
    assert kb.ledger.has_pending_labels()
    assert found(kb, Filters(folders=("d",))) == {"one", "two"}
    assert found(kb, Filters(folders=("a",))) == set()
    kb.recover()
    check_every_filter(kb)
    assert ones.n_encoded == n_encoded
    kb.close()


def test_an_index_of_before_labels_is_given_them_and_nothing_is_embedded(
    open_kb: Callable[[], KnowledgeBase], ones: _Ones, tmp_path: Path
) -> None:
    kb = open_kb()
    home = kb.home
    kb.write([document(f"document {n}", f"a/{n}.txt", date_ns=DATES_NS[2]) for n in range(600)])
    kb.close()
    (shard,) = [path.parent for path in home.index.glob("qdrant/*/edge_config.json")]
    opened = edge.EdgeShard.load(str(shard))
    page, _ = opened.scroll(edge.ScrollRequest(limit=2_000))
    ids = [point.id for point in page]
    assert len(ids) == 1_200
    opened.update(edge.UpdateOperation.delete_payload(ids, ["folders", "date_us"]))
    for field in ("folders", "date_us"):
        opened.update(edge.UpdateOperation.delete_field_index(field))
    opened.close()
    with sqlite3.connect(home.ledger) as db:
        db.execute("DROP TABLE pending_labels")
        db.execute("DROP TABLE conversations")
        db.execute("DROP TABLE turns")
        db.execute("DROP TABLE feedback")
        db.execute("PRAGMA user_version = 3")
    db.close()

    n_encoded = ones.n_encoded
    kb = open_kb()
    # It is right before it is quick.
    assert found(kb, Filters(folders=("a",), after_ns=1))
    assert found(kb, Filters(folders=("d",))) == set()
    assert kb.ledger.has_pending_labels()
    kb.recover()
    assert not kb.ledger.has_pending_labels()
    everything = VectorQuery(VectorName.DENSE, np.full(4, 0.5, np.float32), 2_000)
    limits = StoreFilter(folders=frozenset({"a"}), from_ns=DATES_NS[2])
    assert len(kb._store.search([everything], limits)[0]) == 1_200
    assert ones.n_encoded == n_encoded
    kb.close()


def test_files_that_move_while_vectors_are_made_anew(tmp_path: Path, ones: _Ones) -> None:
    home = Home(tmp_path)
    config = load_config(home)
    before = Encoders(ones, Bm25Encoder(), None)
    schema = CollectionSchema.of(Encoders(_Others(), Bm25Encoder(), None), config.store)
    with open_knowledge_base(home, config, encoders=before) as kb:
        kb.write([document("one", "a/one.txt"), document("two", "d/two.txt")])
        target = EdgeStore.open(tmp_path / "other", schema)
        labels: dict[str, DocumentLabels] = {}

        def make() -> None:
            others = Encoders(_Others(), Bm25Encoder(), None)
            reembed(kb.ledger, others, target, labels, lambda _: None, threading.Event())

        def found_there(folder: str) -> set[str]:
            every = VectorQuery(VectorName.DENSE, np.full(4, 0.5, np.float32), 9)
            (hits,) = target.search([every], StoreFilter(folders=frozenset({folder})))
            chunks = kb.ledger.chunks([hit.id for hit in hits])
            return {chunk.document_sha256 for chunk in chunks.values()}

        make()
        assert (found_there("a"), found_there("d")) == ({"one"}, {"two"})
        kb.put_paths([at("d/one.txt", "one")])
        kb.forget_paths([(ROOT, "a/one.txt")])
        assert labels != kb.ledger.labels()
        make()
        assert (found_there("a"), found_there("d")) == (set(), {"one", "two"})
        assert labels == kb.ledger.labels()
        # Another run knows nothing of what the first one wrote.
        kb.put_paths([at("a/b/two.txt", "two")])
        labels.clear()
        make()
        assert found_there("a") == {"two"}
        target.close()
