"""Chunks on their way between processes, few and many."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from ingest.spool import Spool
from kb.index.batches import BATCH_CHUNKS
from kb.types import Chunk, Kind, Locator, Modality


def chunk(n: int) -> Chunk:
    return Chunk(f"id {n}", "ab" * 32, n, Kind.DATA, Modality.TEXT, Locator(page=n + 1), f"row {n}")


@pytest.mark.parametrize("n", [0, 1, BATCH_CHUNKS, BATCH_CHUNKS + 1, 3 * BATCH_CHUNKS])
def test_all_chunks_come_out_again_in_order(n: int, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder)
    for number in range(n):
        rows = np.full((1, 2), number, np.float32) if number % 2 else None
        spool.add(chunk(number), rows)
    batches = pickle.loads(pickle.dumps(spool.finish()))
    assert batches.n_chunks == n
    for _ in range(2):
        found = list(batches)
        assert all(0 < len(batch.chunks) <= BATCH_CHUNKS for batch in found)
        assert [one for batch in found for one in batch.chunks] == [chunk(i) for i in range(n)]
        described = {key: rows[0, 0] for batch in found for key, rows in batch.pictures.items()}
        assert described == {f"id {i}": i for i in range(1, n, 2)}
    # A file is made where there are many, and does not outlast them.
    assert folder.exists() == (n > BATCH_CHUNKS)
    batches.delete()
    assert not folder.exists() or not list(folder.iterdir())


def test_what_is_given_up_leaves_no_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for number in range(BATCH_CHUNKS + 1):
        spool.add(chunk(number), None)
    assert list((tmp_path / "spool").iterdir())
    spool.discard()
    assert not list((tmp_path / "spool").iterdir())
