"""How long a sync of unchanged files takes, against a bare walk with stat in the same run.

``python -m benchmarks.scan [--n 10000] [--json]``. Goal: the scan at most 3 times the walk.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ingest.failures import BugLog
from ingest.plan import Scope, make_plan
from ingest.worker import WorkerSettings
from ingest.workers import Workers
from kb.config import Home
from kb.config.loading import load_config
from kb.index.ledger import Ledger
from kb.types import Outcome
from ui.cli.collector import calm_collector

_REPEATS = 7


def main() -> None:
    """Make files, sync them, then measure syncs that have nothing to do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Home(Path(temporary))
        _make_files(home.library, arguments.n)
        command = [sys.executable, "-m", "ui.cli", "sync", "--home", temporary, "--json"]
        first_s = _seconds(lambda: _run(command, arguments.n, "added"))
        config = load_config(home).ingest
        ledger = Ledger(home.ledger)
        calm_collector()  # As `kb sync` does.
        bugs = BugLog(home.index / "bugs.log")

        def no_worker(_: int) -> WorkerSettings:
            raise AssertionError("an unchanged file is not looked at")

        def scan() -> None:
            with Workers(1, no_worker, lambda: False) as workers:
                plan = make_plan(ledger, [Scope(home.library)], config, bugs=bugs, workers=workers)
            assert all(file.outcome is Outcome.UNCHANGED for file in plan.settled)
            assert len(plan.settled) == arguments.n

        walk_s, scan_s = [], []
        for _ in range(_REPEATS):
            walk_s.append(_seconds(lambda: _bare_walk(str(home.library))))
            scan_s.append(_seconds(scan))
        ledger.close()
        whole_s = _seconds(lambda: _run(command, arguments.n, "unchanged"))
    figures = {
        "n_files": arguments.n,
        "bare_walk_ms": statistics.median(walk_s) * 1000,
        "scan_ms": statistics.median(scan_s) * 1000,
        "scan_over_walk": statistics.median(s / w for s, w in zip(scan_s, walk_s, strict=True)),
        "whole_command_s": whole_s,
        "first_sync_s": first_s,
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>16}  {value:,.2f}")


def _make_files(library: Path, n: int) -> None:
    for i in range(n):
        folder = library / f"{i % 100:02}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"note {i}.txt"
        path.write_text(f"Note {i}. The pump of line {i % 97} was serviced on day {i}.\n")
        # Older than the clock's grain, as a library's files are.
        os.utime(path, (1_700_000_000 + i, 1_700_000_000 + i))


def _bare_walk(folder: str) -> int:
    n = 0
    for place, _, names in os.walk(folder):
        for name in names:
            os.stat(os.path.join(place, name))  # noqa: PTH116, PTH118 - this is the bare cost
            n += 1
    return n


def _run(command: list[str], n: int, outcome: str) -> None:
    result = subprocess.run(command, capture_output=True, check=True, text=True)
    assert json.loads(result.stdout)["counts"][outcome] == n


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
