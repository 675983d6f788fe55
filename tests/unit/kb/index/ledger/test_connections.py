"""The ledger's connections: few, whatever threads come and go, and what a lock makes of them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kb.errors import StoreError, StoreUnavailableError
from kb.index.ledger import DocumentRecord, DocumentStatus, Ledger, PathRecord, database
from kb.index.ledger.damage import told
from kb.index.ledger.database import Database
from kb.types import Chunk, Document, Kind, Locator, Modality

N_THREADS = 60


def documents(n: int) -> list[tuple[DocumentRecord, list[Chunk], list[PathRecord]]]:
    sha256 = f"{n:064x}"
    document = Document(sha256, Kind.TEXT, "text/plain", "T", 10, (), 1)
    chunk = Chunk(f"id-{n}", sha256, 0, Kind.TEXT, Modality.TEXT, Locator(), text=f"text {n}")
    path = PathRecord("/library", f"{n}.txt", sha256, 10, 1, 1)
    return [(DocumentRecord(document, "v1", DocumentStatus.INDEXED), [chunk], [path])]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    ledger = Ledger(path)
    yield ledger
    ledger.close()


def n_open(path: Path) -> int:
    """How many descriptors this process has of the ledger and its log."""
    return sum(one.path.startswith(str(path)) for one in psutil.Process().open_files())


def use(ledger: Ledger, n: int, errors: list[BaseException]) -> None:
    try:
        ledger.commit(documents(n))
        assert ledger.chunks([f"id-{n}"])[f"id-{n}"].text == f"text {n}"
        assert ledger.record(f"{n:064x}") is not None
        ledger.check()
    except BaseException as error:
        errors.append(error)


def test_threads_that_ended_leave_no_descriptor(ledger: Ledger, path: Path) -> None:
    errors: list[BaseException] = []
    for n in range(N_THREADS):
        thread = threading.Thread(target=use, args=(ledger, n, errors))
        thread.start()
        thread.join()
    assert not errors
    assert ledger.n_chunks() == N_THREADS
    # One connection that writes and one that reads, each with the file and its log; the index
    # of the log is one for the process.
    assert n_open(path) <= 5


def test_many_threads_at_once_share_a_few_connections(ledger: Ledger, path: Path) -> None:
    errors: list[BaseException] = []
    threads = [threading.Thread(target=use, args=(ledger, n, errors)) for n in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert ledger.chunk_ids() == {f"id-{n}" for n in range(N_THREADS)}
    assert n_open(path) <= 2 * (database._MOST_READERS + 1) + 1


def test_whoever_goes_through_all_chunks_holds_up_nobody(
    ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.index.ledger.reader._READ_CHUNKS", 2)
    for n in range(5):
        ledger.commit(documents(n))
    walks = [ledger.all_chunks() for _ in range(database._MOST_READERS + 1)]
    assert {next(walk).id for walk in walks} == {"id-0"}
    ledger.commit(documents(5))
    assert [chunk.id for chunk in walks[0]] == [f"id-{n}" for n in range(1, 6)]


def test_a_connection_that_reads_writes_nothing(path: Path) -> None:
    base = Database(path)
    with pytest.raises(StoreError, match="can't be opened for writing"):
        base.rows("DELETE FROM chunks RETURNING id")
    base.close()


def test_a_closed_ledger_says_so_and_opens_nothing(ledger: Ledger, path: Path) -> None:
    ledger.n_chunks()
    ledger.close()
    with pytest.raises(StoreError, match="has been closed"):
        ledger.n_chunks()
    with pytest.raises(StoreError, match="has been closed"):
        ledger.commit(documents(1))
    assert n_open(path) == 0


def test_closing_waits_for_no_reader_and_leaves_none_open(path: Path) -> None:
    base = Database(path)
    with base.reading() as db:
        base.close()
        assert db.execute("SELECT count(*) FROM chunks").fetchone() == (0,)
    assert n_open(path) == 0


def test_a_file_that_is_refused_is_closed(path: Path) -> None:
    Ledger(path).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StoreUnavailableError, match="Update the program"):
        Ledger(path)
    assert n_open(path) == 0


def test_a_lock_that_another_holds_is_called_that(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_LOCK_TIMEOUT_S", 0.05)
    ledger = Ledger(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="being written by another process") as locked:
        ledger.commit(documents(1))
    assert "the disk" not in str(locked.value)
    assert ledger.n_chunks() == 0
    with pytest.raises(StoreUnavailableError, match="being written by another process") as opening:
        Ledger(path)
    assert "the disk" not in str(opening.value)
    other.execute("ROLLBACK")
    other.close()
    ledger.commit(documents(1))
    ledger.close()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "being written by another process"),
        (sqlite3.SQLITE_BUSY_TIMEOUT, "being written by another process"),
        (sqlite3.SQLITE_LOCKED_SHAREDCACHE, "being written by another process"),
        (sqlite3.SQLITE_PROTOCOL, "being written by another process"),
        (sqlite3.SQLITE_IOERR_LOCK, "can't be locked"),
        (sqlite3.SQLITE_IOERR_SHMLOCK, "can't be locked"),
        (sqlite3.SQLITE_IOERR_WRITE, "Free some space on the disk"),
        (sqlite3.SQLITE_FULL, "Free some space on the disk"),
        (sqlite3.SQLITE_NOMEM, "Close other programs"),
    ],
)
def test_only_the_disk_s_errors_are_blamed_on_the_disk(code: int, words: str, path: Path) -> None:
    error = sqlite3.OperationalError("something")
    error.sqlite_errorcode = code
    meant = told(error, path)
    assert meant is not None
    assert words in str(meant)
    assert ("on the disk" in str(meant)) == ("on the disk" in words)
