"""A library of damaged samples, synced: what must hold whatever the files are."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from made_mutants import mutants, seeds_of

from kb.config import Home
from kb.config.loading import load_config
from kb.types import Outcome, Query, SourceOutcome
from ui.service.service import Service

__all__ = ["Fuzzed", "fuzz"]

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"
MIB = 1024 * 1024
GOOD = {
    "good heron.md": "# Heron\n\nThe heron stands in the shallow lake.\n",
    "good swift.md": "# Swift\n\nThe swift sleeps in the air.\n",
}


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What came of it.

    Attributes:
        wrong: What should not have happened, a line each.
        peak_bytes: Memory of the largest of the processes, at most; of this one, what it grew by.
        bugs: What the bug log holds.
    """

    outcomes: dict[str, SourceOutcome]
    wrong: list[str]
    took_s: float
    peak_bytes: int
    bugs: str


def fuzz(folder: Path, n: int, seed: int, *, time_limit_s: float) -> Fuzzed:
    """Sync two good files, then add `n` damaged ones and sync again.

    Args:
        folder: An empty one, for the library and the index.
    """
    home = Home(folder / "home")
    home.library.mkdir(parents=True)
    for name, text in GOOD.items():
        (home.library / name).write_text(text)
    settings = {"time_limit_s": time_limit_s, "ocr": {"enabled": False}, "max_image_px": 20_000_000}
    service = Service(home, load_config(home, overrides={"ingest": settings}))
    wrong: list[str] = []
    try:
        service.sync()
        before = _good_chunks(service)
        names = set(GOOD)
        for mutant in mutants(seeds_of(SAMPLES), n, seed):
            (home.library / mutant.name).write_bytes(mutant.data)
            names.add(mutant.name)
        began_s = time.monotonic()
        with _Memory() as memory:
            report = service.sync()
        took_s = time.monotonic() - began_s
        outcomes = {file.source: file for file in report.files}
        wrong += [f"{name}: no outcome" for name in sorted(names - set(outcomes))]
        for name, told in outcomes.items():
            if name in GOOD:
                continue
            if told.outcome not in (Outcome.ADDED, Outcome.PARTIAL, Outcome.FAILED, Outcome.MOVED):
                wrong.append(f"{name}: {told.outcome}")
            if told.outcome in (Outcome.PARTIAL, Outcome.FAILED) and not told.reason.strip():
                wrong.append(f"{name}: {told.outcome} without a reason")
        if _good_chunks(service) != before:
            wrong.append("other files of the library changed")
        if {path.name for path in home.library.iterdir()} != names:
            wrong.append("the library's folder changed")
        hits = service.search(Query(text="where does the swift sleep")).hits
        if hits[0].source != "good swift.md":
            wrong.append(f"the good file is not found, but {hits[0].source}")
        if not service.kb.examine().is_sound:
            wrong.append("ledger, vectors and pictures do not agree")
    finally:
        service.close()
    log = home.index / "bugs.log"
    bugs = log.read_text("utf-8") if log.exists() else ""
    return Fuzzed(outcomes, wrong, took_s, memory.peak_bytes, bugs)


def _good_chunks(service: Service) -> list[object]:
    return [
        service.kb.ledger.chunks_of(file.document_sha256)
        for file in service.files()
        if file.source in GOOD and file.document_sha256
    ]


class _Memory:
    """Watches by how much the memory of this process grows, and that of those that it starts."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        this = psutil.Process()
        # Whatever ran before in this process has left some.
        before_bytes = this.memory_info().rss
        while not self._done.wait(0.2):
            n_bytes = [this.memory_info().rss - before_bytes]
            for process in this.children(recursive=True):
                with suppress(psutil.Error):
                    n_bytes.append(process.memory_info().rss)
            self.peak_bytes = max(self.peak_bytes, *n_bytes)
