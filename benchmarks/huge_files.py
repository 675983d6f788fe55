"""Memory of a sync of one huge file, whose size it must not grow with.

``python -m benchmarks.huge_files [--pages N …] [--rows N …] [--words-only] [--json]``. For each
number a PDF of so many pages or a CSV of so many rows is made and synced into an empty home on the
profile ``starter``. The highest resident memory of each process is told: of the one that encodes
and writes, as `kb up` does (*server*), of the one that parses (*worker*), and of the one that has
the vectors open (*store*); and pages or rows a second over the whole sync, start included. Whole
sizes are ``--pages 5000 --rows 1000000``; ``--words-only`` leaves out the dense encoder, whose time
is the most of it.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import pymupdf

from kb.config import Home

_POLL_S = 0.1
_MIB = 1024 * 1024
_WORDS = (
    "pump valve filter reset battery gasket sensor lamp motor relay pressure level seal chamber "
    "opens closes rises falls before after every month with the new old red blue upper lower"
).split()
_ROLES = {"kb.index.store.worker": "store", "multiprocessing.spawn": "worker"}


@dataclass(frozen=True)
class _Result:
    what: str
    n: int
    file_bytes: int
    n_chunks: int
    seconds: float
    rate_per_s: float
    peak_mib: dict[str, int]


def main() -> None:
    """Make, sync and measure one file after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, nargs="*", default=[500, 1000])
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 20_000])
    parser.add_argument("--words-only", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sync", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sync is not None:
        _sync_words(Home(arguments.sync))
        return
    runs = [("pages", n, _make_pdf) for n in arguments.pages]
    runs += [("rows", n, _make_csv) for n in arguments.rows]
    for what, n, make in runs:
        result = _measure(what, n, make, words_only=arguments.words_only)
        if arguments.json:
            print(json.dumps(asdict(result)), flush=True)
            continue
        peaks = ", ".join(f"{role} {mib:,} MiB" for role, mib in sorted(result.peak_mib.items()))
        print(
            f"{n:,} {what}, {result.file_bytes / _MIB:,.1f} MiB, {result.n_chunks:,} chunks: "
            f"{result.seconds:,.0f} s, {result.rate_per_s:,.1f} {what}/s; at most {peaks}",
            flush=True,
        )


def _measure(what: str, n: int, make: Callable[[Path, int], Path], *, words_only: bool) -> _Result:
    with tempfile.TemporaryDirectory() as temporary:
        home = Home(Path(temporary))
        home.library.mkdir(parents=True)
        file = make(home.library, n)
        command = [sys.executable, "-m"]
        if words_only:
            command += ["benchmarks.huge_files", "--sync", temporary]
        else:
            command += ["ui.cli", "sync", "--home", temporary, "--profile", "starter", "--json"]
        start_s = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        peak_mib: dict[str, int] = {}
        while process.poll() is None:
            _look(process.pid, peak_mib)
            time.sleep(_POLL_S)
        elapsed_s = time.perf_counter() - start_s
        assert process.stdout is not None
        (synced,) = json.loads(process.stdout.read())["files"]
        process.stdout.close()
        if synced["outcome"] != "added":
            raise SystemExit(f"{file.name} was not read whole: {synced['reason']}")
        return _Result(
            what,
            n,
            file.stat().st_size,
            synced["n_chunks"],
            round(elapsed_s, 1),
            round(n / elapsed_s, 1),
            peak_mib,
        )


def _sync_words(home: Home) -> None:
    """What `kb sync` does on `starter`, without its dense encoder."""
    from benchmarks.pipeline import NoDense
    from ingest.sync import Syncer
    from kb.build import open_knowledge_base
    from kb.config.loading import load_config
    from kb.index.assets import AssetStore
    from kb.models.encoders.bm25 import Bm25Encoder
    from kb.models.encoders.picture import PictureDescriptor
    from kb.protocols import Encoders

    pictures = PictureDescriptor(AssetStore(home.assets))
    encoders = Encoders(dense=NoDense(), sparse=Bm25Encoder(), picture=pictures)
    kb = open_knowledge_base(home, load_config(home, "starter"), encoders=encoders)
    try:
        files = Syncer(kb).sync().files
        assert kb.store_stats().n_points == kb.ledger.n_chunks()
    finally:
        kb.close()
    told = [{"outcome": f.outcome, "reason": f.reason, "n_chunks": f.n_chunks} for f in files]
    print(json.dumps({"files": told}))


def _look(pid: int, peak_mib: dict[str, int]) -> None:
    """Note how much memory the processes have now, where it is more than before."""
    try:
        server = psutil.Process(pid)
        seen = [("server", server)]
        for child in server.children(recursive=True):
            command = " ".join(child.cmdline())
            seen += [(role, child) for name, role in _ROLES.items() if name in command]
        for role, process in seen:
            mib = process.memory_info().rss // _MIB
            peak_mib[role] = max(mib, peak_mib.get(role, 0))
    except psutil.Error:
        return  # It ended meanwhile.


def _make_pdf(folder: Path, n_pages: int) -> Path:
    """A heading and prose on each page, which no other page has."""
    chance = random.Random(n_pages)
    document = pymupdf.open()
    for number in range(n_pages):
        page = document.new_page(width=595, height=842)
        page.insert_text((72, 40), "Operating manual", fontsize=9)
        page.insert_text((72, 90), f"{number + 1} {_sentence(chance, 3)}", fontsize=18)
        prose = " ".join(f"{_sentence(chance, 12)}." for _ in range(20))
        page.insert_textbox((72, 110, 523, 560), prose, fontsize=10.5)
        page.insert_text((290, 820), str(number + 1), fontsize=9)
    path = folder / "manual.pdf"
    document.save(path, deflate=True)
    document.close()
    return path


def _make_csv(folder: Path, n_rows: int) -> Path:
    """Orders, each with a number, a name, a price and a remark."""
    chance = random.Random(n_rows)
    path = folder / "orders.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["order", "part", "price", "remark"])
        for number in range(n_rows):
            part, price = _sentence(chance, 2), chance.randint(100, 99_999) / 100
            rows.writerow([number + 1, part, price, _sentence(chance, 6)])
    return path


def _sentence(chance: random.Random, n_words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=n_words)).capitalize()


if __name__ == "__main__":
    main()
