"""One process at a time has an embedded store open."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from kb.errors import StoreInUseError, StoreUnavailableError

__all__ = ["acquire"]


def acquire(path: Path) -> FileLock:
    """The lock of the store in `path`, held; any thread may release it.

    Raises:
        StoreInUseError: Another process holds it; the message says which.
        StoreUnavailableError: The folder can't be made or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / "lock", thread_local=False)
        lock.acquire(timeout=0)
        (path / "owner.json").write_text(json.dumps({"pid": os.getpid()}), "utf-8")
    except Timeout as error:
        raise StoreInUseError(
            f"The vector store in {path} is open in another process{_owner(path)}. While "
            "that runs, search and sync through it (its page or its HTTP API), or stop it and "
            "try again.",
            collection=str(path),
        ) from error
    except OSError as error:
        raise StoreUnavailableError(
            f"The vector store's folder {path} can't be written: {error}. See to its "
            "permissions and to the disk, then try again.",
            collection=str(path),
        ) from error
    return lock


def _owner(path: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError, psutil.Error):
        pid = int(json.loads((path / "owner.json").read_text("utf-8"))["pid"])
        command = " ".join(" ".join(psutil.Process(pid).cmdline()).split())
        return f": {pid} ({command[:120]})"
    return ""
