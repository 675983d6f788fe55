"""The process that has a Qdrant Edge shard open.

Every call into the engine holds Python's interpreter lock until it returns, and some take
long: a flush 0.1 to 0.3 s, opening and closing 0.2 s each, building the graphs minutes. In
a process of its own none of them stops the server, and an engine that crashes (a full disk
under a memory-mapped file is a SIGBUS) takes no server with it.

It answers pickled requests on stdin, one at a time, on stdout; `process` is the other end.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import BinaryIO

import qdrant_edge as edge
from filelock import FileLock, Timeout

from kb.index.store.edge_models import (
    edge_config,
    edge_filter,
    edge_labels,
    edge_point,
    edge_query,
    payload_indexes,
)
from kb.index.store.messages import Failure, Order, ShardCounts
from kb.index.store.schema import PayloadLimits
from kb.protocols import DocumentLabels, Point, ScoredId, VectorName, VectorQuery

__all__ = ["Shard", "serve"]

# A worker whose parent was killed needs a moment to notice; its successor waits for it.
_LOCK_TIMEOUT_S = 30.0
_PARENT_POLL_S = 0.5


class Shard:
    """The requests a worker answers, each a method."""

    def __init__(self, order: Order) -> None:
        self._schema = order.schema
        self._lock = FileLock(f"{order.directory}.lock")
        self._lock.acquire(timeout=_LOCK_TIMEOUT_S)
        directory = str(order.directory)
        config = edge_config(order.schema)
        if order.create:
            order.directory.mkdir(parents=True)
            self._shard = edge.EdgeShard.create(directory, config)
        else:
            self._shard = edge.EdgeShard.load(directory, config)
        for operation in payload_indexes(self._shard.info().payload_schema):
            self._shard.update(operation)

    def upsert(self, points: Sequence[Point]) -> None:
        self._shard.update(edge.UpdateOperation.upsert_points([edge_point(p) for p in points]))

    def delete(self, ids: Sequence[str]) -> None:
        self._shard.update(edge.UpdateOperation.delete_points(list(ids)))

    def set_labels(self, labels: Sequence[tuple[str, DocumentLabels]]) -> None:
        for sha256, of_document in labels:
            self._shard.update(edge_labels(sha256, of_document))

    def search(self, queries: Sequence[VectorQuery], limits: PayloadLimits) -> list[list[ScoredId]]:
        limited = edge_filter(limits)
        lists = self._shard.query_batch(
            edge.QueryBatchRequest([edge_query(q, limited, self._schema) for q in queries])
        )
        return [[ScoredId(str(hit.id), hit.score) for hit in hits] for hits in lists]

    def page(self, offset: str | None, limit: int) -> tuple[list[str], str | None]:
        """At most `limit` ids from `offset` on, and the offset of the next page."""
        records, following = self._shard.scroll(
            edge.ScrollRequest(offset=offset, limit=limit, with_payload=False)
        )
        return [str(record.id) for record in records], None if following is None else str(following)

    def counts(self) -> ShardCounts:
        n_indexed = 0
        if (info := self._shard.info()).indexed_vectors_count:
            # The engine counts sparse vectors as indexed too: they always are.
            has_sparse = edge.Filter(must=[edge.HasVectorCondition(VectorName.SPARSE.value)])
            n_sparse = self._shard.count(edge.CountRequest(filter=has_sparse))
            n_indexed = max(0, info.indexed_vectors_count - n_sparse)
        return ShardCounts(self._shard.count(edge.CountRequest()), n_indexed)

    def flush(self) -> None:
        self._shard.flush()

    def optimize(self) -> bool:
        return self._shard.optimize()

    def close(self) -> None:
        self._shard.close()
        self._lock.release()


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Open the shard of the order that comes first, then answer requests until `close`."""

    def answer(value: object) -> None:
        pickle.dump(value, answers)
        answers.flush()

    order: Order = pickle.load(requests)  # noqa: S301 - from the parent, over its own pipe
    if order.background and hasattr(os, "nice"):
        os.nice(10)
    try:
        shard = Shard(order)
    except Timeout:
        answer(Failure("in_use", "another process has it open"))
        return
    except BaseException as error:  # A panic of the engine is no Exception.
        answer(Failure("engine", str(error)))
        return
    answer(None)
    while True:
        method, arguments = pickle.load(requests)  # noqa: S301 - as above
        try:
            result = getattr(shard, method)(*arguments)
        except BaseException as error:
            result = Failure("engine", str(error))
        answer(result)
        if method == "close":
            return


def _exit_with_parent() -> None:
    """Forked siblings may hold the pipe open, so its end alone doesn't tell."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_POLL_S)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    # Ctrl-C goes to the whole process group; the parent decides when the shard is closed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A crash of the engine says where it was; the parent keeps what stands on stderr.
    faulthandler.enable()
    _exit_with_parent()
    # Nothing but answers may reach the pipe.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        serve(sys.stdin.buffer, answers)
    except (EOFError, BrokenPipeError):
        # The parent is gone: what it was told is durable is in the log already.
        os._exit(0)


if __name__ == "__main__":
    main()
