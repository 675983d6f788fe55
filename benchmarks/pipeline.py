"""Pages a second of a whole sync of text PDFs, beside the bare cost on the same cores.

``python -m benchmarks.pipeline [--json]``. The bare cost is PyMuPDF's text, rendering and JPEG
of every page, in as many processes as a sync has workers. A sync also finds structure and
chunks, describes and stores the page images, weighs words, and writes store and ledger; it is
measured without and with the dense encoder. `benchmarks.ingest` measures the parser alone.
Goal: without the dense encoder at most 1.5 times the bare cost.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.ingest import bare, make_pdf
from ingest.sync import Syncer
from kb.assets import AssetStore
from kb.build import open_knowledge_base
from kb.config import Home, load_config
from kb.encoders.bm25 import Bm25Encoder
from kb.encoders.picture import PictureDescriptor
from kb.encoders.text import SentenceTransformerEncoder
from kb.protocols import Encoder, Encoders, Float32Array
from kb.types import Chunk, Outcome, Query

_N_FILES = 16
_N_PAGES = 40
_TARGET_RATIO = 1.5


class _NoDense:
    """Has nothing to say about any text."""

    dim = 8
    fingerprint = "none"

    def accepts(self, item: Query | Chunk) -> bool:
        """Never."""
        return False

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        """float32 ``(0, dim)``."""
        return np.empty((len(queries), self.dim), np.float32)

    def encode_chunks(self, chunks: Sequence[Chunk]) -> Float32Array:
        """float32 ``(0, dim)``."""
        return np.empty((len(chunks), self.dim), np.float32)


def main() -> None:
    """Make PDFs, read them three ways, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "folder")
        folder.mkdir()
        for n in range(_N_FILES):
            # Bytes after the end of a PDF are no part of it, and make it another content.
            (folder / f"manual {n}.pdf").write_bytes(make_pdf(_N_PAGES) + b"%% %d\n" % n)
        bare_s = _bare_s(sorted(folder.iterdir()))
        words_s = _sync_s(Home(Path(temporary, "words")), folder, dense=False)
        whole_s = _sync_s(Home(Path(temporary, "whole")), folder, dense=True)
    n_pages = _N_FILES * _N_PAGES
    figures = {
        "n_pages": n_pages,
        "bare_pages_per_s": n_pages / bare_s,
        "without_dense_pages_per_s": n_pages / words_s,
        "without_dense_over_bare": words_s / bare_s,
        "target": _TARGET_RATIO,
        "with_dense_pages_per_s": n_pages / whole_s,
        "with_dense_over_bare": whole_s / bare_s,
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>26}  {value:,.2f}")


def _bare_s(paths: Sequence[Path]) -> float:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        list(pool.map(bare, paths[:2] * 2))  # Starts the processes and warms the caches.
        start = time.perf_counter()
        list(pool.map(bare, paths))
        return time.perf_counter() - start


def _sync_s(home: Home, folder: Path, *, dense: bool) -> float:
    text: Encoder = _NoDense()
    if dense:
        real = SentenceTransformerEncoder(load_config(home).encoder)
        real.warm()
        text = real
    encoders = Encoders(
        dense=text, sparse=Bm25Encoder(), picture=PictureDescriptor(AssetStore(home.assets))
    )
    kb = open_knowledge_base(home, load_config(home), encoders=encoders)
    try:
        start = time.perf_counter()
        report = Syncer(kb).sync([folder])
        elapsed_s = time.perf_counter() - start
        assert report.counts[Outcome.ADDED] == _N_FILES, report.counts
    finally:
        kb.close()
    return elapsed_s


if __name__ == "__main__":
    main()
