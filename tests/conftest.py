"""What all suites share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.dont_write_bytecode:
    # Tests start hundreds of processes, and each would compile every module anew. What is compiled
    # is kept, though not beside its source.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    kept = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = kept
    sys.dont_write_bytecode = False

if "PYTEST_XDIST_WORKER" in os.environ:
    # Every core has a worker of its own: threads that wait for each other on busy cores burn, in
    # OpenMP's spinning, more than they compute. What a test starts inherits it.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Collect what Gradio leaves to the collector. What its event loops complain of then is shown
    with a parsed line of source; should that happen while a module is parsed, as plugins import
    some at the end, CPython 3.11 fails (gh-106905)."""
    gc.collect()


@pytest.fixture(scope="session")
def tiny_qwen3_vl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a tiny Qwen3-VL checkpoint. Copy it before you change it."""
    from tiny_qwen3_vl import make_checkpoint

    return make_checkpoint(tmp_path_factory.mktemp("models") / "tiny-qwen3-vl")


@pytest.fixture(autouse=True)
def _watchful_collector() -> Iterator[None]:
    """A command of the command line has the collector pass over all that lives, for its process
    ends with it: here what it leaves in circles, such as a whole library, would stay for ever."""
    threshold = gc.get_threshold()
    yield
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.set_threshold(*threshold)
        gc.collect()
