"""One index of the samples for all tests of a run, whichever process runs them.

Reading them takes the better part of a minute: OCR of pictures and of a film's frames. The first
test that needs the index has it made, under a lock, in the folder of the run; every module that
asks gets a copy, which it may write.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from filelock import FileLock

from kb.config import Home
from kb.index.store.generations import copy_sparse

__all__ = ["SAMPLES", "IndexedHome", "copy_home", "indexed_samples"]

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data" / "samples"


class IndexedHome(NamedTuple):
    """A home whose library is the samples, indexed by the profile `starter`.

    Attributes:
        report: What `kb sync --json` said when it was made.
    """

    home: Home
    report: dict[str, Any]


def indexed_samples(factory: pytest.TempPathFactory) -> IndexedHome:
    """A copy for the caller alone."""
    base = factory.getbasetemp()
    # Each worker of pytest-xdist has a folder of its own in that of the run.
    run = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made = run / "indexed-samples"
    report = made / "report.json"
    with FileLock(run / "indexed-samples.lock"):
        if not report.exists():
            shutil.rmtree(made, ignore_errors=True)
            shutil.copytree(SAMPLES, made / "library")
            report.write_bytes(_sync(made))
    home = copy_home(made, factory.mktemp("home") / "home")
    return IndexedHome(Home(home), json.loads(report.read_bytes()))


def copy_home(home: Path, copy: Path) -> Path:
    """`copy`, which becomes a home of the same files and index; nothing may have `home` open."""
    copy_sparse(home, copy)
    _move_paths(copy, home)
    return copy


def _sync(home: Path) -> bytes:
    command = [sys.executable, "-m", "ui.cli", "sync", "--home", str(home), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _move_paths(home: Path, former: Path) -> None:
    """The ledger names files by their absolute root: have it name those of the copy."""
    db = sqlite3.connect(home / "index" / "ledger.sqlite3")
    try:
        with db:
            db.execute(
                "UPDATE paths SET root = replace(root, :old, :new), "
                "companions = replace(companions, :old, :new)",
                {"old": str(former), "new": str(home)},
            )
    finally:
        db.close()
