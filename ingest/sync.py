"""Bringing the index in line with the folders: plan, parse in workers, write, tidy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from ingest.cache_uses import CacheUses
from ingest.clean import clean_text
from ingest.failures import BugLog, is_of_one_file, of_the_machine, unforeseen
from ingest.plan import NOTHING_DECIDED, Decided, Plan, Scope, make_plan
from ingest.progress import Progress, ProgressMeter
from ingest.reading import CACHES, Read, Reader
from ingest.workers import Workers
from kb.config import Home
from kb.errors import ConfigError, KnowledgeBaseError
from kb.index.batches import BATCH_CHUNKS
from kb.knowledge_base import KnowledgeBase
from kb.stopping import Stop, StoppedError, check, stoppable
from kb.types import Outcome, SourceOutcome, SyncReport

__all__ = ["Decided", "Syncer", "forget_what_was_read"]

_WRITE_INTERVAL_S = 5.0
# File systems round times, some to two seconds.
_CLOCK_GRAIN_NS = 2_000_000_000


class Syncer:
    """Runs one sync at a time over a knowledge base.

    Args:
        listen: Called with the progress, from the thread that syncs.
        put_aside: Tells documents, by sha256, that are in the index no more and may come back.
    """

    def __init__(
        self,
        kb: KnowledgeBase,
        listen: Callable[[Progress], None] = lambda _: None,
        put_aside: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._kb = kb
        self._listen = listen
        self._put_aside = put_aside
        self._lock = threading.Lock()
        self._stop = Stop()
        self._waiting: frozenset[tuple[str, str]] = frozenset()
        self._bugs = BugLog(kb.home.index / "bugs.log")
        self._reader = Reader(kb, self._bugs, self._stop)

    def waiting(self) -> frozenset[tuple[str, str]]:
        """``(root, path)`` of the files that a running sync has still to read."""
        return self._waiting

    def roots(self) -> tuple[Path, ...]:
        """Every root: the library, the configured ones, and those that were synced by name."""
        configured = self._kb.home.roots(self._kb.config)
        return tuple(dict.fromkeys((*configured, *self._kb.ledger.roots())))

    def sync(
        self,
        folders: Sequence[Path] = (),
        *,
        dry_run: bool = False,
        allow_mass_delete: bool = False,
        decided: Decided = NOTHING_DECIDED,
        retry: frozenset[str] | None = None,
    ) -> SyncReport:
        """Add, update, move and remove until the index holds what the folders hold.

        Args:
            folders: Only these: roots, folders below a root, or new roots. Empty means all.
            dry_run: Report what would be done, and change nothing.
            allow_mass_delete: Go on where a root is missing or loses more than half.
            decided: What was decided of files that are gone, where it stopped for them before.
            retry: Failed files to read again; empty means every one, None means none.

        Raises:
            ConfigError: A folder is missing.
            MassDeleteError: So much is gone that somebody has to decide.
            StoreError: The store or the ledger failed; what was written stays whole.
            StoppedError: It was stopped before its turn or in the middle of a write; or whoever
                asked for it has gone before its turn. Once it is under way it goes on without him.
        """
        start = time.perf_counter()
        with self._turn():
            meter = ProgressMeter(self._listen)
            try:
                meter.stage("scan")
                scopes = _scopes(self._kb.home, self.roots(), folders)
                config = self._kb.config.ingest
                self._reader = Reader(self._kb, self._bugs, self._stop)
                # Nothing is called unchanged that could not be read if it were asked for.
                self._kb.ledger.check()
                if not dry_run:
                    self._kb.recover()
                self._reader.sweep()
                with self._reader.workers() as workers:
                    plan = make_plan(
                        self._kb.ledger,
                        scopes,
                        config,
                        allow_mass_delete=allow_mass_delete,
                        decided=decided,
                        retry=retry,
                        bugs=self._bugs,
                        workers=workers,
                        is_stopped=self._stop.is_set,
                    )
                    if folders and not dry_run:
                        known = self.roots()
                        self._kb.ledger.add_roots(s.root for s in scopes if s.root not in known)
                    if dry_run:
                        outcomes = plan.foreseen()
                    else:
                        outcomes = [*plan.settled, *self._carry_out(plan, meter, workers)]
            finally:
                self._waiting = frozenset()
                self._reader.sweep()
                self._listen(Progress())
        outcomes.sort(key=lambda file: (file.source, file.outcome))
        return SyncReport(tuple(outcomes), (time.perf_counter() - start) * 1000)

    def forget(self, root: Path) -> int:
        """Take a root out of the index; its files stay on disk. Returns how many it held.

        Raises:
            ConfigError: It is none of the roots.
            StoppedError: As for `sync`.
        """
        with self._turn():
            keys = list(self._kb.ledger.paths(root))
            known = self._kb.ledger.roots()
            if not keys and root not in known:
                folders = ", ".join(map(str, known)) or "none but the library"
                raise ConfigError(f"{root} is not in the index. Folders that are: {folders}.")
            self._kb.ledger.remove_root(root)
            self._kb.forget_paths(keys)
            self._kb.sweep_assets()
        return len(keys)

    def between_syncs(self, change: Callable[[], None]) -> None:
        """Run `change`, which may change the knowledge base, while no sync runs.

        Raises:
            StoppedError: As for `sync`.
        """
        with self._turn():
            change()

    def stop(self) -> None:
        """End the running sync soon, and let none begin any more; what was written stays, the
        rest is for the next process."""
        self._stop.set()

    def wait(self, timeout_s: float) -> None:
        """Wait until the running sync has ended."""
        if self._lock.acquire(timeout=timeout_s):
            self._lock.release()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._lock:
            check()  # whoever waited for it may have gone
            with stoppable(self._stop):
                check()
                yield

    # -- carrying out --------------------------------------------------------------------

    def _carry_out(self, plan: Plan, meter: ProgressMeter, workers: Workers) -> list[SourceOutcome]:
        began_ns = time.time_ns()
        outcomes = self._put_paths(plan)
        waiting: list[Read] = []
        n_waiting = 0
        last_write_s = time.monotonic()
        self._waiting = frozenset((p.root, p.path) for job in plan.jobs for p in job.paths)
        try:
            # Closed at once, so that no worker outlives an error that somebody holds on to.
            with closing(self._reader.read(plan.jobs, meter, workers)) as reads:
                for read in reads:
                    waiting.append(read)
                    n_waiting += read.batches.n_chunks
                    is_due = time.monotonic() - last_write_s > _WRITE_INTERVAL_S
                    if n_waiting >= BATCH_CHUNKS or is_due:
                        ready, waiting, n_waiting = waiting, [], 0
                        outcomes += self._write(ready)
                        last_write_s = time.monotonic()
        except KnowledgeBaseError:
            # What was read is kept where the workers broke down, or the write itself did.
            if waiting:
                self._write(waiting)
            raise
        if waiting:
            outcomes += self._write(waiting)
        if plan.removed and not self._stop.is_set():
            self._kb.forget_paths(plan.removed)
        meter.stage("tidy")
        if len(outcomes) < sum(len(job.paths) for job in plan.jobs) or any(
            outcome.outcome is Outcome.FAILED for outcome in outcomes
        ):
            self._drop_strays(began_ns)
        self._kb.sweep_assets()
        if not self._stop.is_set():
            self._drop_what_was_read()
            self._kb.compact_if_due()
        return outcomes

    def _drop_what_was_read(self) -> None:
        """Delete what OCR read and what was heard in documents that are no more."""
        caches = [CacheUses(self._kb.home.index / name) for name in CACHES]
        if any(cache.documents() for cache in caches):
            known = {*self._kb.ledger.standings(), *self._put_aside()}
            for cache in caches:
                if gone := cache.documents() - known:
                    cache.drop(gone)

    def _put_paths(self, plan: Plan) -> list[SourceOutcome]:
        """Note the plan's paths; the outcomes of those that can't be noted."""
        if not plan.paths:
            return []
        try:
            self._kb.put_paths(plan.paths)
        except Exception as error:
            if not is_of_one_file(error):
                raise
        else:
            return []
        failed = []
        for path in plan.paths:
            try:
                self._kb.put_paths([path])
            except Exception as error:
                if not is_of_one_file(error):
                    raise
                reason = self._bugs.told(unforeseen(error, path.path, "Noting"))
                failed.append(SourceOutcome(clean_text(path.path), Outcome.FAILED, reason))
        return failed

    def _drop_strays(self, since_ns: int) -> None:
        """Delete pictures of files whose reading ended half-way."""
        root = self._kb.assets.root
        for path in root.glob("??/*"):
            try:
                written_ns = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
            if written_ns < since_ns - _CLOCK_GRAIN_NS:
                continue
            if path.name.startswith(".") or self._kb.ledger.asset(path.stem) is None:
                path.unlink(missing_ok=True)

    def _write(self, reads: Sequence[Read]) -> list[SourceOutcome]:
        try:
            amiss = self._kb.write([read.document for read in reads])
        except StoppedError:
            raise
        except Exception as error:
            if not is_of_one_file(error):
                raise of_the_machine(error) from error
            return self._write_apart(reads, error)
        self._waiting -= {(path.root, path.path) for read in reads for path in read.job.paths}
        outcomes = []
        for read in reads:
            read.batches.delete()
            reason = amiss.get(read.job.source.sha256)
            for outcome in read.outcomes:
                if reason is not None:
                    reasons = " ".join(part for part in (outcome.reason, reason) if part)
                    outcome = outcome._replace(outcome=Outcome.PARTIAL, reason=reasons)
                outcomes.append(outcome)
        return outcomes

    def _write_apart(self, reads: Sequence[Read], error: Exception) -> list[SourceOutcome]:
        """Write documents of which one can't be written: the others for themselves."""
        if len(reads) > 1:
            half = len(reads) // 2
            return [*self._write(reads[:half]), *self._write(reads[half:])]
        (read,) = reads
        self._kb.recover()
        if not read.is_failure:
            bug = unforeseen(error, read.job.source.path, "Indexing")
            return self._write([self._reader.failed(read.job, self._bugs.told(bug))])
        # Not even the failure can be noted: then it is told, and tried again by the next sync.
        reason = self._bugs.told(unforeseen(error, read.job.source.path, "Noting"))
        self._waiting -= {(path.root, path.path) for path in read.job.paths}
        return [outcome._replace(reason=reason) for outcome in read.outcomes]


def forget_what_was_read(home: Home, document_sha256s: Collection[str]) -> None:
    """Delete what OCR read and what was heard in documents that are in the index no more, but for
    what others share with them."""
    for name in CACHES:
        if (home.index / name).is_dir():
            CacheUses(home.index / name).drop(document_sha256s)


def _scopes(home: Home, roots: Sequence[Path], folders: Sequence[Path]) -> list[Scope]:
    if not folders:
        home.library.mkdir(parents=True, exist_ok=True)
        return [Scope(root) for root in roots]
    scopes = []
    for given in folders:
        folder = given.expanduser().resolve()
        if clean_text(str(folder)) != str(folder):
            raise ConfigError(
                f"The name of {clean_text(str(given))} is not valid Unicode. Rename the folder, or "
                "name another one."
            )
        if folder.is_file():
            raise ConfigError(f"{given} is a file. Name its folder: {folder.parent}")
        if folder.is_relative_to(home.index):
            raise ConfigError(f"{given} is where the index itself lies. Name another folder.")
        inside = [root for root in roots if folder.is_relative_to(root)]
        if inside and folder != inside[0]:
            scopes.append(Scope(inside[0], folder.relative_to(inside[0]).as_posix() + "/"))
        else:
            scopes.append(Scope(folder))
    return scopes
