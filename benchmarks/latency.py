"""Query times by stage over 100,000 chunks with synthetic vectors.

``python -m benchmarks.latency [--n 100000] [--json]``. Chunks have words drawn like those of a
language (Zipf) and clustered vectors; queries are encoded by the profile's encoder, searched,
fused, loaded from the ledger and reranked, as in `kb search`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from kb.build import open_knowledge_base
from kb.config import Home
from kb.config.loading import load_config
from kb.index.batches import ChunkBatch
from kb.index.ledger import DocumentRecord, DocumentStatus, PathRecord
from kb.knowledge_base import IndexedDocument, KnowledgeBase
from kb.models.encoders.bm25 import Bm25Encoder
from kb.models.encoders.paired import TextEncoder, text_encoder
from kb.protocols import Encoders, Float32Array, View
from kb.types import Chunk, Document, Kind, Locator, Modality, Query, chunk_id

_N_QUERIES = 200
_CHUNKS_A_DOCUMENT = 50
_WORDS_A_CHUNK = 120
_N_CLUSTERS = 500


class _SyntheticText:
    """The profile's encoder for queries; clustered random vectors for chunks."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self.dim = encoder.dim
        self.fingerprint = encoder.fingerprint

    def accepts(self, item: Query | Chunk) -> bool:
        return self._encoder.accepts(item)

    def views(self, query: Query) -> tuple[View, ...]:
        return self._encoder.views(query)

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        return self._encoder.encode_queries(queries)

    def encode_chunks(self, chunks: Sequence[Chunk]) -> Float32Array:
        """float32 ``(n, dim)``, normalised."""
        centres = np.random.default_rng(0).standard_normal((_N_CLUSTERS, self.dim))
        seeds = [int(hashlib.sha256(chunk.id.encode()).hexdigest()[:8], 16) for chunk in chunks]
        rows = np.stack(
            [
                centres[seed % _N_CLUSTERS]
                + 0.7 * np.random.default_rng(seed).standard_normal(self.dim)
                for seed in seeds
            ]
        )
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows.astype(np.float32)


def main() -> None:
    """Build the index, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    words = _vocabulary()
    with tempfile.TemporaryDirectory() as temporary:
        kb = _open(Home(Path(temporary)))
        start = time.perf_counter()
        _fill(kb, arguments.n, words)
        kb.compact_if_due()
        build_s = time.perf_counter() - start
        queries = _queries(words)
        for query in queries[:10]:
            kb.search(query)
        stages: dict[str, list[float]] = {}
        for query in queries:
            result = kb.search(query)
            for stage, value_ms in {**result.timings_ms, "total": result.total_time_ms}.items():
                stages.setdefault(stage, []).append(value_ms)
        stats = kb.store_stats()
        ledger_bytes = sum(path.stat().st_size for path in kb.home.index.glob("ledger*"))
        memory_bytes = _memory_bytes()
        kb.close()
    figures = {
        "n_chunks": arguments.n,
        "build_s": build_s,
        "n_unindexed": stats.n_points - stats.n_indexed,
        **{
            f"{stage}_p{p}_ms": float(np.percentile(values, p))
            for stage, values in stages.items()
            for p in (50, 95)
        },
        "memory_bytes": memory_bytes,
        "vector_bytes_per_chunk": (stats.size_bytes or 0) / arguments.n,
        "ledger_bytes_per_chunk": ledger_bytes / arguments.n,
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>24}  {value:,.1f}")


def _open(home: Home) -> KnowledgeBase:
    config = load_config(home)
    encoders = Encoders(_SyntheticText(text_encoder(config.encoder)), Bm25Encoder())
    return open_knowledge_base(home, config, encoders=encoders)


def _vocabulary() -> list[str]:
    chance = random.Random(0)
    syllables = [a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "ar", "en")]
    words = {"".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(40_000)}
    return sorted(words)


def _draw(words: Sequence[str], chance: np.random.Generator, n: int) -> str:
    ranks = np.minimum(chance.zipf(1.2, n), len(words)) - 1
    return " ".join(words[int(rank) * 7919 % len(words)] for rank in ranks)


def _fill(kb: KnowledgeBase, n: int, words: Sequence[str]) -> None:
    chance = np.random.default_rng(1)
    for number in range(0, n, _CHUNKS_A_DOCUMENT):
        sha256 = hashlib.sha256(str(number).encode()).hexdigest()
        chunks = []
        for i in range(min(_CHUNKS_A_DOCUMENT, n - number)):
            place = Locator(page=i + 1)
            chunks.append(
                Chunk(
                    chunk_id(sha256, place, i, "bench"),
                    sha256,
                    i,
                    Kind.PDF,
                    Modality.TEXT,
                    place,
                    text=_draw(words, chance, _WORDS_A_CHUNK),
                    title=f"Manual {number}",
                )
            )
        name = f"{number % 40:02}/manual {number}.pdf"
        document = Document(sha256, Kind.PDF, "application/pdf", name, 1, (), number)
        record = DocumentRecord(document, "bench", DocumentStatus.INDEXED)
        path = PathRecord(str(kb.home.library), name, sha256, 1, 1, 1)
        kb.write([IndexedDocument(record, [ChunkBatch(tuple(chunks))], (path,))])


def _queries(words: Sequence[str]) -> list[Query]:
    chance = np.random.default_rng(2)
    return [Query(text=_draw(words, chance, 8)) for _ in range(_N_QUERIES)]


def _memory_bytes() -> int:
    """Resident memory of this process and those it started."""
    me = psutil.Process()
    return sum(p.memory_info().rss for p in (me, *me.children(recursive=True)))


if __name__ == "__main__":
    main()
