"""Bringing the index in line with the folders: plan, parse in workers, write, tidy."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from ingest.fingerprint import failure_fingerprint
from ingest.parsers import parser_for
from ingest.plan import Job, Plan, Scope, make_plan
from ingest.progress import Progress, ProgressMeter
from ingest.worker import ParsedFile, WorkerSettings, initialise_worker, parse_file
from kb.config import Home
from kb.errors import ConfigError, IngestError, SourceUnavailableError
from kb.knowledge_base import IndexedDocument, KnowledgeBase
from kb.ledger import DocumentRecord, DocumentStatus
from kb.types import Document, Outcome, SourceOutcome, SyncReport

__all__ = ["Syncer"]

# Chunks that are encoded and written together: enough for full batches and few commits,
# little enough that a crash costs seconds.
_WRITE_CHUNKS = 256
_WRITE_INTERVAL_S = 5.0
_JOBS_AHEAD = 4
# File systems round times, some to two seconds.
_CLOCK_GRAIN_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class _Read:
    job: Job
    document: IndexedDocument
    outcomes: tuple[SourceOutcome, ...]


class Syncer:
    """Runs one sync at a time over a knowledge base.

    Args:
        listen: Called with the progress, from the thread that syncs.
    """

    def __init__(
        self, kb: KnowledgeBase, listen: Callable[[Progress], None] = lambda _: None
    ) -> None:
        self._kb = kb
        self._listen = listen
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._waiting: frozenset[tuple[str, str]] = frozenset()

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
        retry: frozenset[str] | None = None,
    ) -> SyncReport:
        """Add, update, move and remove until the index holds what the folders hold.

        Args:
            folders: Only these: roots, folders below a root, or new roots. Empty means all.
            dry_run: Report what would be done, and change nothing.
            allow_mass_delete: Go on where a root is missing or loses more than half.
            retry: Failed files to read again; empty means every one, None means none.

        Raises:
            ConfigError: A folder is missing, or the mass-delete guard stopped the sync.
            StoreError: The store or the ledger failed; what was written stays whole.
        """
        start = time.perf_counter()
        with self._lock:
            self._stop.clear()
            meter = ProgressMeter(self._listen)
            try:
                meter.stage("scan")
                scopes = _scopes(self._kb.home, self.roots(), folders)
                config = self._kb.config.ingest
                if not dry_run:
                    self._kb.recover()
                plan = make_plan(
                    self._kb.ledger,
                    scopes,
                    config,
                    allow_mass_delete=allow_mass_delete,
                    retry=retry,
                )
                if folders and not dry_run:
                    known = self.roots()
                    self._kb.ledger.add_roots(s.root for s in scopes if s.root not in known)
                outcomes = list(plan.settled)
                if dry_run:
                    outcomes += _foreseen(plan)
                else:
                    outcomes += self._carry_out(plan, meter)
            finally:
                self._waiting = frozenset()
                self._listen(Progress())
        outcomes.sort(key=lambda file: (file.source, file.outcome))
        return SyncReport(tuple(outcomes), (time.perf_counter() - start) * 1000)

    def forget(self, root: Path) -> int:
        """Take a root out of the index; its files stay on disk. Returns how many it held.

        Raises:
            ConfigError: It is none of the roots.
        """
        with self._lock:
            keys = list(self._kb.ledger.paths(root))
            known = self._kb.ledger.roots()
            if not keys and root not in known:
                folders = ", ".join(map(str, known)) or "none but the library"
                raise ConfigError(f"{root} is not in the index. Folders that are: {folders}.")
            self._kb.ledger.remove_root(root)
            self._kb.forget_paths(keys)
            self._kb.sweep_assets()
        return len(keys)

    def stop(self) -> None:
        """End a running sync soon; what was written stays, the rest is for the next one."""
        self._stop.set()

    # -- carrying out --------------------------------------------------------------------

    def _carry_out(self, plan: Plan, meter: ProgressMeter) -> list[SourceOutcome]:
        began_ns = time.time_ns()
        if plan.paths:
            self._kb.put_paths(plan.paths)
        outcomes: list[SourceOutcome] = []
        waiting: list[_Read] = []
        n_waiting = 0
        last_write_s = time.monotonic()
        for read in self._read_all(plan.jobs, meter):
            waiting.append(read)
            n_waiting += len(read.document.chunks)
            if n_waiting >= _WRITE_CHUNKS or time.monotonic() - last_write_s > _WRITE_INTERVAL_S:
                outcomes += self._write(waiting)
                waiting, n_waiting = [], 0
                last_write_s = time.monotonic()
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
        self._kb.compact_if_due()
        return outcomes

    def _drop_strays(self, since_ns: int) -> None:
        """Delete pictures of files whose reading ended half-way."""
        root = self._kb.assets.root
        for path in root.glob("??/*"):
            if path.stat().st_mtime_ns < since_ns - _CLOCK_GRAIN_NS:
                continue
            if path.name.startswith(".") or self._kb.ledger.asset(path.stem) is None:
                path.unlink(missing_ok=True)

    def _write(self, reads: Sequence[_Read]) -> list[SourceOutcome]:
        amiss = self._kb.write([read.document for read in reads])
        self._waiting -= {(path.root, path.path) for read in reads for path in read.job.paths}
        outcomes = []
        for read in reads:
            reason = amiss.get(read.job.source.sha256)
            for outcome in read.outcomes:
                if reason is not None:
                    reasons = " ".join(part for part in (outcome.reason, reason) if part)
                    outcome = outcome._replace(outcome=Outcome.PARTIAL, reason=reasons)
                outcomes.append(outcome)
        return outcomes

    def _read_all(self, jobs: Sequence[Job], meter: ProgressMeter) -> Iterator[_Read]:
        """Parse every job in worker processes, in the order in which they end."""
        if not jobs:
            return
        meter.begin([job.source.size_bytes for job in jobs])
        limit_s = self._kb.config.ingest.time_limit_s
        self._waiting = frozenset((path.root, path.path) for job in jobs for path in job.paths)
        todo = iter(jobs)
        running: dict[Future[ParsedFile], Job] = {}
        with self._workers(len(jobs)) as (pool, n_workers):
            while True:
                while len(running) < n_workers * _JOBS_AHEAD and not self._stop.is_set():
                    job = next(todo, None)
                    if job is None:
                        break
                    future = pool.schedule(
                        parse_file, args=(job.source, job.fingerprint), timeout=limit_s
                    )
                    running[future] = job
                if not running or self._stop.is_set():
                    return
                meter.reading(next(iter(running.values())).source.path)
                ended, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
                for future in ended:
                    job = running.pop(future)
                    yield self._finish(job, future)
                    meter.done(job.source.path, job.source.size_bytes)

    @contextmanager
    def _workers(self, n_jobs: int) -> Iterator[tuple[ProcessPool, int]]:
        config = self._kb.config.ingest
        n_cores = os.cpu_count() or 1
        n_workers = min(config.workers or n_cores, n_jobs)
        settings = WorkerSettings(
            config=config,
            assets=self._kb.assets.root,
            pictures=self._kb.picture_encoder,
            ocr_cache=self._kb.home.index / "ocr",
            n_threads=max(1, n_cores // n_workers),
        )
        # spawn: a fork of a process with threads and native libraries can deadlock.
        pool = ProcessPool(
            max_workers=n_workers,
            initializer=initialise_worker,
            initargs=(settings,),
            context=multiprocessing.get_context("spawn"),
        )
        try:
            yield pool, n_workers
        except BaseException:
            pool.stop()
            raise
        else:
            if self._stop.is_set():
                pool.stop()
            else:
                pool.close()
        finally:
            pool.join()

    def _finish(self, job: Job, future: Future[ParsedFile]) -> _Read:
        source = job.source
        try:
            parsed = future.result()
            _check_unchanged(job)
        except SourceUnavailableError as error:
            # Nothing is wrong with the file itself: the next sync tries again unasked.
            return self._failed(job, str(error), is_lasting=False)
        except IngestError as error:
            return self._failed(job, str(error))
        except TimeoutError:
            limit_s = self._kb.config.ingest.time_limit_s
            return self._failed(
                job,
                f"Reading the file took more than {limit_s:g} s and was stopped. Split the file, "
                "or raise `ingest.time_limit_s` in kb.yaml.",
            )
        except (ProcessExpired, CancelledError) as error:
            return self._failed(
                job,
                f"The program that read the file crashed ({_cause(error)}), or the system stopped "
                "it for lack of memory. Save the file anew or convert it to PDF; `kb sync --retry` "
                "tries the same file again.",
            )
        status = DocumentStatus.PARTIAL if parsed.warnings else DocumentStatus.INDEXED
        reason = " ".join(parsed.warnings)
        document = Document(
            sha256=source.sha256,
            kind=source.kind,
            media_type=source.media_type,
            title=parsed.title or Path(source.path).stem,
            size_bytes=source.size_bytes,
            sources=(),
            date_ns=parsed.date_ns or source.mtime_ns,
            n_chunks=len(parsed.chunks),
        )
        record = DocumentRecord(document, job.fingerprint, status, reason)
        outcomes = tuple(
            SourceOutcome(
                path.path,
                Outcome.PARTIAL if parsed.warnings else outcome,
                reason,
                len(parsed.chunks),
            )
            for path, outcome in zip(job.paths, job.outcomes, strict=True)
        )
        written = IndexedDocument(record, parsed.chunks, tuple(job.paths), parsed.pictures)
        return _Read(job, written, outcomes)

    def _failed(self, job: Job, reason: str, *, is_lasting: bool = True) -> _Read:
        source = job.source
        document = Document(
            sha256=source.sha256,
            kind=source.kind,
            media_type=source.media_type,
            title=Path(source.path).stem,
            size_bytes=source.size_bytes,
            sources=(),
            date_ns=source.mtime_ns,
        )
        fingerprint = ""
        if is_lasting:
            parser = parser_for(source.media_type)
            fingerprint = failure_fingerprint(parser, self._kb.config.ingest)
        paths = tuple(job.paths)
        if not _is_as_planned(job):
            # It vanished or changed meanwhile: whatever is there next is looked at afresh.
            fingerprint = ""
            paths = tuple(path._replace(reason=reason) for path in paths)
        record = DocumentRecord(document, fingerprint, DocumentStatus.FAILED, reason)
        outcomes = tuple(SourceOutcome(path.path, Outcome.FAILED, reason) for path in job.paths)
        return _Read(job, IndexedDocument(record, (), paths), outcomes)


def _cause(error: BaseException) -> str:
    code = getattr(error, "exitcode", None)
    if not isinstance(code, int):
        return type(error).__name__
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _is_as_planned(job: Job) -> bool:
    try:
        about = job.source.absolute.stat()
    except OSError:
        return False
    return (about.st_size, about.st_mtime_ns) == (job.source.size_bytes, job.source.mtime_ns)


def _check_unchanged(job: Job) -> None:
    if not _is_as_planned(job):
        raise IngestError(
            "The file changed or vanished while it was read. It will be read by the next sync.",
            source=job.source.path,
        )


def _foreseen(plan: Plan) -> Iterator[SourceOutcome]:
    for job in plan.jobs:
        for path, outcome in zip(job.paths, job.outcomes, strict=True):
            yield SourceOutcome(path.path, outcome)


def _scopes(home: Home, roots: Sequence[Path], folders: Sequence[Path]) -> list[Scope]:
    if not folders:
        home.library.mkdir(parents=True, exist_ok=True)
        return [Scope(root) for root in roots]
    scopes = []
    for given in folders:
        folder = given.expanduser().resolve()
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
