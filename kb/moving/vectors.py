"""A copy of the embedded store's shard, whole, while another process may have it open."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from kb.config import Config, Home
from kb.errors import StoreInUseError
from kb.index.ledger.damage import ERRORS, told
from kb.index.store.generations import Generations, copy_sparse
from kb.index.store.lock import acquire
from kb.index.store.place import StorePlace

__all__ = ["copy_vectors"]

_WAIT_S = 60.0
_BETWEEN_S = 0.05
_IS_WRITTEN = (
    "SELECT EXISTS (SELECT 1 FROM pending_points) OR EXISTS (SELECT 1 FROM pending_labels)"
)


def copy_vectors(home: Home, config: Config, target: Path) -> Mapping[str, str] | None:
    """Copy the shard that answers to ``target/NAME``, and tell the encoders of its vectors.

    Where a process has the store open, the copy is made while nothing is written: a point is
    written after the ledger's table ``pending_points`` names it, and before the transaction that
    lets it answer, so while the table is empty and this function holds the ledger's lock, nobody
    writes to the shard. Those who want to write wait meanwhile, and nobody who asks.

    Returns:
        See `kb.index.store.schema.CollectionSchema.identity`; None where there are no vectors in
        files: nothing was indexed, or they are on a server.

    Raises:
        StoreInUseError: The index was being written all the time.
        StoreUnavailableError: The store's files are damaged.
        StoreError: The ledger can't be read.
    """
    folder = StorePlace(home, config).folder()
    if folder is None or Generations(folder).read() is None:
        return None
    until = time.monotonic() + _WAIT_S
    while True:
        try:
            lock = acquire(folder)
        except StoreInUseError:
            identity = _copy_beside_owner(home, folder, target)
        else:
            try:
                identity = _copy(folder, target)
            finally:
                lock.release()
        if identity is not None:
            return identity
        if time.monotonic() > until:
            raise StoreInUseError(
                f"The index in {home.index} has been written without a pause for {_WAIT_S:.0f} s, "
                "so its vectors can't be copied. Wait for the sync to end (`kb status`), then try "
                "again; or leave them out with --without-vectors.",
                collection=str(folder),
            )
        time.sleep(_BETWEEN_S)


def _copy_beside_owner(home: Home, folder: Path, target: Path) -> Mapping[str, str] | None:
    """None where the index is being written, or the owner left meanwhile."""
    with closing(sqlite3.connect(home.ledger, timeout=_WAIT_S, isolation_level=None)) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
            if db.execute(_IS_WRITTEN).fetchone()[0]:
                return None
        except ERRORS as error:
            raise told(error, home.ledger) or error from error
        identity = _copy(folder, target)
        try:
            lock = acquire(folder)
        except StoreInUseError:
            return identity
        # Whoever closes a store writes to it last.
        lock.release()
        return None


def _copy(folder: Path, target: Path) -> Mapping[str, str] | None:
    """None where a compaction put another shard in place of this one meanwhile."""
    generations = Generations(folder)
    before = generations.read()
    if before is None:
        return None
    shutil.rmtree(target, ignore_errors=True)
    copy_sparse(folder / before.shard, target / before.shard)
    return before.identity if generations.read() == before else None
