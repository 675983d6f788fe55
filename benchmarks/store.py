"""Figures of the embedded store on synthetic vectors.

    python -m benchmarks.store [--n 100000] [--dim 384] [--json]

The dense vectors are a mixture of overlapping clusters in 64 latent dimensions whose
variance falls off, as that of embeddings of text does; uniform noise would be harder to
index than real vectors, separate clusters easier. Sparse vectors have terms with Zipf's
frequencies, as words have.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import psutil

from kb.index.store.edge import EdgeStore
from kb.index.store.schema import CollectionSchema, VectorSpace
from kb.protocols import Float32Array, Point, SparseVector, StoreFilter, VectorName, VectorQuery
from kb.types import Kind, Modality

N_RECALL = 100
N_LATENT = 64
N_TERMS = 60_000
CHUNKS_PER_DOCUMENT = 20
BATCH = 1_000
MIB = 1024 * 1024


class Corpus:
    """Chunks and queries of one seed, made as they are asked for."""

    def __init__(self, n: int, dim: int, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._n = n
        self._scales = np.arange(1, N_LATENT + 1, dtype=np.float32) ** -0.5
        self._centres = self._latent(max(8, n // 250))
        basis = self._rng.standard_normal((N_LATENT, dim)).astype(np.float32)
        self._basis = basis / np.linalg.norm(basis, axis=1, keepdims=True)
        frequencies = 1.0 / np.arange(1, N_TERMS + 1)
        self._cumulative = np.cumsum(frequencies / frequencies.sum())

    def dense(self, n: int) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised."""
        which = self._rng.integers(0, len(self._centres), n)
        vectors = (self._centres[which] + 0.7 * self._latent(n)) @ self._basis
        vectors += 0.02 * self._rng.standard_normal(vectors.shape).astype(np.float32)
        unit: Float32Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def _latent(self, n: int) -> Float32Array:
        return self._rng.standard_normal((n, N_LATENT)).astype(np.float32) * self._scales

    def sparse(self, n_terms: int) -> SparseVector:
        """About `n_terms` different terms."""
        terms = np.unique(np.searchsorted(self._cumulative, self._rng.random(n_terms)))
        weights = self._rng.uniform(0.5, 2.0, len(terms)).astype(np.float32)
        return SparseVector(terms.astype(np.uint32), weights)

    def batches(self) -> Iterator[list[Point]]:
        """Every chunk."""
        for start in range(0, self._n, BATCH):
            vectors = self.dense(min(BATCH, self._n - start))
            yield [self._point(start + i, vector) for i, vector in enumerate(vectors)]

    def _point(self, number: int, vector: Float32Array) -> Point:
        return Point(
            id=str(uuid.UUID(int=number)),
            document_sha256=f"{number // CHUNKS_PER_DOCUMENT:064x}",
            modality=Modality.TEXT,
            kind=list(Kind)[number // CHUNKS_PER_DOCUMENT % len(Kind)],
            dense=vector,
            sparse=self.sparse(80),
        )

    def queries(self, n: int) -> list[list[VectorQuery]]:
        """For each question the dense and the sparse list."""
        return [
            [
                VectorQuery(VectorName.DENSE, vector, N_RECALL),
                VectorQuery(VectorName.SPARSE, self.sparse(6), N_RECALL),
            ]
            for vector in self.dense(n)
        ]


def rss_bytes(store: EdgeStore) -> int:
    return int(psutil.Process(store.pid).memory_info().rss)


def latencies_ms(
    store: EdgeStore, questions: list[list[VectorQuery]], filter: StoreFilter | None = None
) -> list[float]:
    """Milliseconds of each question, asked one after another."""
    taken = []
    for queries in questions:
        start = time.perf_counter()
        store.search(queries, filter)
        taken.append((time.perf_counter() - start) * 1e3)
    return taken


def recall(store: EdgeStore, questions: list[list[VectorQuery]]) -> float:
    """Mean recall@100 of the graph's dense list against the exact one."""
    found = []
    for dense, _ in questions:
        exact = VectorQuery(dense.name, dense.vector, dense.limit, exact=True)
        graph_hits, exact_hits = store.search([dense, exact])
        expected = {hit.id for hit in exact_hits}
        found.append(len(expected & {hit.id for hit in graph_hits}) / max(1, len(expected)))
    return float(np.mean(found))


def compact_while_searching(
    store: EdgeStore, questions: list[list[VectorQuery]]
) -> tuple[float, list[float], float]:
    """Seconds of a compaction, milliseconds of each search made meanwhile, and the longest
    that the machine kept an idle thread waiting beyond its sleep, for comparison."""
    taken_ms: list[float] = []
    stalls_ms: list[float] = []
    ended = threading.Event()

    def search() -> None:
        for queries in itertools.cycle(questions):
            taken_ms.extend(latencies_ms(store, [queries]))
            if ended.wait(0.005):
                return

    def idle() -> None:
        done = False
        while not done:
            start = time.perf_counter()
            done = ended.wait(0.005)
            stalls_ms.append((time.perf_counter() - start) * 1e3 - 5)

    threads = [threading.Thread(target=search), threading.Thread(target=idle)]
    for thread in threads:
        thread.start()
    start = time.perf_counter()
    store.compact()
    taken_s = time.perf_counter() - start
    ended.set()
    for thread in threads:
        thread.join()
    return taken_s, taken_ms, max(stalls_ms)


def percentile(values: list[float], q: float) -> float:
    return float(np.percentile(values, q))


def measure(
    n: int, dim: int, n_queries: int, quantization: Literal["none", "int8"]
) -> dict[str, float]:
    """All figures of one store."""
    schema = CollectionSchema(
        dense=VectorSpace(dim, "synthetic"),
        picture=None,
        hnsw_m=16,
        hnsw_ef_construct=128,
        hnsw_ef=128,
        quantization=quantization,
    )
    corpus = Corpus(n, dim)
    with tempfile.TemporaryDirectory() as folder:
        store = EdgeStore.open(Path(folder) / "qdrant", schema)
        empty_bytes = rss_bytes(store)
        upsert_s = 0.0
        for batch in corpus.batches():
            start = time.perf_counter()
            store.upsert(batch)
            upsert_s += time.perf_counter() - start
        questions = corpus.queries(n_queries)
        plain_ms = latencies_ms(store, questions)
        compact_s, during_ms, stall_ms = compact_while_searching(store, questions)
        latencies_ms(store, questions[:20])
        graph_ms = latencies_ms(store, questions)
        kinds = StoreFilter(kinds=frozenset({Kind.PDF, Kind.HTML}))
        filtered_ms = latencies_ms(store, questions, kinds)
        few = StoreFilter(documents=frozenset(f"{i:064x}" for i in range(10)))
        narrow_ms = latencies_ms(store, questions, few)
        stats = store.stats()
        figures = {
            "upsert_chunks_per_s": n / upsert_s,
            "compact_s": compact_s,
            "n_indexed": float(stats.n_indexed),
            "recall@100": recall(store, questions),
            "retrieve_p50_ms": percentile(graph_ms, 50),
            "retrieve_p95_ms": percentile(graph_ms, 95),
            "filtered_by_kind_p50_ms": percentile(filtered_ms, 50),
            "filtered_by_kind_p95_ms": percentile(filtered_ms, 95),
            "filtered_by_document_p50_ms": percentile(narrow_ms, 50),
            "filtered_by_document_p95_ms": percentile(narrow_ms, 95),
            "before_compaction_p50_ms": percentile(plain_ms, 50),
            "before_compaction_p95_ms": percentile(plain_ms, 95),
            "n_reads_during_compaction": float(len(during_ms)),
            "reads_during_compaction_p99_ms": percentile(during_ms, 99),
            "reads_during_compaction_max_ms": max(during_ms),
            "idle_thread_during_compaction_max_ms": stall_ms,
            "memory_growth_mib": (rss_bytes(store) - empty_bytes) / MIB,
            "disk_bytes_per_chunk": (stats.size_bytes or 0) / n,
        }
        start = time.perf_counter()
        store.close()
        figures["close_s"] = time.perf_counter() - start
        start = time.perf_counter()
        store = EdgeStore.open(Path(folder) / "qdrant", schema)
        figures["open_s"] = time.perf_counter() - start
        figures["memory_growth_after_opening_mib"] = (rss_bytes(store) - empty_bytes) / MIB
        store.close()
    return figures


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Figures of the embedded store.")
    parser.add_argument("--n", type=int, default=100_000, help="chunks")
    parser.add_argument("--dim", type=int, default=384, help="length of a dense vector")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    results = {
        quantization: measure(options.n, options.dim, options.queries, quantization)
        for quantization in ("none", "int8")
    }
    if options.json:
        print(json.dumps({"n": options.n, "dim": options.dim, **results}))
        return
    print(
        f"{options.n:,} chunks, dim {options.dim}; dense and sparse top {N_RECALL} in one request"
    )
    print(f"{'':<34}{'float32':>12}{'int8':>12}")
    for name in results["none"]:
        print(f"{name:<34}{results['none'][name]:>12,.3f}{results['int8'][name]:>12,.3f}")


if __name__ == "__main__":
    main()
