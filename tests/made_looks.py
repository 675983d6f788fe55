"""Looks at files that end their process, for `tests/integration/test_looking.py`. In a module of
its own, since worker processes import it by name."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

from ingest.looking import look_at
from ingest.scan import Found
from kb.config import IngestConfig

__all__ = ["look_or_end"]


def look_or_end(founds: Sequence[Found], config: IngestConfig) -> bytes:
    """`look_at`, but for files whose names say otherwise."""
    names = [found.path for found in founds]
    if any("crash" in name for name in names):
        os.kill(os.getpid(), signal.SIGSEGV)
    if any("hang" in name for name in names):
        time.sleep(600)
    return look_at(founds, config)
