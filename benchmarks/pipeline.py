"""Pages a second of a whole sync of text PDFs, beside the bare cost on the same cores.

``python -m benchmarks.pipeline [--json] [--rounds N]``. The bare cost is PyMuPDF's text,
rendering and JPEG of every page, in as many processes as a sync has workers and at their
priority, once they have started. A sync starts its workers, finds structure and chunks,
describes and stores the page images, weighs words, and writes store and ledger. Both take
turns, and the middle of the rounds counts. Small is 640 pages, where starting weighs most;
large is twice that. The CPU seconds of all processes are told too: other work on the machine
hardly touches them. `benchmarks.ingest` measures the parser alone. Goal: without the dense
encoder at most 1.5 times the bare cost.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import psutil

# Each worker imports the module that was started. In use it is this one: nothing more may
# be imported here.
import ui.cli  # noqa: F401

if TYPE_CHECKING:
    from kb.protocols import Encoder, Float32Array
    from kb.types import Chunk, Query

_N_FILES = {"small": 16, "large": 32}
_N_PAGES = 40
_TARGET_RATIO = 1.5


@dataclass(frozen=True)
class _Cost:
    """Seconds on the clock, and seconds of CPU of all processes."""

    wall_s: float
    cpu_s: float


class NoDense:
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
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    figures: dict[str, float] = {"target": _TARGET_RATIO}
    with tempfile.TemporaryDirectory() as temporary:
        for size, n_files in _N_FILES.items():
            folder = Path(temporary, size)
            _fill(folder, n_files)
            n_pages = n_files * _N_PAGES
            bare, words = _take_turns(folder, arguments.rounds)
            figures |= {
                f"{size}_n_pages": n_pages,
                f"{size}_bare_pages_per_s": n_pages / _wall_s(bare),
                f"{size}_without_dense_pages_per_s": n_pages / _wall_s(words),
                f"{size}_without_dense_over_bare": _wall_s(words) / _wall_s(bare),
                f"{size}_without_dense_over_bare_cpu": _cpu_s(words) / _cpu_s(bare),
            }
        folder = Path(temporary, "small")
        bare_s = _bare(sorted(folder.iterdir())).wall_s
        whole_s = _sync(folder, dense=True).wall_s
        figures |= {
            "small_with_dense_pages_per_s": figures["small_n_pages"] / whole_s,
            "small_with_dense_over_bare": whole_s / bare_s,
        }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>34}  {value:,.2f}")


def _fill(folder: Path, n_files: int) -> None:
    from benchmarks.ingest import make_pdf

    folder.mkdir()
    made = make_pdf(_N_PAGES)
    for n in range(n_files):
        # Bytes after the end of a PDF are no part of it, and make it another content.
        (folder / f"manual {n}.pdf").write_bytes(made + b"%% %d\n" % n)


def _take_turns(folder: Path, n_rounds: int) -> tuple[list[_Cost], list[_Cost]]:
    bare: list[_Cost] = []
    words: list[_Cost] = []
    for _ in range(n_rounds):
        bare.append(_bare(sorted(folder.iterdir())))
        words.append(_sync(folder, dense=False))
    return bare, words


def _wall_s(costs: Sequence[_Cost]) -> float:
    return median(cost.wall_s for cost in costs)


def _cpu_s(costs: Sequence[_Cost]) -> float:
    return median(cost.cpu_s for cost in costs)


def _bare(paths: Sequence[Path]) -> _Cost:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=context, initializer=os.nice, initargs=(5,)
    ) as pool:
        list(pool.map(_bare_file, paths[:2] * 2))  # Starts the processes, warms the caches.
        return _cost(lambda: list(pool.map(_bare_file, paths)))


def _bare_file(path: Path) -> None:
    from benchmarks.ingest import bare

    bare(path)


def _sync(folder: Path, *, dense: bool) -> _Cost:
    from ingest.sync import Syncer
    from kb.build import open_knowledge_base
    from kb.config import Home
    from kb.config.loading import load_config
    from kb.index.assets import AssetStore
    from kb.models.encoders.bm25 import Bm25Encoder
    from kb.models.encoders.paired import text_encoder
    from kb.models.encoders.picture import PictureDescriptor
    from kb.protocols import Encoders
    from kb.types import Outcome

    home = Home(Path(tempfile.mkdtemp(dir=folder.parent)))
    text: Encoder = NoDense()
    if dense:
        real = text_encoder(load_config(home).encoder)
        real.warm()
        text = real
    encoders = Encoders(
        dense=text, sparse=Bm25Encoder(), picture=PictureDescriptor(AssetStore(home.assets))
    )
    kb = open_knowledge_base(home, load_config(home), encoders=encoders)
    try:
        cost = _cost(lambda: Syncer(kb).sync([folder]))
        n_files = len(list(folder.iterdir()))
        n_added = sum(1 for record in kb.ledger.records() if record.status == "indexed")
        assert n_added == n_files, (n_added, n_files)
        assert kb.store_stats().n_points == kb.ledger.n_chunks()
        assert Outcome.FAILED not in {o.outcome for o in Syncer(kb).sync([folder]).files}
    finally:
        kb.close()
        shutil.rmtree(home.path)
    return cost


def _cost(work: Callable[[], object]) -> _Cost:
    cpu_s, start = _all_cpu_s(), time.perf_counter()
    work()
    return _Cost(time.perf_counter() - start, _all_cpu_s() - cpu_s)


def _all_cpu_s() -> float:
    """Seconds of CPU of this process and of its children, those that ended and those that
    run (a pool's, the store's)."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    alive = [psutil.Process(), *psutil.Process().children(recursive=True)]
    times = [process.cpu_times() for process in alive]
    return ended.ru_utime + ended.ru_stime + sum(time.user + time.system for time in times)


if __name__ == "__main__":
    main()
