"""What a worker's end means, without the workers."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace

import pytest
from pebble import ProcessExpired

from ingest.failures import BugLog
from ingest.plan import Job
from ingest.reading import Reader
from ingest.spool import Batches
from ingest.worker import ParsedFile
from kb.config import Home, IngestConfig
from kb.errors import KnowledgeBaseError, SourceUnavailableError
from kb.index.ledger import DocumentStatus, PathRecord
from kb.types import Kind, Outcome, Source


@pytest.fixture
def job(tmp_path: Path) -> Job:
    path = tmp_path / "note.txt"
    path.write_text("Words.")
    about = path.stat()
    source = Source(
        tmp_path, path.name, "text/plain", Kind.TEXT, "0" * 64, about.st_size, about.st_mtime_ns
    )
    record = PathRecord(str(tmp_path), path.name, "0" * 64, about.st_size, about.st_mtime_ns, 1)
    return Job(source, "f", [record], [Outcome.ADDED])


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    kb = SimpleNamespace(
        config=SimpleNamespace(ingest=IngestConfig()),
        assets=SimpleNamespace(root=tmp_path),
        picture_encoder=None,
        home=Home(tmp_path),
    )
    return Reader(kb, BugLog(tmp_path / "bugs.log"), threading.Event())


def ended(result: bytes | BaseException) -> Future[bytes]:
    future: Future[bytes] = Future()
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
    return future


@pytest.mark.parametrize(
    ("result", "told", "is_lasting"),
    [
        (TimeoutError(), "took more than 90 s, the limit for its kind and its 6 bytes", True),
        (ProcessExpired("Abnormal termination", code=-11), "crashed (signal 11)", True),
        (CancelledError(), "crashed (CancelledError)", True),
        (pickle.dumps(SourceUnavailableError("It vanished.")), "It vanished.", False),
        (b"no pickle", "does not foresee (UnpicklingError", True),
        (pickle.dumps("another thing"), "does not foresee (AssertionError", True),
        (ValueError("from the pool"), "does not foresee (ValueError: from the pool)", True),
    ],
)
def test_whatever_comes_back_of_a_file_is_its_failure(
    reader: Reader, job: Job, result: bytes | BaseException, told: str, is_lasting: bool
) -> None:
    read = reader._finish(job, ended(result))
    assert read.is_failure
    assert read.document.record.status is DocumentStatus.FAILED
    assert told in read.document.record.reason
    assert bool(read.document.record.fingerprint) == is_lasting


def test_a_report_of_what_ended_the_reading_half_way_is_put_into_the_log(
    reader: Reader, job: Job, tmp_path: Path
) -> None:
    parsed = ParsedFile(Batches(), "Title", ("Only a part was read.",), report="Traceback: here")
    read = reader._finish(job, ended(pickle.dumps(parsed)))
    assert read.document.record.status is DocumentStatus.PARTIAL
    assert "bugs.log" in read.document.record.reason
    assert "Traceback: here" in (tmp_path / "bugs.log").read_text()


def test_workers_that_can_not_be_started_are_no_file_s_failure(reader: Reader, job: Job) -> None:
    with pytest.raises(KnowledgeBaseError, match=r"ingest\.workers"):
        reader._finish(job, ended(BrokenProcessPool("All workers expired")))


@pytest.mark.parametrize("end", [KeyboardInterrupt(), SystemExit(1)])
def test_the_end_of_the_program_goes_through(reader: Reader, job: Job, end: BaseException) -> None:
    with pytest.raises(type(end)):
        reader._finish(job, ended(end))
