"""What a damaged ledger says of itself."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from made_damage import DAMAGES, broken_bodies, half, zeroed_chunks

from kb.errors import StoreError
from kb.index.ledger import (
    DocumentRecord,
    DocumentStatus,
    FileQuery,
    Ledger,
    PathRecord,
    examine_ledger,
)
from kb.index.ledger.damage import salvage_roots
from kb.types import Chunk, Document, Filters, Kind, Locator, Modality

N_DOCUMENTS = 40


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "ledger.sqlite3"
    ledger = Ledger(path)
    for n in range(N_DOCUMENTS):
        sha256 = f"{n:064x}"
        document = Document(sha256, Kind.TEXT, "text/plain", f"Bird {n}", 9, (), n)
        chunk = Chunk(
            f"chunk {n}", sha256, 0, Kind.TEXT, Modality.TEXT, Locator(), "A bird flies. " * 60
        )
        ledger.commit(
            [
                (
                    DocumentRecord(document, "f", DocumentStatus.INDEXED),
                    (chunk,),
                    (PathRecord("/root", f"bird {n}.txt", sha256, 9, 1, 2),),
                )
            ]
        )
    ledger.add_roots([Path("/root"), Path("/another")])
    ledger.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "ledger.sqlite3"))


def read_everything(path: Path) -> None:
    """What every command asks of a ledger, one after the other; each error is told."""
    ledger = Ledger(path)
    errors = []
    ids = [f"chunk {n}" for n in range(N_DOCUMENTS)]
    reads: list[Callable[[], object]] = [
        lambda: ledger.chunks(ids),
        lambda: ledger.sources([f"{n:064x}" for n in range(N_DOCUMENTS)]),
        lambda: ledger.documents(Filters(folders=("a",), after_ns=3)),
        lambda: list(ledger.records()),
        lambda: ledger.files(FileQuery()),
        lambda: ledger.count_files(FileQuery()),
        ledger.standings,
        lambda: ledger.chunks_of("0" * 64),
        lambda: list(ledger.all_chunks()),
        ledger.chunk_ids,
        ledger.n_chunks,
        ledger.roots,
        ledger.paths,
        ledger.pending_points,
        ledger.has_pending_labels,
        lambda: ledger.pending_labels(9),
        ledger.labels,
        lambda: ledger.forget_documents(["0" * 64]),
        ledger.check,
    ]
    try:
        for read in reads:
            try:
                read()
            except StoreError as error:
                errors.append(error)
    finally:
        ledger.close()
    if errors:
        raise errors[-1]


def test_a_sound_ledger_is_found_sound(path: Path) -> None:
    read_everything(path)
    assert examine_ledger(path) == ()
    assert examine_ledger(path.with_name("none")) == ()
    assert salvage_roots(path) == [Path("/another"), Path("/root")]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_told_with_what_to_do(path: Path, damage: Callable[[Path], None]) -> None:
    damage(path)
    assert examine_ledger(path)
    with pytest.raises(StoreError, match="kb sync --rebuild"):
        read_everything(path)
    assert all(root.is_absolute() for root in salvage_roots(path))


@pytest.mark.parametrize("offset", range(0, 4096 * 12, 997))
def test_wherever_bytes_are_flipped_errors_are_told(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    for at in range(offset, min(offset + 8, len(data))):
        data[at] ^= 0xA5
    path.write_bytes(data)
    # Whether it is found depends on what lies there; nothing but what is told may come of it.
    with suppress(StoreError):
        read_everything(path)
    examine_ledger(path)
    salvage_roots(path)


def test_the_folders_are_saved_from_what_is_left(path: Path) -> None:
    zeroed_chunks(path)
    assert salvage_roots(path) == [Path("/another"), Path("/root")]
    half(path)
    salvage_roots(path)


def test_a_ledger_is_looked_through_once_and_again_after_an_error(path: Path) -> None:
    ledger = Ledger(path)
    try:
        ledger.check()
        broken_bodies(path)
        ledger.check()
        with pytest.raises(StoreError, match="damaged"):
            ledger.chunks_of("0" * 64)
        for _ in range(2):
            with pytest.raises(StoreError, match="40 chunks are not what was written"):
                ledger.check()
    finally:
        ledger.close()


def test_a_ledger_that_another_process_writes_is_not_called_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger = Ledger.__new__(Ledger)
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **(k | {"timeout": 0.1})))
    with pytest.raises(StoreError, match="another process"):
        ledger.__init__(path)
    other.execute("ROLLBACK")
    other.close()


def test_a_value_that_it_can_not_hold_is_no_damage(path: Path) -> None:
    ledger = Ledger(path)
    try:
        with pytest.raises(OverflowError):
            ledger.put_paths([PathRecord("/root", "a", None, 1, 2**64, 1)])
        with pytest.raises(UnicodeEncodeError):
            ledger.put_paths([PathRecord("/root", "\udcff", None, 1, 1, 1)])
        ledger.put_paths([PathRecord("/root", "a", None, 1, 1, 1)])
    finally:
        ledger.close()


def test_errors_are_told_in_every_thread(path: Path) -> None:
    ledger = Ledger(path)
    broken_bodies(path)
    told: list[str] = []

    def read() -> None:
        try:
            ledger.chunks(["chunk 1"])
        except StoreError as error:
            told.append(str(error))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    ledger.close()
    assert len(told) == 1
