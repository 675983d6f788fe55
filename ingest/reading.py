"""Reading what a plan says in worker processes: each job becomes what is written of it."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

from pebble import ProcessExpired

from ingest.clean import clean_text
from ingest.dates import clamp_ns
from ingest.failures import BugLog, ParserBugError, is_of_one_file, out_of_time, unforeseen
from ingest.fingerprint import failure_fingerprint
from ingest.limits import limits_of, listening_limit_s
from ingest.listening import heard_s
from ingest.parsers import parser_for
from ingest.plan import Job
from ingest.progress import ProgressMeter
from ingest.spool import Batches
from ingest.worker import WorkerSettings, read_file, unpack
from ingest.workers import Workers, broken
from kb.errors import IngestError, SourceUnavailableError
from kb.index.ledger import DocumentRecord, DocumentStatus
from kb.knowledge_base import IndexedDocument, KnowledgeBase
from kb.stopping import Stop
from kb.types import Document, Outcome, SourceOutcome

__all__ = ["CACHES", "Read", "Reader"]

CACHES = ("ocr", "speech")
"""Folders of the index that keep what was read, by its bytes."""

_JOBS_AHEAD = 4
# A worker looks at its time itself, and keeps what it has read; it is stopped where it hangs.
_GRACE = 1.1


@dataclass(frozen=True, slots=True)
class Read:
    """What is written of one job, and told of its files."""

    job: Job
    document: IndexedDocument
    outcomes: tuple[SourceOutcome, ...]
    batches: Batches = field(default_factory=Batches)
    is_failure: bool = False


class Reader:
    """Reads jobs in as many processes as are configured.

    Args:
        stop: Set to end soon.
    """

    def __init__(self, kb: KnowledgeBase, bugs: BugLog, stop: Stop) -> None:
        self._config = kb.config.ingest
        self._assets = kb.assets.root
        self._pictures = kb.picture_encoder
        self._ocr_cache = kb.home.index / "ocr"
        self._speech_cache = kb.home.index / "speech"
        self._models = kb.home.models
        self._spool = kb.home.index / "spool"
        self._bugs = bugs
        self._stop = stop

    def read(self, jobs: Sequence[Job], meter: ProgressMeter, workers: Workers) -> Generator[Read]:
        """Parse every job in `workers`, in the order in which they end."""
        if not jobs:
            return
        meter.begin([job.source.size_bytes for job in jobs])
        todo = iter(jobs)
        running: dict[Future[bytes], Job] = {}
        workers.begin(len(jobs))
        while True:
            while len(running) < workers.n * _JOBS_AHEAD and not self._stop.is_set():
                job = next(todo, None)
                if job is None:
                    break
                listening_s = listening_limit_s(job.source, self._config)
                limit_s = _GRACE * (self._limit_s(job) + listening_s)
                future = workers.schedule(read_file, (job.source, job.fingerprint), limit_s)
                running[future] = job
            if not running or self._stop.is_set():
                return
            source = next(iter(running.values())).source
            meter.reading(source.path, heard_s(self._spool, source))
            ended, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in ended:
                job = running.pop(future)
                yield self._finish(job, future)
                meter.done(job.source.path, job.source.size_bytes)

    def sweep(self) -> None:
        """Delete what workers left on its way, when none runs."""
        shutil.rmtree(self._spool, ignore_errors=True)

    def workers(self) -> Workers:
        """Processes for one sync: `ingest.looking` and `read` share them."""
        return Workers(self._config.workers, self._settings, self._stop.is_set)

    def _settings(self, n_threads: int) -> WorkerSettings:
        return WorkerSettings(
            config=self._config,
            assets=self._assets,
            pictures=self._pictures,
            ocr_cache=self._ocr_cache,
            speech_cache=self._speech_cache,
            models=self._models,
            n_threads=n_threads,
            spool=self._spool,
        )

    def _limit_s(self, job: Job) -> float:
        source = job.source
        return limits_of(source.kind, source.size_bytes, self._config).time_s

    def _finish(self, job: Job, future: Future[bytes]) -> Read:
        try:
            return self._finished(job, future)
        except SourceUnavailableError as error:
            # Nothing is wrong with the file itself: the next sync tries again unasked.
            return self.failed(job, str(error), is_lasting=False)
        except ParserBugError as error:
            return self.failed(job, self._bugs.told(error))
        except IngestError as error:
            return self.failed(job, str(error))
        except TimeoutError:
            too_long = out_of_time(self._limit_s(job), job.source, self._config)
            return self.failed(job, str(too_long))
        except BrokenExecutor as error:
            raise broken() from error
        except (ProcessExpired, CancelledError) as error:
            return self.failed(
                job,
                f"The program that read the file crashed ({_cause(error)}), or the system stopped "
                "it for lack of memory. Save the file anew or convert it to PDF; `kb sync --retry` "
                "tries the same file again.",
            )
        except Exception as error:
            if not is_of_one_file(error):
                raise
            return self.failed(job, self._bugs.told(unforeseen(error, job.source.path)))

    def _finished(self, job: Job, future: Future[bytes]) -> Read:
        source = job.source
        parsed = unpack(future.result())
        _check_unchanged(job)
        warnings = parsed.warnings
        if parsed.report:
            warnings = (*warnings, self._bugs.add(source.path, parsed.report))
        status = DocumentStatus.PARTIAL if warnings else DocumentStatus.INDEXED
        reason = " ".join(warnings)
        document = Document(
            sha256=source.sha256,
            kind=source.kind,
            media_type=source.media_type,
            title=parsed.title or Path(source.path).stem,
            size_bytes=source.size_bytes,
            sources=(),
            date_ns=parsed.date_ns or source.mtime_ns,
            n_chunks=parsed.batches.n_chunks,
        )
        record = DocumentRecord(document, job.fingerprint, status, reason)
        outcomes = tuple(
            SourceOutcome(
                path.path,
                Outcome.PARTIAL if warnings else outcome,
                reason,
                parsed.batches.n_chunks,
            )
            for path, outcome in zip(job.paths, job.outcomes, strict=True)
        )
        written = IndexedDocument(record, parsed.batches, tuple(job.paths), parsed.tables)
        return Read(job, written, outcomes, parsed.batches)

    def failed(self, job: Job, reason: str, *, is_lasting: bool = True) -> Read:
        """What is written of a job of which nothing can be read.

        Args:
            is_lasting: Not to be read again before the file, its parser or the settings change.
        """
        source = job.source
        reason = clean_text(reason)
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
            fingerprint = failure_fingerprint(parser, self._config)
        paths = tuple(job.paths)
        if not _is_as_planned(job):
            # It vanished or changed meanwhile: whatever is there next is looked at afresh.
            fingerprint = ""
            paths = tuple(path._replace(reason=reason) for path in paths)
        record = DocumentRecord(document, fingerprint, DocumentStatus.FAILED, reason)
        outcomes = tuple(SourceOutcome(path.path, Outcome.FAILED, reason) for path in job.paths)
        return Read(job, IndexedDocument(record, Batches(), paths), outcomes, is_failure=True)


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
    mtime_ns = clamp_ns(about.st_mtime_ns)
    return (about.st_size, mtime_ns) == (job.source.size_bytes, job.source.mtime_ns)


def _check_unchanged(job: Job) -> None:
    if not _is_as_planned(job):
        raise IngestError(
            "The file changed or vanished while it was read. It will be read by the next sync.",
            source=job.source.path,
        )
