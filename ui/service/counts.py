"""How the library, syncs and questions of a server stand; cheap enough to be asked for often."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ingest.progress import Progress
from ingest.sync import Syncer
from kb import DocumentStatus, FileQuery, Ledger
from ui.service.asking import Askers

__all__ = ["ServiceCounts"]

_STATUSES = (*(one.value for one in DocumentStatus), "waiting", "indexing")


class ServiceCounts:
    """A server's own numbers, as `Metrics` reads them.

    Args:
        progress: Of the running sync.
        alert: What stopped the last sync, or empty.
    """

    def __init__(
        self,
        ledger: Ledger,
        syncer: Syncer,
        askers: Askers,
        progress: Callable[[], Progress],
        alert: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._syncer = syncer
        self._askers = askers
        self._progress = progress
        self._alert = alert

    def n_files(self) -> Mapping[str, int]:
        """Files by status, also those that none has."""
        query = FileQuery(waiting=self._syncer.waiting(), reading=self._progress().current)
        counts = self._ledger.count_files(query)
        return dict.fromkeys(_STATUSES, 0) | {
            status: count.n_files for status, count in counts.items()
        }

    def n_documents(self) -> int:
        """Documents that are indexed."""
        return self._ledger.n_documents()

    def n_chunks(self) -> int:
        """Chunks that are indexed."""
        return self._ledger.n_chunks()

    def n_questions(self) -> tuple[int, int]:
        """See `Askers.n_working_and_waiting`."""
        return self._askers.n_working_and_waiting()

    def n_syncs(self) -> tuple[int, int]:
        """Whether a sync runs, and how many files it has still to read."""
        return int(self._progress().running), len(self._syncer.waiting())

    def is_held_up(self) -> bool:
        """Whether something stopped the last sync."""
        return bool(self._alert())
