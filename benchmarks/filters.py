"""What a filter by folder or date costs a search: by documents, and by labels in the payload.

    python -m benchmarks.filters [--documents 20000] [--json]

By documents is how the filter is answered while a move has not reached the store yet: the ledger
names every document that passes, and the store is sent them all. By labels the store is sent the
folder. Both find the same, which is checked. Documents lie in nested folders that hold 100, 5,000
and all of them, and have two chunks each.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.store import Corpus
from kb.index.ledger import DocumentRecord, DocumentStatus, Ledger, PathRecord
from kb.index.store.edge import EdgeStore
from kb.index.store.schema import CollectionSchema, VectorSpace
from kb.protocols import DocumentLabels, Point, StoreFilter, VectorQuery
from kb.types import Chunk, Document, Filters, Kind, Locator, Modality

DIM = 384
CHUNKS_PER_DOCUMENT = 2
ROOT = "/library"
SIZES = (100, 5_000)
BATCH = 1_000


def path_of(number: int) -> str:
    """Where a document lies: the first hundred deepest."""
    folder = "all" + "".join(f"/first {n}" for n in sorted(SIZES, reverse=True) if number < n)
    return f"{folder}/{number}.txt"


def folders() -> dict[str, int | None]:
    """Each folder with how many documents lie below it; None for all."""
    return {"all/first 5000/first 100": 100, "all/first 5000": 5_000, "all": None}


def date_ns(number: int) -> int:
    """A minute after the one before."""
    return (1_600_000_000 + 60 * number) * 10**9


def fill(ledger: Ledger, store: EdgeStore, n_documents: int) -> float:
    """Write the documents; seconds that giving each its labels again takes."""
    corpus = Corpus(n_documents * CHUNKS_PER_DOCUMENT, DIM)
    points = (point for batch in corpus.batches() for point in batch)
    for start in range(0, n_documents, BATCH):
        documents, written = [], []
        for number in range(start, min(start + BATCH, n_documents)):
            own = [
                replace(next(points), document_sha256=f"{number:064x}")
                for _ in range(CHUNKS_PER_DOCUMENT)
            ]
            labels = DocumentLabels.of([path_of(number)], date_ns(number))
            written += [replace(point, labels=labels) for point in own]
            documents.append(_document(number, own))
        store.upsert(written)
        ledger.commit(documents)
    labels_of_all = ledger.labels()
    begun_s = time.perf_counter()
    store.set_labels(labels_of_all)
    return time.perf_counter() - begun_s


def _document(
    number: int, points: Sequence[Point]
) -> tuple[DocumentRecord, list[Chunk], list[PathRecord]]:
    sha256, name = f"{number:064x}", path_of(number)
    document = Document(sha256, Kind.TEXT, "text/plain", name, 1, (), date_ns(number), len(points))
    chunks = [
        Chunk(point.id, sha256, n, Kind.TEXT, Modality.TEXT, Locator())
        for n, point in enumerate(points)
    ]
    record = DocumentRecord(document, "settings", DocumentStatus.INDEXED)
    return record, chunks, [PathRecord(ROOT, name, sha256, 1, 0, 0)]


def cases(n_documents: int) -> Iterator[tuple[str, Filters, StoreFilter]]:
    """Each filter by name, as the ledger is asked and as the store is."""
    for folder, n in folders().items():
        yield (
            f"folder of {n or n_documents:,}",
            Filters(folders=(folder,)),
            StoreFilter(folders=frozenset({folder})),
        )
    from_ns = date_ns(n_documents // 2)
    yield "newer half", Filters(after_ns=from_ns), StoreFilter(from_ns=from_ns)


def medians_ms(
    questions: Sequence[Sequence[VectorQuery]],
    ways: Sequence[Callable[[Sequence[VectorQuery]], object]],
) -> list[float]:
    """The median of each way, asked in turn, so that what else the machine does meets all."""
    taken: list[list[float]] = [[] for _ in ways]
    for queries in questions:
        found = []
        for way, times in zip(ways, taken, strict=True):
            begun_s = time.perf_counter()
            found.append(way(queries))
            times.append((time.perf_counter() - begun_s) * 1e3)
        if any(one != found[0] for one in found):
            raise SystemExit("The two ways do not find the same.")
    return [float(np.median(times)) for times in taken]


def measure(n_documents: int, n_queries: int) -> dict[str, float]:
    """Milliseconds of a filtered search, ledger included, by both ways."""
    schema = CollectionSchema(VectorSpace(DIM, "synthetic"), None, 16, 128, 128, "none")
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite3")
        store = EdgeStore.open(Path(folder) / "qdrant", schema)
        figures = {"relabel_all_s": fill(ledger, store, n_documents)}
        questions = Corpus(1, DIM, seed=1).queries(n_queries)
        for name, filters, limits in cases(n_documents):

            def by_documents(queries: Sequence[VectorQuery], filters: Filters = filters) -> object:
                return store.search(queries, StoreFilter(ledger.documents(filters)))

            def by_labels(queries: Sequence[VectorQuery], limits: StoreFilter = limits) -> object:
                # As `Retriever` asks: whether the store knows of every move.
                assert not ledger.has_pending_labels()
                return store.search(queries, limits)

            before, after = medians_ms(questions, [by_documents, by_labels])
            figures[f"{name}_by_documents_ms"] = before
            figures[f"{name}_by_labels_ms"] = after
        store.close()
        ledger.close()
    return figures


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="What a filter costs a search.")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(options.documents, options.queries)
    if options.json:
        print(json.dumps({"n_documents": options.documents, **figures}))
        return
    print(f"{options.documents:,} documents of {CHUNKS_PER_DOCUMENT} chunks; median of a search")
    for name, value in figures.items():
        print(f"{name:<44}{value:>12,.2f}")


if __name__ == "__main__":
    main()
