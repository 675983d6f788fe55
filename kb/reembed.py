"""Embedding a library anew, for another model or dimension, beside the vectors that answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from kb.ledger import Ledger
from kb.points import make_points
from kb.protocols import Encoders, MaintainedStore

__all__ = ["ReembedProgress", "reembed"]

_BATCH = 128


@dataclass(frozen=True, slots=True)
class ReembedProgress:
    """How far it has come.

    Attributes:
        n_done: Chunks that have their new vectors, those of an earlier run included.
        n_refused: Chunks that the dense encoder refused.
    """

    n_done: int
    n_total: int
    n_refused: int = 0


def reembed(
    ledger: Ledger,
    encoders: Encoders,
    target: MaintainedStore,
    listen: Callable[[ReembedProgress], None],
    stop: threading.Event,
) -> ReembedProgress:
    """Give every committed chunk its vectors in `target`.

    What `target` holds already is not encoded again, so a run that was ended goes on where it
    stood. Documents may come and go meanwhile: it looks again until nothing is missing.

    Args:
        encoders: The new ones.
        listen: Called after each batch.
        stop: Set it to end after the batch at hand; the result then has `n_done` below
            `n_total`.

    Raises:
        InferenceError: An encoder failed as a whole; what is done stays.
        StoreError: A store failed; what is done stays.
    """
    n_refused = 0
    while True:
        wanted, held = ledger.chunk_ids(), set(target.ids())
        target.delete(sorted(held - wanted))
        missing = sorted(wanted - held)
        n_done = len(wanted) - len(missing)
        progress = ReembedProgress(n_done, len(wanted), n_refused)
        listen(progress)
        if not missing:
            target.compact()
            return progress
        for start in range(0, len(missing), _BATCH):
            if stop.is_set():
                return progress
            ids = missing[start : start + _BATCH]
            chunks = list(ledger.chunks(ids).values())
            points, refused = make_points(chunks, encoders)
            target.upsert(points)
            n_refused += len(refused)
            n_done += len(ids)
            progress = ReembedProgress(n_done, len(wanted), n_refused)
            listen(progress)
