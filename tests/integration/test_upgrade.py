"""An index that the first code of version 0.1.0 made (its ledger's version is 1, its text encoder
all-MiniLM-L6-v2 alone) under the present code.

``index_0_1_0/`` holds its library, its ledger as SQL, its vectors and its pictures.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from ingest.fingerprint import document_fingerprint
from ingest.parsers import all_parsers
from kb import Query, export_library, import_library
from kb.config import Config, Home
from kb.config.loading import load_config
from kb.errors import StoreUnavailableError
from kb.types import Kind, Outcome
from ui.service.service import Service

MADE = Path(__file__).parent / "index_0_1_0"
_PARSERS = {Kind.TEXT: "MarkdownParser", Kind.DATA: "RecordsParser", Kind.IMAGE: "ImageParser"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    shutil.copytree(MADE / "library", home.library)
    shutil.copytree(MADE / "assets", home.assets)
    with tarfile.open(MADE / "qdrant.tar.xz") as archive:
        archive.extractall(home.index, filter="data")
    sql = (MADE / "ledger.sql").read_text("utf-8")
    with closing(sqlite3.connect(home.ledger)) as db:
        db.executescript(sql.replace("/home/of/0.1.0", str(home.path)))
        for path, mtime_ns in db.execute("SELECT path, mtime_ns FROM paths").fetchall():
            os.utime(home.library / path, ns=(mtime_ns, mtime_ns))
    return home


def _parsers_did_not_change(home: Home) -> None:
    """Have the ledger say what it would say, were the parsers still those of 0.1.0."""
    config = load_config(home).ingest
    parsers = {type(parser).__name__: parser for parser in all_parsers()}
    with closing(sqlite3.connect(home.ledger)) as db, db:
        for kind, name in _PARSERS.items():
            now = document_fingerprint(parsers[name], kind, config)
            changed = db.execute(
                "UPDATE documents SET fingerprint = ? WHERE kind = ?", (now, kind.value)
            )
            assert changed.rowcount == 1


def _rows(ledger: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(ledger)) as db:
        return set(db.execute("SELECT id, body FROM chunks"))


def test_nothing_is_read_again_where_the_parser_did_not_change(home: Home) -> None:
    _parsers_did_not_change(home)
    before = _rows(home.ledger)
    service = Service(home, load_config(home))
    try:
        # The former encoders' vectors are of no use, which is told, and not taken for no results.
        with pytest.raises(StoreUnavailableError, match=r"3 passages.*`kb sync` makes them"):
            service.search(Query("decibels"))
        assert {one.outcome for one in service.sync().files} == {Outcome.UNCHANGED}
        assert _rows(home.ledger) == before
        assert service.kb.examine().is_sound
        hit = service.search(Query("decibels")).hits[0]
        assert hit.source == "copy.md"
        # The vectors of the present encoders were made from the ledger.
        assert hit.dense is not None
        page = service.search(Query("price of the valve")).hits[0]
        assert "7.20" in page.chunk.text
    finally:
        service.close()
    copy = home.index / "ledger-v1.sqlite3"
    assert _rows(copy) == before
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)


def test_what_changed_is_read_and_all_answers(home: Home) -> None:
    service = Service(home, load_config(home))
    try:
        report = service.sync()
        assert {one.outcome for one in report.files} <= {Outcome.UPDATED, Outcome.UNCHANGED}
        assert len(report.files) == 4
        assert service.kb.examine().is_sound
        assert service.search(Query("decibels")).hits[0].dense is not None
    finally:
        service.close()


def test_it_moves_as_it_is(home: Home, tmp_path: Path) -> None:
    """By the present program, before anything else of it has opened the index."""
    _parsers_did_not_change(home)
    before = _rows(home.ledger)
    export_library(home, Config(), tmp_path / "kb.zip", with_vectors=True, listen=_nobody)
    assert _rows(home.ledger) == before
    new = Home(tmp_path / "new")
    imported = import_library(new, tmp_path / "kb.zip", None, is_tried=False, listen=_nobody)
    assert not imported.has_vectors
    assert _rows(new.ledger) == before


def _nobody(_doing: str, _n_done: int, _n_total: int) -> None:
    pass
