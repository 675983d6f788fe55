"""Embedding a library anew, for another model or dimension, beside the vectors that answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass

from kb.index.ledger import Ledger
from kb.index.points import make_points, words_alone
from kb.protocols import DocumentLabels, Encoders, MaintainedStore, Point

__all__ = ["ReembedProgress", "reembed"]

_BATCH = 128


@dataclass(frozen=True, slots=True)
class ReembedProgress:
    """How far it has come.

    Attributes:
        n_done: Chunks that have their new vectors, those of an earlier run included.
        n_refused: Chunks that the dense encoder refused; their documents are PARTIAL.
    """

    n_done: int
    n_total: int
    n_refused: int = 0


def reembed(
    ledger: Ledger,
    encoders: Encoders,
    target: MaintainedStore,
    labels: MutableMapping[str, DocumentLabels],
    listen: Callable[[ReembedProgress], None],
    stop: threading.Event,
) -> ReembedProgress:
    """Give every committed chunk its vectors in `target`.

    What `target` holds already is not encoded again, so a run that was ended goes on where it
    stood. Documents may come, go and move meanwhile: it looks again until nothing is missing.

    Args:
        encoders: The new ones.
        labels: By sha256, those that the documents are known to have in `target`; brought up to
            date.
        listen: Called after each batch.
        stop: Set it to end after the batch at hand; the result then has `n_done` below
            `n_total`.

    Raises:
        InferenceError: An encoder failed as a whole; what is done stays.
        StoreError: A store failed; what is done stays.
    """
    # Their points are written last: until then a run that is gone on with asks for them again.
    refused: dict[str, str] = {}
    kept: list[Point] = []
    while True:
        wanted, held = ledger.chunk_ids(), set(target.ids())
        target.delete(sorted(held - wanted))
        missing = sorted(wanted - held - refused.keys())
        n_done = len(wanted) - len(missing)
        progress = ReembedProgress(n_done, len(wanted), len(refused))
        listen(progress)
        if not missing:
            target.upsert([point for point in kept if point.id in wanted])
            _relabel(ledger, target, labels)
            _tell(ledger, refused)
            target.compact()
            return progress
        for start in range(0, len(missing), _BATCH):
            if stop.is_set():
                return progress
            ids = missing[start : start + _BATCH]
            chunks = list(ledger.chunks(ids).values())
            of_documents = ledger.labels({chunk.document_sha256 for chunk in chunks})
            points, no_vector = make_points(chunks, encoders, of_documents)
            target.upsert([point for point in points if point.id not in no_vector])
            kept += [point for point in points if point.id in no_vector]
            refused |= no_vector
            n_done += len(ids)
            progress = ReembedProgress(n_done, len(wanted), len(refused))
            listen(progress)


def _relabel(
    ledger: Ledger, target: MaintainedStore, labels: MutableMapping[str, DocumentLabels]
) -> None:
    wanted = ledger.labels()
    changed = {sha256: new for sha256, new in wanted.items() if labels.get(sha256) != new}
    target.set_labels(changed)
    labels.clear()
    labels.update(wanted)


def _tell(ledger: Ledger, refused: Mapping[str, str]) -> None:
    chunks = ledger.chunks(list(refused)).values()
    by_document: dict[str, list[str]] = {}
    for chunk in chunks:
        by_document.setdefault(chunk.document_sha256, []).append(refused[chunk.id])
    ledger.mark_partial({sha256: words_alone(reasons) for sha256, reasons in by_document.items()})
