"""Ledgers that come along with an export: taken where the files are now, or refused."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kb.config import Home
from kb.errors import ArchiveError
from kb.index.ledger.schema import SCHEMA_VERSION, bring_up_to_date
from kb.moving.manifest import LEDGER
from tests.made_moving import export, rewritten, take_in

_DIGEST = "ab" * 32


def _with_ledger(home: Home, folder: Path, sql: str, **told: Any) -> Path:
    """An export of `home` whose ledger was made by `sql`; ``LIB`` in it is the library."""
    made = folder / "ledger.sqlite3"
    with closing(sqlite3.connect(made, isolation_level=None)) as db:
        db.execute("BEGIN")
        bring_up_to_date(db, made)
        db.execute("COMMIT")
        db.executescript(sql.replace("LIB", str(home.library)))
    return _with_bytes(home, folder, made.read_bytes(), **told)


def _with_bytes(home: Home, folder: Path, content: bytes, **told: Any) -> Path:
    def change(manifest: dict[str, Any]) -> None:
        digest = hashlib.sha256(content).hexdigest()
        member = {"name": LEDGER, "size_bytes": len(content), "sha256": digest, "mtime_ns": 0}
        manifest["members"].append(member)
        manifest.update({"ledger_version": SCHEMA_VERSION, **told})

    export(home, folder / "kb.zip")
    return rewritten(folder / "kb.zip", folder / "changed.zip", change, {LEDGER: content})


def _path(path: str, *, root: str = "LIB", beside: str = "") -> str:
    companions = [{"path": beside, "size_bytes": 1, "mtime_ns": 1}] if beside else []
    return (
        f"INSERT INTO paths VALUES ('{root}', '{path}', '{_DIGEST}', 1, 1, 1, "
        f"'{json.dumps(companions)}', '');"
    )


def test_files_and_those_beside_them_are_named_where_they_are_now(
    home: Home, new: Home, tmp_path: Path
) -> None:
    sql = _path("sub/a..b.mp4", beside="LIB/sub/a..b.srt") + _path("x.md", root="/mnt/drive")
    take_in(new, _with_ledger(home, tmp_path, sql, outside=["/mnt/drive"]))
    with closing(sqlite3.connect(new.ledger)) as db:
        rows = db.execute("SELECT root, path, companions FROM paths ORDER BY path").fetchall()
    assert [row[:2] for row in rows] == [
        (str(new.library), "sub/a..b.mp4"),
        ("/mnt/drive", "x.md"),
    ]
    assert json.loads(rows[0][2])[0]["path"] == str(new.library / "sub" / "a..b.srt")


_ASSET = "INSERT INTO assets VALUES ('{}', '" + _DIGEST + "', 'image/png', 1, 1);"
_CHUNK = "INSERT INTO chunks VALUES ('i', '" + _DIGEST + "', 0, 1, 'image', '{}');"
HARMS = {
    "a folder that nobody is told of": (_path("passwd", root="/etc"), "which is not told"),
    "a root that is not told": ("INSERT INTO roots VALUES ('/etc');", "which is not told"),
    "a root with dots": (_path("passwd", root="LIB/../../../etc"), "which is not told"),
    "dots": (_path("../../../../etc/passwd"), "leads elsewhere"),
    "absolute": (_path("/etc/passwd"), "leads elsewhere"),
    "beside it": (_path("a.mp4", beside="/etc/passwd"), "leads elsewhere"),
    "dots beside it": (_path("a.mp4", beside="LIB/../../passwd"), "leads elsewhere"),
    "nothing beside it": (_path("a.mp4").replace("[]", "[{}]"), "not as one is exported"),
    "trigger": (
        _path("pump.md")
        + "CREATE TRIGGER t AFTER UPDATE ON paths BEGIN UPDATE paths SET root = '/etc'; END;",
        "a trigger 't'",
    ),
    "view": ("CREATE VIEW v AS SELECT 1;", "a view 'v'"),
    "picture": (_ASSET.format("../../../../home/me/photo"), "no digest"),
    "picture of a passage": (_CHUNK.format('{"image": {"sha256": "../x"}}'), "no digest"),
    "newer": (f"PRAGMA user_version = {SCHEMA_VERSION + 1};", "its version is"),
    "no table": ("DROP TABLE turns;", "no such table"),
    "documents that nobody is told of": (
        f"INSERT INTO documents VALUES ('{_DIGEST}', 'text', 'a/b', '', 1, 1, '', '', '', 1);",
        "1 documents, of 0 that are told",
    ),
}


@pytest.mark.parametrize("is_tried", [True, False])
@pytest.mark.parametrize("harm", HARMS)
def test_a_ledger_that_would_do_harm_is_refused_and_changes_nothing(
    harm: str, is_tried: bool, home: Home, new: Home, tmp_path: Path
) -> None:
    sql, says = HARMS[harm]
    with pytest.raises(ArchiveError, match=says):
        take_in(new, _with_ledger(home, tmp_path, sql), is_tried=is_tried)
    assert not new.path.exists()


def test_what_is_no_ledger_is_told_by_the_name_of_the_export(
    home: Home, new: Home, tmp_path: Path
) -> None:
    changed = _with_bytes(home, tmp_path, b"no database at all" * 100)
    with pytest.raises(ArchiveError, match=r"changed\.zip.*not a database.*Copy it again"):
        take_in(new, changed)
    assert not new.path.exists()


def test_a_ledger_that_is_told_and_missing_is_refused(
    home: Home, new: Home, tmp_path: Path
) -> None:
    export(home, tmp_path / "kb.zip")
    changed = rewritten(tmp_path / "kb.zip", tmp_path / "c.zip", lambda m: m.update(n_documents=1))
    with pytest.raises(ArchiveError, match="its ledger is missing"):
        take_in(new, changed)
