"""Ledgers of former versions: copied, then brought up to date."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from kb.errors import StoreUnavailableError
from kb.index.ledger import Ledger, schema
from kb.index.ledger.schema import SCHEMA_VERSION


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger that says it is of the version before, with a root in it."""
    path = tmp_path / "ledger.sqlite3"
    ledger = Ledger(path)
    ledger.add_roots([Path("/library")])
    ledger.close()
    return path


def _set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"PRAGMA user_version = {version}")
        if version < SCHEMA_VERSION:
            for table in ("conversations", "turns", "feedback"):
                db.execute(f"DROP TABLE {table}")


def _version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def _names(path: Path) -> set[str]:
    return {one.name for one in path.parent.iterdir()}


def test_a_ledger_of_a_former_version_is_copied_first(path: Path) -> None:
    _set_version(path, 4)
    Ledger(path).close()
    assert _version(path) == SCHEMA_VERSION
    copy = path.with_name("ledger-v4.sqlite3")
    assert _names(path) == {"ledger.sqlite3", copy.name}
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert _version(copy) == 4
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT root FROM roots").fetchall() == [("/library",)]


def test_a_new_ledger_and_one_of_this_version_are_not(path: Path) -> None:
    Ledger(path).close()
    assert _names(path) == {"ledger.sqlite3"}


def test_a_few_copies_are_kept(path: Path) -> None:
    for version in (1, 2, 3, 11):
        path.with_name(f"ledger-v{version}.sqlite3").write_bytes(b"")
    path.with_name("ledger-v-mine.sqlite3").write_bytes(b"")
    _set_version(path, 4)
    Ledger(path).close()
    assert _names(path) == {
        "ledger.sqlite3",
        "ledger-v-mine.sqlite3",
        "ledger-v3.sqlite3",
        "ledger-v4.sqlite3",
        "ledger-v11.sqlite3",
    }


def test_what_can_not_be_copied_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    _set_version(path, 4)
    with monkeypatch.context() as patched:
        patched.setattr(schema, "move_whole", full)
        with pytest.raises(StoreUnavailableError, match=r"copied.*No space left.*Nothing was"):
            Ledger(path)
    assert _version(path) == 4
    assert _names(path) == {"ledger.sqlite3"}
    Ledger(path).close()
    assert _version(path) == SCHEMA_VERSION
