"""What a server counts and measures, in the format of Prometheus: requests, questions and the
stages of their answers, the library, syncs, and the process. No metric holds anybody's words.

See https://prometheus.io/docs/practices/naming/ for the names.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kb.errors import KnowledgeBaseError
from kb.stopping import StoppedError
from kb.types import Answer
from ui.service.counts import ServiceCounts

__all__ = ["Metrics"]

T = TypeVar("T")
# From words found in a small library to a long answer that a model writes on a processor.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FOUND, _NOTHING, _ERROR, _STOPPED = "found", "nothing", "error", "stopped"


class Metrics:
    """The metrics of one server.

    Args:
        counts: What is there, asked at each reading.
    """

    def __init__(self, counts: ServiceCounts) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "kb_http_requests", "Requests", ("method", "route", "status"), registry=registry
        )
        self._request_s = Histogram(
            "kb_http_request_duration_seconds",
            "Seconds until a request was answered, a stream to its end",
            ("method", "route"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._questions = Counter(
            "kb_questions",
            "Questions by what came of them: answered, no_evidence, error, stopped",
            ("outcome",),
            registry=registry,
        )
        self._searches = Counter(
            "kb_searches",
            "Searches by what came of them: found, nothing, error, stopped",
            ("outcome",),
            registry=registry,
        )
        self._question_s = Histogram(
            "kb_question_duration_seconds",
            "Seconds until a question had its whole answer",
            buckets=_SECONDS,
            registry=registry,
        )
        self._stage_s = Histogram(
            "kb_stage_duration_seconds",
            "Seconds in the stages of searches and answers",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._syncs = Counter(
            "kb_syncs", "Syncs by how they ended: done, error", ("outcome",), registry=registry
        )
        self._synced_s = Gauge(
            "kb_sync_last_success_timestamp_seconds",
            "When a sync was last done, since the epoch; 0 before the first",
            registry=registry,
        )
        # So that each is there, at 0, before it first happens.
        for outcome in ("answered", "no_evidence", _ERROR, _STOPPED):
            self._questions.labels(outcome)
        for outcome in (_FOUND, _NOTHING, _ERROR, _STOPPED):
            self._searches.labels(outcome)
        for outcome in ("done", _ERROR):
            self._syncs.labels(outcome)
        registry.register(_Looked(counts))
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them (text format 0.0.4)."""
        return generate_latest(self._registry)

    def requested(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count a request.

        Args:
            route: Its template, of which there are few; never the path.
        """
        kind = method if method in _METHODS else "other"
        self._requests.labels(kind, route, str(status)).inc()
        self._request_s.labels(kind, route).observe(duration_s)

    @contextmanager
    def searching(self) -> Iterator[None]:
        """Count a search that fails within; what came of others is told by `searched`."""
        with _counted_failure(self._searches):
            yield

    def searched(self, n_hits: int, timings_ms: Mapping[str, float]) -> None:
        """Count a search with its results."""
        self._searches.labels(_FOUND if n_hits else _NOTHING).inc()
        self._took(timings_ms)

    def asking(self, events: Iterable[T]) -> Generator[T, None, None]:
        """The events of an answer, as they come; what came of the question is counted."""
        answer: Answer | None = None
        try:
            with _counted_failure(self._questions):
                for event in events:
                    if isinstance(event, Answer) and not event.is_draft:
                        answer = event
                    yield event
        finally:
            if isinstance(events, Generator):
                events.close()
            if answer is not None:
                self._question_s.observe(answer.total_time_ms / 1000)
                self._took(answer.timings_ms)
        if answer is not None:
            self._questions.labels(answer.status.value).inc()

    @contextmanager
    def syncing(self) -> Iterator[None]:
        """Count the sync that is done within."""
        try:
            yield
        except StoppedError:
            raise
        except Exception:
            self._syncs.labels(_ERROR).inc()
            raise
        self._syncs.labels("done").inc()
        self._synced_s.set(time.time())

    def _took(self, timings_ms: Mapping[str, float]) -> None:
        for stage, time_ms in timings_ms.items():
            self._stage_s.labels(stage).observe(time_ms / 1000)


@contextmanager
def _counted_failure(counter: Counter) -> Iterator[None]:
    try:
        yield
    except (StoppedError, GeneratorExit):
        counter.labels(_STOPPED).inc()
        raise
    except Exception:
        counter.labels(_ERROR).inc()
        raise


class _Looked(Collector):
    """What is not counted as it happens, but looked up when somebody reads it."""

    def __init__(self, counts: ServiceCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        counts = self._counts
        n_working, n_waiting = counts.n_questions()
        is_syncing, n_to_read = counts.n_syncs()
        yield _gauge("kb_questions_in_progress", "Searches and questions worked on", n_working)
        yield _gauge("kb_questions_waiting", "Searches and questions that wait", n_waiting)
        yield _gauge("kb_sync_running", "Whether a sync runs", is_syncing)
        yield _gauge("kb_sync_files_waiting", "Files that it has still to read", n_to_read)
        yield _gauge(
            "kb_sync_held_up", "Whether something stopped the last sync", counts.is_held_up()
        )
        files = GaugeMetricFamily("kb_files", "Files by status", labels=("status",))
        try:
            for status, n_files in counts.n_files().items():
                files.add_metric((status,), n_files)
            n_documents, n_chunks = counts.n_documents(), counts.n_chunks()
        except KnowledgeBaseError:
            yield _gauge("kb_ledger_readable", "Whether the ledger can be read", 0)
            return
        yield files
        yield _gauge("kb_documents", "Documents that are indexed", n_documents)
        yield _gauge("kb_chunks", "Chunks that are indexed", n_chunks)
        yield _gauge("kb_ledger_readable", "Whether the ledger can be read", 1)


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)
